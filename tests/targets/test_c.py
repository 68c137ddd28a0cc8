"""The generated C against the integer reference, bit for bit, through its public API."""

from __future__ import annotations

import ctypes
import dataclasses
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_network

from edgernn import reference
from edgernn.engines import compiler
from edgernn.errors import ExportError, InputError
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.program import Builder
from edgernn.quantize import quantize
from edgernn.reference import sum_shift
from edgernn.targets import Combination, Operator, audit, c
from edgernn.targets.c.plan import phases, plan
from edgernn.targets.c.scratch import Lifetime, allocate
from edgernn.targets.c.write import render

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
STRICT_COMPILERS = [
    pytest.param(["gcc"], marks=pytest.mark.toolchain, id="gcc"),
    pytest.param([sys.executable, "-m", "ziglang", "cc"], id="zig"),
]
STEPS = 12
# inputs, GRU units (stacked where several), outputs (0: the network ends with its GRU)
SHAPES = [
    (1, (1,), 1),
    (1, (67,), 3),
    (67, (1,), 2),
    (6, (32,), 7),
    (5, (4, 3), 2),
    (3, (7, 1, 9), 4),
    (4, (6,), 0),
]
MIXED = [
    [("dense", 9), ("gru", 12)],
    [("gru", 12), ("dense", 5)],
    [("dense", 4), ("dense", 7), ("gru", 5), ("dense", 6), ("gru", 3), ("dense", 2)],
]
NETWORKS = len(SHAPES) + 26 + len(MIXED)


def quantized_network(name: str, seed: int, inputs: int, units: tuple[int, ...], outputs: int) -> QuantizedNetwork:
    """Some of them with weights so large that gates and sums saturate."""
    rng = np.random.default_rng(seed)
    drawn = random_network(seed, inputs, [("gru", size) for size in units], outputs or 1, STEPS)
    gain = np.float32(rng.choice([0.3, 1, 4, 16]))
    layers = [dataclasses.replace(layer, weights=tuple(gain * w for w in layer.weights)) for layer in drawn.layers]
    kept = layers if outputs else layers[:-1]
    labels = tuple(f"label {i}" for i in range(kept[-1].units))
    network = dataclasses.replace(drawn, name=name, labels=labels, layers=tuple(kept))
    return quantize(network, rng.normal(0, 1.5, (4, STEPS, inputs)))


def random_networks() -> list[QuantizedNetwork]:
    rng = np.random.default_rng(11)
    drawn = [
        (
            int(rng.integers(1, 68)),
            tuple(map(int, rng.integers(1, 68, rng.integers(1, 4)))),
            int(rng.integers(1, 20)),
        )
        for _ in range(26)
    ]
    recurrent = [quantized_network(f"net_{i}", i, *shape) for i, shape in enumerate(SHAPES + drawn)]
    return recurrent + [mixed_network(f"net_{len(recurrent) + i}", cells) for i, cells in enumerate(MIXED)]


def mixed_network(name: str, cells: list[tuple[str, int]]) -> QuantizedNetwork:
    """Dense layers before, between and after GRUs, with outputs far outside [-1, 1)."""
    drawn = random_network(5, 6, cells, 3, STEPS)
    layers = [dataclasses.replace(layer, weights=tuple(4 * w for w in layer.weights)) for layer in drawn.layers]
    network = dataclasses.replace(drawn, name=name, layers=tuple(layers))
    return quantize(network, np.random.default_rng(5).normal(0, 1.5, (4, STEPS, 6)))


def integer_frames(seed: int, inputs: int) -> np.ndarray:
    """Streams of int8 frames: random ones, and both extremes throughout, in turn, and by channel."""
    rng = np.random.default_rng(seed)
    lowest, highest = np.full((STEPS, inputs), -128), np.full((STEPS, inputs), 127)
    turns = np.where(np.arange(STEPS)[:, None] % 2, lowest, highest)
    channels = np.where(np.arange(inputs) % 2, lowest, highest)
    drawn = rng.integers(-128, 128, (3, STEPS, inputs))
    return np.stack([*drawn, lowest, highest, turns, channels]).astype(np.int8)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """All random networks in one library: their kernels are there once."""
    folder = tmp_path_factory.mktemp("models")
    networks = random_networks()
    files = {name: text for quantized in networks for name, text in render(quantized).items()}
    for name, text in files.items():
        (folder / name).write_text(text)
    library = folder / "models.so"
    compiler.shared_library(compiler.find(), sorted(folder.glob("*.c")), library, ["-O1"])
    return SimpleNamespace(networks=networks, library=ctypes.CDLL(str(library)))


