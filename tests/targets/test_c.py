"""The written C folder: its content, its compilers, its refusals; and how its scratch memory is shared out."""

from __future__ import annotations

import ctypes
import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Options, random_frames, random_network

from edgernn import reference
from edgernn.engines import compiler
from edgernn.errors import ExportError, InputError
from edgernn.features import normalize
from edgernn.lowering import QType, TypedPass, TypedProgram, native
from edgernn.network import Precision, QuantizedNetwork
from edgernn.program import Builder
from edgernn.quantize import quantize
from edgernn.targets import Combination, Operator, audit, c
from edgernn.targets.c import write
from edgernn.targets.c.constants import constants
from edgernn.targets.c.order import phases
from edgernn.targets.c.packing import packed
from edgernn.targets.c.plan import Plan, plan
from edgernn.targets.c.scratch import Lifetime, allocate
from edgernn.targets.c.sparse import dense, sparse
from edgernn.targets.c.write import render

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
STRICT_COMPILERS = [
    pytest.param(["gcc"], marks=pytest.mark.toolchain, id="gcc"),
    pytest.param([sys.executable, "-m", "ziglang", "cc"], id="zig"),
]
STEPS = 12
INPUTS = 6
GRU: list[tuple[str, Options]] = [("gru", 16)]
BIDIRECTIONAL: list[tuple[str, Options]] = [
    ("conv", {"units": 5, "kernel": 3, "stride": 2}),
    ("gru", {"units": 4, "bidirectional": True}),
    ("attention", {"units": 3}),
]
STREAMING: list[tuple[str, Options]] = [
    ("conv", {"units": 5, "kernel": 5, "stride": 2, "activation": "relu", "batch_norm": True}),
    ("lstm", 4),
    ("layer_norm", {}),
    ("gru", {"units": 5, "reset_after": False}),
    ("attention", {"units": 3}),
    ("pool", {"over": "max"}),
    ("dense", {"units": 6, "activation": "softmax"}),
]
MIXED = [STREAMING, BIDIRECTIONAL]
SPARSE: list[tuple[str, Options]] = [("gru", 40)]
TOKENS: list[tuple[str, Options]] = [("embedding", {"entries": 9, "units": 3}), ("gru", 4)]


def quantized_network(
    name: str = "model", cells: list[tuple[str, Options]] = GRU, zeros: float = 0.0, **changes: object
) -> QuantizedNetwork:
    """`zeros` is the share of the first layer's weights that are 0."""
    drawn = random_network(3, 1 if cells is TOKENS else INPUTS, cells, 4, STEPS)
    first = drawn.layers[0]
    kept = np.random.default_rng(1).random(len(first.weights[0].T)) >= zeros  # whole columns, so whole rows of C
    weights = (*(weight * kept for weight in first.weights[:2]), *first.weights[2:]) if zeros else first.weights
    layers = (dataclasses.replace(first, weights=weights), *drawn.layers[1:])
    network = dataclasses.replace(drawn, **{"name": name, "layers": layers, **changes})  # type: ignore[arg-type]
    return quantize(network, normalize.apply(random_frames(network, 6), network.mean, network.std))


def exported(tmp_path: Path, name: str = "model", **changes: object) -> tuple[QuantizedNetwork, Path]:
    quantized = quantized_network(name, **changes)
    return quantized, c.export(quantized.network, quantized, "step", "int8", tmp_path)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def planned(typed: TypedProgram, quantized: QuantizedNetwork) -> Plan:
    return plan(typed, constants(native(quantized)))


