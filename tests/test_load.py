"""`edgernn.load`: generated C step by step from Python, held to the integer reference."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from networks import Options, random_frames, random_network

import edgernn
from edgernn import reference
from edgernn.errors import InputError, MissingToolError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import IntegerPrecision, Network, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import c as target

CELLS: dict[str, list[tuple[str, Options]]] = {
    "gru": [("gru", 12)],
    "lstm": [("lstm", 7), ("gru", 5)],
    "strided": [("conv", {"units": 5, "kernel": 4, "stride": 3}), ("gru", 4)],
    "tokens": [("embedding", {"entries": 9, "units": 3}), ("gru", 4)],
    "windows": [("gru", {"units": 4, "bidirectional": True})],
}
LABELS = ("rest", "à pied", "run")


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGERNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def random_quantized(kind: str, every_step: bool = False) -> QuantizedNetwork:
    network = random_network(2, 1 if kind == "tokens" else 5, CELLS[kind], 3, 12, every_step)
    network = dataclasses.replace(network, labels=LABELS)
    return quantize(network, normalize.apply(random_frames(network), network.mean, network.std))


def export(quantized: QuantizedNetwork, folder: Path, precision: IntegerPrecision = "int8") -> Path:
    """The C folder inside a build folder as far as `load` looks at one; returns the build folder."""
    form = "step" if quantized.network.streams else "sequence"
    target.export(quantized.network, quantized, form, precision, folder / "artifacts")
    return folder


def expected(quantized: QuantizedNetwork, frames: np.ndarray) -> np.ndarray:
    """Real outputs after every step, [streams, steps, outputs]."""
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    return native(quantized)[-1].output.dequantize(integers).astype(np.float32)


def steps_of(network: Network, frames: np.ndarray) -> Iterator[np.ndarray]:
    """What a model of several streams takes at every step."""
    together = network.frames_per_step
    for at in range(0, frames.shape[1], together):
        yield frames[:, at : at + together] if together > 1 else frames[:, at]


@pytest.fixture(scope="module")
def gru(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizedNetwork, Path]:
    quantized = random_quantized("gru")
    return quantized, export(quantized, tmp_path_factory.mktemp("build"))


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("kind", ["gru", "lstm", "strided", "tokens"])
def test_steps_equal_the_reference(kind: str, precision: IntegerPrecision, tmp_path: Path) -> None:
    quantized = random_quantized(kind)
    network, folder = quantized.network, export(quantized, tmp_path, precision)
    frames = random_frames(network, 3)
    wanted = expected(quantized.at(precision), frames)
    many = edgernn.load(folder, precision, streams=3)
    np.testing.assert_array_equal(np.stack([many.step(x) for x in steps_of(network, frames)], axis=1), wanted)
    one = edgernn.load(folder / "artifacts" / "c" / precision)
    assert (one.labels, one.inputs, one.outputs) == (LABELS, network.inputs, 3)
    assert one.frames_per_step == network.frames_per_step
    for stream, outputs in zip(frames, wanted, strict=True):
        one.reset()
        found = np.stack([one.step(x[0]) for x in steps_of(network, stream[None])])
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, outputs)


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("kind", ["gru", "strided", "windows"])
def test_windows_equal_the_reference(kind: str, every_step: bool, tmp_path: Path) -> None:
    quantized = random_quantized(kind, every_step)
    frames = random_frames(quantized.network, 4)
    wanted = expected(quantized, frames)
    wanted = wanted if every_step else wanted[:, -1]
    model = edgernn.load(export(quantized, tmp_path))
    np.testing.assert_array_equal(model.sequence(frames), wanted)
    np.testing.assert_array_equal(model.sequence(frames[2].astype(np.float64).tolist()), wanted[2])


def test_a_window_leaves_the_streams_as_they_are(gru: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = gru
    frames = random_frames(quantized.network, 1)[0]
    model = edgernn.load(folder)
    model.step(frames[0])
    model.sequence(frames)
    np.testing.assert_array_equal(model.step(frames[1]), expected(quantized, frames[None])[0, 1])


def test_what_a_step_gave_stays_as_it_is(gru: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = gru
    frames = random_frames(quantized.network, 1)[0]
    model = edgernn.load(folder)
    first = model.step(frames[0])
    kept = first.copy()
    model.step(frames[1])
    np.testing.assert_array_equal(first, kept)


def test_states_are_kept_and_given_back(gru: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = gru
    frames = random_frames(quantized.network, 2)
    wanted = expected(quantized, frames)
    model, single = edgernn.load(folder, streams=2), edgernn.load(folder)
    for at in range(4):
        model.step(frames[:, at])
    kept = model.state
    np.testing.assert_array_equal(model.step(frames[:, 4]), wanted[:, 4])
    model.state = kept
    np.testing.assert_array_equal(model.step(frames[:, 4]), wanted[:, 4])
    model.state = kept.tobytes()
    np.testing.assert_array_equal(model.step(frames[:, 4]), wanted[:, 4])
    single.state = kept[1]
    np.testing.assert_array_equal(single.step(frames[1, 4]), wanted[1, 4])
    for wrong in (kept[0], kept.astype(np.int16), kept.tobytes()[1:]):
        with pytest.raises(InputError, match=r"a state is uint8 \[2, "):
            model.state = wrong


def test_one_stream_begins_anew_and_the_others_go_on(gru: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = gru
    frames = random_frames(quantized.network, 3)
    wanted = expected(quantized, frames)
    model = edgernn.load(folder, streams=3)
    for at in range(3):
        model.step(frames[:, at])
    model.reset(1)
    mixed = frames[:, 3].copy()
    mixed[1] = frames[1, 0]
    np.testing.assert_array_equal(model.step(mixed), [wanted[0, 3], wanted[1, 0], wanted[2, 3]])
    model.reset()
    np.testing.assert_array_equal(model.step(frames[:, 0]), wanted[:, 0])
    for wrong in (-1, 3):
        with pytest.raises(InputError, match=f"no stream {wrong}; the model has 0 to 2"):
            model.reset(wrong)


def test_models_run_in_several_threads_at_once(gru: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = gru
    frames = random_frames(quantized.network, 4)

    def stream(x: np.ndarray) -> np.ndarray:
        model = edgernn.load(folder)
        found = []
        for _ in range(20):
            model.reset()
            found.append(np.stack([model.step(frame) for frame in x]))
        return np.stack(found)

    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(stream, frames), expected(quantized, frames), strict=True):
            np.testing.assert_array_equal(found, np.broadcast_to(wanted, found.shape))


def test_a_single_stream_may_stand_in_an_array_of_streams(gru: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = gru
    frames = random_frames(quantized.network, 1)
    np.testing.assert_array_equal(edgernn.load(folder).step(frames[:, 0]), expected(quantized, frames)[:, 0])


def test_other_numbers_are_converted(gru: tuple[QuantizedNetwork, Path]) -> None:
    model = edgernn.load(gru[1])
    wanted = model.step(np.arange(5, dtype=np.float32))
    for same in (range(5), [0.0, 1, 2, 3, 4], np.arange(5), np.arange(10.0)[::2] / 2):
        model.reset()
        np.testing.assert_array_equal(model.step(same), wanted)


@pytest.mark.parametrize("wrong", [1.0, [], [1, 2, 3, 4], np.zeros((5, 1)), np.zeros((2, 5)), np.zeros((1, 6))])
def test_frames_of_another_shape_are_refused(wrong: object, gru: tuple[QuantizedNetwork, Path]) -> None:
    with pytest.raises(InputError, match=r"a step takes an array \[5\], not"):
        edgernn.load(gru[1]).step(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [["a"] * 5, np.array(["a"] * 5), [[1], [2, 3]]])
def test_what_is_no_number_is_refused(wrong: object, gru: tuple[QuantizedNetwork, Path]) -> None:
    with pytest.raises(InputError, match="a frame holds numbers"):
        edgernn.load(gru[1]).step(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(5,), (4, 6), (0, 5), (1, 2, 3, 5)])
def test_windows_of_another_shape_are_refused(shape: tuple[int, ...], gru: tuple[QuantizedNetwork, Path]) -> None:
    with pytest.raises(InputError, match=r"windows are \[frames, 5\] or \[windows, frames, 5\]"):
        edgernn.load(gru[1]).sequence(np.zeros(shape))


def test_a_bidirectional_network_has_no_streams(tmp_path: Path) -> None:
    model = edgernn.load(export(random_quantized("windows"), tmp_path))
    for call in (model.reset, lambda: model.step(np.zeros(5)), lambda: model.step(np.float32(1))):
        with pytest.raises(InputError, match="takes whole windows"):
            call()
    with pytest.raises(InputError, match="windows of 12 frames, not 11"):
        model.sequence(np.zeros((11, 5)))


def test_what_is_not_there_is_told(gru: tuple[QuantizedNetwork, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no C of precision int16x8, it has int8; add it to the recipe"):
        edgernn.load(gru[1], "int16x8")
    (tmp_path / "artifacts").mkdir()
    with pytest.raises(InputError, match="it has none at all"):
        edgernn.load(tmp_path)
    for path in (tmp_path / "artifacts", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="is no C folder of a model"):
            edgernn.load(path)
    with pytest.raises(InputError, match="streams is 0"):
        edgernn.load(gru[1], streams=0)


def test_without_a_compiler_the_error_says_what_to_install(
    gru: tuple[QuantizedNetwork, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("edgernn.engines.compiler.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install ziglang"):
        edgernn.load(gru[1])


def test_importing_edgernn_imports_nothing_else_and_loading_no_framework(
    gru: tuple[QuantizedNetwork, Path],
) -> None:
    code = f"""import sys, edgernn
assert "numpy" not in sys.modules
edgernn.load({str(gru[1])!r}).step([0] * 5)
heavy = {{"tensorflow", "keras", "onnx", "onnxruntime", "ai_edge_litert", "matplotlib", "sklearn", "jinja2"}}
assert not heavy & set(sys.modules)"""
    subprocess.run([sys.executable, "-c", code], check=True)