@pytest.mark.parametrize("index", range(NETWORKS))
def test_both_forms_equal_the_integer_reference(built: SimpleNamespace, index: int) -> None:
    quantized = built.networks[index]
    network, name = quantized.network, quantized.network.name
    x = integer_frames(index, network.inputs)
    expected = reference.integer_outputs(quantized, x)
    state = (ctypes.c_int16 * sum(layer.units for layer in network.layers))()
    y = np.zeros(network.outputs, np.int16)
    for stream, outputs in zip(x, expected, strict=True):
        getattr(built.library, f"{name}_reset")(state)
        for frame, output in zip(stream, outputs, strict=True):
            getattr(built.library, f"{name}_step")(state, pointer(frame), pointer(y))
            np.testing.assert_array_equal(y, output)
        after_steps = bytes(state)
        getattr(built.library, f"{name}_sequence")(state, pointer(stream), ctypes.c_size_t(STEPS), pointer(y))
        np.testing.assert_array_equal(y, outputs[-1])
        assert bytes(state) == after_steps


def test_some_of_these_networks_shift_their_sums() -> None:
    """Gates whose terms leave [-8, 8) are what the larger weights are for."""
    shifts = {
        sum_shift(op, typed)
        for typed in map(native, random_networks())
        for op in typed.program.ops
        if op.primitive == "add"
    }
    assert min(shifts) == 0
    assert max(shifts) >= 3


def test_a_sequence_of_no_steps_resets_and_leaves_the_output(built: SimpleNamespace) -> None:
    network = built.networks[3].network
    state, y = (ctypes.c_int16 * 32)(*[99] * 32), np.full(network.outputs, 77, np.int16)
    built.library.net_3_sequence(state, None, ctypes.c_size_t(0), pointer(y))
    assert (list(state), y.tolist()) == ([0] * 32, [77] * 7)


def test_two_streams_in_turn_do_not_disturb_each_other(built: SimpleNamespace) -> None:
    quantized = built.networks[5]
    x = integer_frames(5, quantized.network.inputs)[:2]
    expected = reference.integer_outputs(quantized, x)
    states = [(ctypes.c_int16 * 17)(), (ctypes.c_int16 * 17)()]
    y = np.zeros(4, np.int16)
    for t in range(STEPS):
        for state, stream, outputs in zip(states, x, expected, strict=True):
            built.library.net_5_step(state, pointer(stream[t]), pointer(y))
            np.testing.assert_array_equal(y, outputs[t])


@pytest.mark.parametrize("index", range(0, 33, 4))
def test_raw_frames_are_quantised_as_by_the_reference(built: SimpleNamespace, index: int) -> None:
    quantized = built.networks[index]
    network = quantized.network
    rng = np.random.default_rng(index)
    frames = (network.mean + network.std * rng.normal(0, 3, (4000, network.inputs))).astype(np.float32)
    frames[:8] = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, -0.0], np.float32)[:, None]
    q = np.zeros(frames.shape, np.int8)
    for frame, row in zip(frames, q, strict=True):
        getattr(built.library, f"{network.name}_quantize_input")(pointer(frame), pointer(row))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(q, reference.quantize_input(quantized, frames))
    assert (q[0] == -128).all()


def test_outputs_become_real_as_by_their_type(built: SimpleNamespace) -> None:
    quantized = built.networks[3]
    output = native(quantized).types["dense_1/output"]
    q = np.array([-32768, -1, 0, 1, 5, 1234, 32767], np.int16)
    y = np.zeros(7, np.float32)
    built.library.net_3_dequantize_output(pointer(q), pointer(y))
    np.testing.assert_array_equal(y, output.dequantize(q))


def exported(tmp_path: Path, name: str = "model", **changes: object) -> tuple[QuantizedNetwork, Path]:
    quantized = quantized_network(name, 3, 6, (16,), 4)
    network = dataclasses.replace(quantized.network, **changes)
    quantized = dataclasses.replace(quantized, network=network)
    return quantized, c.export(network, quantized, "step", "int8", tmp_path)