def test_content_counts_kernels_and_weights(tmp_path: Path) -> None:
    quantized, path = exported(tmp_path)
    assert path == tmp_path / "c" / "int8"
    content = audit(Combination("c", "step", "int8"), path)
    assert Operator("ernn_matvec_s8_s16", 2, "integer") in content.operators
    assert Operator("ernn_matmul_s8_s16", 1, "integer") in content.operators
    assert {op.name for op in content.operators if op.arithmetic == "float"} == {
        "ernn_quantize_f32_s8",
        "ernn_dequantize_s16_f32",
    }
    assert sum(op.count for op in content.operators if op.arithmetic == "integer") == 6
    assert content.integer_weight_bytes == sum(packed(weight).size for weight in quantized.weights.values())
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


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
def test_sums_that_could_overflow_are_refused(precision: Precision) -> None:
    """A bias that is an int32 itself, but not with a product."""
    quantized = quantized_network().at(precision)
    unit = native(quantized)[0].forward.types["input"].scale * quantized.scales["gru_0/kernel_zr"]
    gru, last = quantized.network.layers
    kernel, recurrent, bias = gru.weights
    bias = np.concatenate([np.tile(2.14748e9 * unit, (1, 1)), np.zeros((1, 32))]).astype(np.float32)
    bias = np.concatenate([bias, np.zeros((2, 16), np.float32)], axis=1)
    layer = dataclasses.replace(gru, weights=(kernel, recurrent, bias))
    network = dataclasses.replace(quantized.network, layers=(layer, last))
    with pytest.raises(ExportError, match=r"zr_from_x.*: its sums may not fit an int32"):
        render(dataclasses.replace(quantized, network=network))


def test_a_result_of_int8_is_refused() -> None:
    quantized = quantized_network()
    layers = quantized.network.layers[:1]
    pool = random_network(3, 16, [("pool", {"over": "last"})], 4).layers[0]
    network = dataclasses.replace(quantized.network, layers=(*layers, pool), labels=())
    typed = native(quantized)[0].forward
    narrow = dataclasses.replace(typed, types=typed.types | {typed.program.output: QType("int8", 1 / 128)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "native", lambda _: (TypedPass(narrow, None, 1, False),))
        with pytest.raises(ExportError, match="its result is int8, and C gives int16"):
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


@pytest.mark.parametrize("cells", MIXED, ids=["streaming", "bidirectional"])
@pytest.mark.parametrize("every_step", [False, True])
def test_every_kernel_of_a_model_compiles_strictly(
    tmp_path: Path, cells: list[tuple[str, Options]], every_step: bool
) -> None:
    quantized = quantized_network(cells=cells, every_step=every_step)
    path = c.export(quantized.network, quantized, "step", "int16x8", tmp_path)
    assert path == tmp_path / "c" / "int16x8"
    build = [*compiler.find().command, *STRICT, "-O1", "-c", *map(str, path.glob("*.c"))]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.toolchain
@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("cells", [*MIXED, SPARSE], ids=["streaming", "bidirectional", "sparse"])
def test_sanitizers_find_nothing(tmp_path: Path, cells: list[tuple[str, Options]], precision: Precision) -> None:
    quantized = quantized_network(cells=cells, zeros=0.8 if cells is SPARSE else 0.0)
    path = c.export(quantized.network, quantized, "step", precision, tmp_path)
    quantized = quantized.at(precision)
    x = reference.quantize_input(quantized, random_frames(quantized.network, 4, 9))
    replay, program = Path(__file__).with_name("replay.c"), tmp_path / "replay"
    flags = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [str(replay), *map(str, path.glob("*.c"))]
    subprocess.run(["gcc", *flags, f"-I{path}", *sources, "-o", str(program)], check=True)
    done = subprocess.run([str(program)], input=x.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    steps = reference.integer_outputs(quantized, x)
    expected = np.concatenate([steps[:, : steps.shape[1] * quantized.network.streams], steps[:, -1:]], axis=1)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, np.int16).reshape(expected.shape), expected)


def library(tmp_path: Path, quantized: QuantizedNetwork) -> ctypes.CDLL:
    for name, text in render(quantized).items():
        (tmp_path / name).write_text(text)
    compiler.shared_library(compiler.find(), sorted(tmp_path.glob("*.c")), tmp_path / "model.so", ["-O0"])
    return ctypes.CDLL(str(tmp_path / "model.so"))