def test_content_counts_kernels_and_weights(tmp_path: Path) -> None:
    quantized, path = exported(tmp_path)
    assert path == tmp_path / "c" / "int8"
    content = audit(Combination("c", "step", "int8"), path)
    assert Operator("ernn_matvec_s8_s16", 3, "integer") in content.operators
    assert {op.name for op in content.operators if op.arithmetic == "float"} == {
        "ernn_quantize_f32_s8",
        "ernn_dequantize_s16_f32",
    }
    assert sum(op.count for op in content.operators if op.arithmetic == "integer") == 13
    assert content.integer_weight_bytes == sum(weight.size for weight in quantized.weights.values())
    assert content.float_weight_bytes == 0


def test_content_refuses_float_weights_and_foreign_kernels(tmp_path: Path) -> None:
    _, path = exported(tmp_path)
    source = path / "model.c"
    text = source.read_text()
    source.write_text(text + "\nstatic const float hidden[] = {\n    1.0f, 2.0f,\n};\n")
    assert c.content(path).float_weight_bytes == 8
    with pytest.raises(ExportError, match="8 bytes of float weights"):
        audit(Combination("c", "step", "int8"), path)
    source.write_text(text.replace("ernn_matvec_s8_s16(&dense", "ernn_matvec_f32(&dense"))
    with pytest.raises(ExportError, match="no kernel ernn_matvec_f32"):
        c.content(path)
    (path / "other.c").write_text("")
    with pytest.raises(ExportError, match="holds 2 models"):
        c.content(path)


def test_export_has_the_same_bytes_again_and_no_old_files(tmp_path: Path) -> None:
    _, first = exported(tmp_path / "a")
    _, again = exported(tmp_path / "b")
    (again / "old.c").write_text("")
    exported(tmp_path / "b")
    contents = [{file.name: file.read_bytes() for file in path.iterdir()} for path in (first, again)]
    assert contents[0] == contents[1]
    assert "ernn_sub_s16.c" not in contents[0]  # only kernels that are called


def test_build_hash_follows_the_weights(tmp_path: Path) -> None:
    def line(path: Path) -> str:
        return next(row for row in (path / "model.h").read_text().splitlines() if "BUILD_HASH" in row)

    quantized, path = exported(tmp_path / "a")
    weights = dict(quantized.weights)
    weights["dense_1/kernel"] = weights["dense_1/kernel"] ^ np.int8(1)
    changed = dataclasses.replace(quantized, weights=weights)
    assert line(path) != line(c.export(changed.network, changed, "step", "int8", tmp_path / "b"))


def test_a_name_of_the_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="begins like the C runtime's names"):
        exported(tmp_path, name="ernn_add")


def test_sums_that_could_overflow_are_refused() -> None:
    quantized = quantized_network("model", 3, 6, (16,), 4)
    unit = native(quantized).types["input"].scale * quantized.scales["gru_0/kernel"]
    kernel, recurrent, bias = quantized.network.layers[0].weights
    bias = np.stack([2.14745e9 * unit, bias[1]]).astype(np.float32)  # an int32 itself, but not with a product
    layer = dataclasses.replace(quantized.network.layers[0], weights=(kernel, recurrent, bias))
    network = dataclasses.replace(quantized.network, layers=(layer, *quantized.network.layers[1:]))
    with pytest.raises(ExportError, match="may not fit an int32"):
        render(dataclasses.replace(quantized, network=network))