def shifted_states() -> TypedProgram:
    """States that become each other, the frame, a part of one and a constant; the result is an old one."""
    builder = Builder()
    x = builder.input(INPUTS)
    a, b, c_, d = (builder.state(name, INPUTS) for name in "abcd")
    half = builder.state("half", 3)
    builder.next(a, b, initial=0.5)
    builder.next(b, c_, initial=-0.25)
    builder.next(c_, x)
    builder.next(d, builder.constant("vector", INPUTS), initial=5.0)
    builder.next(half, builder.slice(a, 2, 3))
    kept = builder.add(builder.add(a, d), builder.concat([builder.slice(b, 1, 3), half]))
    program = builder.finish(b)
    program = dataclasses.replace(program, ops=tuple(op for op in program.ops if op.output != kept.name))
    types = dict.fromkeys(program.sizes, QType("int16", 2.0**-15))
    vector = np.arange(INPUTS).astype(np.int16)
    return TypedProgram(program, types, {}, {}, {}, {"vector": vector})


def test_states_that_are_other_values_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = (TypedPass(shifted_states(), None, 1, False),)
    monkeypatch.setattr(write, "native", lambda _: passes)
    quantized = quantized_network()
    network = dataclasses.replace(quantized.network, layers=quantized.network.layers[:1], labels=())
    model = library(tmp_path, dataclasses.replace(quantized, network=network))
    x = np.random.default_rng(1).integers(-32768, 32768, (1, STEPS, INPUTS)).astype(np.int16)
    state, y = np.zeros(64, np.int16), np.zeros(INPUTS, np.int16)
    model.model_reset(pointer(state))
    found = []
    for frame in x[0]:
        model.model_step(pointer(state), pointer(frame), pointer(y))
        found.append(y.copy())
    np.testing.assert_array_equal(found, reference.run_integer(passes, x)[0])
    last = {s.name: state for s in passes[0].forward.program.states}
    assert set(last) == {"a", "b", "c", "d", "half"}
    np.testing.assert_array_equal(
        state[: 4 * INPUTS].reshape(4, INPUTS), [x[0, -3], x[0, -2], x[0, -1], range(INPUTS)]
    )
    np.testing.assert_array_equal(state[4 * INPUTS : 4 * INPUTS + 3], x[0, -4, 2:5])


def test_a_head_that_reads_the_frame_runs_at_every_step() -> None:
    builder = Builder()
    x = builder.input(3)
    h = builder.state("h", 3)
    builder.next(h, builder.add(x, h))
    program = builder.finish(builder.mul(h, x))
    assert phases(program) == (program.ops, ())


def test_types_without_a_kernel_are_refused() -> None:
    quantized = quantized_network()
    typed = native(quantized)[0].forward
    types = typed.types | {"gru_0/zr": typed.types["input"]}
    with pytest.raises(ExportError, match="no C kernel for sigmoid of int16 to int8"):
        planned(dataclasses.replace(typed, types=types), quantized)


def test_a_head_that_reads_a_part_of_an_old_state_runs_at_every_step() -> None:
    builder = Builder()
    x = builder.input(3)
    h = builder.state("h", 6)
    part = builder.slice(h, 0, 3)
    builder.next(h, builder.concat([x, part]))
    program = builder.finish(builder.mul(part, builder.relu(part)))
    assert phases(program) == (program.ops, ())


def test_frames_of_a_step_share_their_constants() -> None:
    """The GRU runs twice in a step, on one copy of its weights."""
    cells: list[tuple[str, Options]] = [("gru", 4), ("conv", {"units": 3, "kernel": 2, "stride": 2})]
    held = constants(native(quantized_network(cells=cells)))
    assert len(held.linears) == 2 * 4 + 2
    assert sorted(linear.name for linear in held.distinct) == [
        "conv_1_kernel",
        "dense_2_kernel",
        "gru_0_kernel_g",
        "gru_0_kernel_zr",
        "gru_0_recurrent_kernel_g",
        "gru_0_recurrent_kernel_zr",
    ]


BLOCKS = st.tuples(st.sampled_from([1, 2, 3, 4, 8]), st.sampled_from([1, 2, 4, 5]))