@pytest.mark.parametrize("command", STRICT_COMPILERS)
def test_strict_compilers_have_nothing_to_say(tmp_path: Path, command: list[str]) -> None:
    labels = ('quote " and \\ slash', "trigraph ??/ end", "naïve\n", "*/ /*")
    _, path = exported(tmp_path, labels=labels, channels=(*labels, "e", "f"), rate_hz=0.0)
    program, main = tmp_path / "labels", Path(__file__).with_name("labels.c")
    sources = map(str, [main, *path.glob("*.c")])
    build = [*command, *STRICT, "-O2", f"-I{path}", *sources, "-o", str(program)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    printed = subprocess.run([str(program)], capture_output=True, check=True).stdout
    assert tuple(printed.decode().split("\0")[:-1]) == labels


def test_a_microcontroller_without_a_c_library_can_compile_it(tmp_path: Path) -> None:
    _, path = exported(tmp_path)
    flags = [
        "-target",
        "thumb-freestanding-eabi",
        "-mcpu=cortex_m0",
        "-ffreestanding",
        "-nostdlibinc",
        *STRICT,
    ]
    for source in path.glob("*.c"):
        command = [sys.executable, "-m", "ziglang", "cc", *flags, "-Os", "-c", str(source)]
        subprocess.run([*command, "-o", str(tmp_path / "object.o")], check=True)


def test_headers_are_cpp_and_models_link_into_one_program(tmp_path: Path) -> None:
    _, one = exported(tmp_path / "a", name="one")
    _, two = exported(tmp_path / "b", name="two")
    main, program = tmp_path / "main.o", tmp_path / "program"
    zig = [sys.executable, "-m", "ziglang"]
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{one}", f"-I{two}"]
    source = Path(__file__).with_name("two_models.cpp")
    subprocess.run([*zig, "c++", *strict, "-O1", "-c", str(source), "-o", str(main)], check=True)
    sources = map(str, [*one.glob("*.c"), two / "two.c"])  # the kernels once
    subprocess.run([*zig, "cc", "-O1", str(main), *sources, "-o", str(program)], check=True)
    assert subprocess.run([str(program)], check=False).returncode == 0


@pytest.mark.toolchain
@pytest.mark.parametrize("cells", MIXED)
def test_sanitizers_find_nothing(tmp_path: Path, cells: list[tuple[str, int]]) -> None:
    quantized = mixed_network("model", cells)
    path = c.export(quantized.network, quantized, "step", "int8", tmp_path)
    x = integer_frames(1, 6)
    replay, program = Path(__file__).with_name("replay.c"), tmp_path / "replay"
    flags = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [str(replay), *map(str, path.glob("*.c"))]
    subprocess.run(["gcc", *flags, f"-I{path}", *sources, "-o", str(program)], check=True)
    done = subprocess.run([str(program), str(STEPS)], input=x.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    y = np.frombuffer(done.stdout, np.int16).reshape(len(x), STEPS + 1, 3)
    expected = reference.integer_outputs(quantized, x)
    np.testing.assert_array_equal(y, np.concatenate([expected, expected[:, -1:]], axis=1))


def test_a_head_that_reads_the_frame_runs_at_every_step() -> None:
    builder = Builder()
    x = builder.input(3)
    h = builder.state("h", 3)
    builder.next(h, builder.add(x, h))
    program = builder.finish(builder.mul(h, x))
    assert phases(program) == (program.ops, ())


def test_types_without_a_kernel_are_refused() -> None:
    typed = native(quantized_network("model", 3, 6, (16,), 4))
    types = typed.types | {"gru_0/z": typed.types["input"]}
    with pytest.raises(ExportError, match="no C kernel for sigmoid of int16 to int8"):
        plan(dataclasses.replace(typed, types=types))


def test_a_state_that_is_the_frame_itself_is_refused() -> None:
    typed = native(quantized_network("model", 3, 6, (16,), 4))
    states = (dataclasses.replace(typed.program.states[0], next="input"),)
    program = dataclasses.replace(typed.program, states=states)
    with pytest.raises(ExportError, match="another value unchanged"):
        plan(dataclasses.replace(typed, program=program))


LIFETIMES = st.lists(st.tuples(st.integers(1, 64), st.integers(0, 12), st.integers(0, 6)), max_size=20)


@given(LIFETIMES)
def test_slots_of_values_that_live_together_never_overlap(drawn: list[tuple[int, int, int]]) -> None:
    values = [Lifetime(f"v{i}", size, first, first + extra) for i, (size, first, extra) in enumerate(drawn)]
    layout = allocate(values)
    bytes_taken: dict[tuple[int, int], str] = {}
    for value in values:
        assert layout.offsets[value.name] % 2 == 0
        for time in range(value.first, value.last + 1):
            for byte in range(layout.offsets[value.name], layout.offsets[value.name] + value.size):
                assert bytes_taken.setdefault((time, byte), value.name) == value.name
                assert byte < layout.size


def test_slots_are_used_again() -> None:
    chain = [Lifetime(f"v{i}", 10, i, i + 1) for i in range(9)]
    assert allocate(chain).size == 20


def test_a_gru_needs_nine_units_of_scratch() -> None:
    """from_x and from_h (3 each), a sum, z and r: 9 vectors of int16 at the same time."""
    typed = native(quantized_network("model", 3, 6, (32,), 4))
    assert plan(typed).scratch_bytes == 9 * 32 * 2