@given(
    block=BLOCKS, down=st.integers(1, 8), across=st.integers(1, 8), share=st.floats(0, 1), seed=st.integers(0, 99)
)
def test_a_sparse_form_is_the_same_matrix_and_smaller(
    block: tuple[int, int], down: int, across: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    kept = rng.random((down, across)) >= share
    weight = rng.integers(-127, 128, (down * block[0], across * block[1])) * kept.repeat(block[0], 0).repeat(
        block[1], 1
    )
    weight = weight.astype(np.int8)
    form = sparse(weight)
    if form is None:
        return
    np.testing.assert_array_equal(dense(form, weight.shape[1]), weight)
    assert form.bytes <= 7 / 8 * weight.size


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize(
    ("block", "found", "bytes_each"), [((1, 1), (1, 1), 2), ((16, 4), (16, 4), 65), ((4, 4), (4, 4), 17)]
)
def test_storage_of_a_pruned_matrix(
    share: float, block: tuple[int, int], found: tuple[int, int], bytes_each: int
) -> None:
    """Blocks are found again; half of the single weights, with their places, would be no smaller than all."""
    rng = np.random.default_rng(4)
    shape = (128 // block[0], 64 // block[1])
    kept = (rng.permutation(shape[0] * shape[1]) >= round(share * shape[0] * shape[1])).reshape(shape)
    weight = (rng.choice([-9, 5], (128, 64)) * kept.repeat(block[0], 0).repeat(block[1], 1)).astype(np.int8)
    form = sparse(weight)
    if (share, block) == (0.5, (1, 1)):
        assert form is None
        return
    assert form is not None
    assert form.block == found
    assert form.bytes == kept.sum() * bytes_each + 2 * 128 // block[0]


@pytest.mark.parametrize("zeros", [0.0, 0.8])
@pytest.mark.parametrize("cells", [SPARSE, BIDIRECTIONAL, TOKENS], ids=["gru", "bidirectional", "tokens"])
def test_the_matrices_are_read_back(tmp_path: Path, cells: list[tuple[str, Options]], zeros: float) -> None:
    quantized, path = exported(tmp_path, cells=cells, zeros=zeros if cells is SPARSE else 0.0)
    found = c.matrices(path)
    assert found.keys() == quantized.weights.keys()
    for name, weight in quantized.weights.items():
        np.testing.assert_array_equal(found[name], weight)


def test_a_pruned_network_is_stored_sparse(tmp_path: Path) -> None:
    quantized, path = exported(tmp_path, cells=SPARSE, zeros=0.8)
    content = audit(Combination("c", "step", "int8"), path)
    names = {op.name for op in content.operators}
    assert {"ernn_matvec_sparse_s8_s16", "ernn_matvec_s8_s16"} <= names
    assert names & c.MATRIX_PRODUCTS == {"ernn_matvec_sparse_s8_s16", "ernn_matvec_s8_s16", "ernn_matmul_s8_s16"}
    nonzero = sum(np.count_nonzero(weight) for weight in quantized.weights.values())
    every = sum(weight.size for weight in quantized.weights.values())
    assert nonzero <= content.integer_weight_bytes < every / 2


LIFETIMES = st.lists(st.tuples(st.integers(1, 64), st.integers(0, 12), st.integers(0, 6)), max_size=20)


@given(LIFETIMES)
def test_slots_of_values_that_live_together_never_overlap(drawn: list[tuple[int, int, int]]) -> None:
    values = [Lifetime(f"v{i}", size, first, first + extra) for i, (size, first, extra) in enumerate(drawn)]
    layout = allocate(values)
    bytes_taken: dict[tuple[int, int], str] = {}
    for value in values:
        assert layout.offsets[value.name] % 4 == 0
        for time in range(value.first, value.last + 1):
            for byte in range(layout.offsets[value.name], layout.offsets[value.name] + value.size):
                assert bytes_taken.setdefault((time, byte), value.name) == value.name
                assert byte < layout.size


def test_slots_are_used_again() -> None:
    chain = [Lifetime(f"v{i}", 10, i, i + 1) for i in range(9)]
    assert allocate(chain).size == 24  # two, of three words each


def test_what_a_gru_needs_of_scratch() -> None:
    """Four products (2, 2, 1 and 1 units), the state as int8 (a half) and what the last product works in (1)."""
    quantized = quantized_network(cells=[("gru", 32)])
    assert planned(native(quantized)[0].forward, quantized).scratch_bytes == 7.5 * 32 * 2
