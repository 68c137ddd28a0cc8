"""The onnxruntime engine: raw frames in, real outputs out, and errors that say what to do."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from edgernn import reference
from edgernn.engines import onnxruntime as engine
from edgernn.errors import InputError, MissingToolError
from edgernn.features import normalize
from edgernn.lowering import input_type, operators
from edgernn.network import KINDS, Form, Layer, Network, Precision, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.section import Section
from edgernn.targets import onnx as target

STEPS, INPUTS, UNITS, LABELS = 30, 4, 10, 3


def _units(kind: str, units: int) -> Section:
    return KINDS[kind].Options.model_validate({"units": units})


@pytest.fixture(scope="module")
def net() -> Network:
    rng = np.random.default_rng(0)

    def normal(scale: float, *shape: int) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    recurrent = (normal(0.5, INPUTS, 3 * UNITS), normal(0.3, UNITS, 3 * UNITS), normal(0.2, 2, 3 * UNITS))
    return Network(
        name="walk",
        steps=STEPS,
        rate_hz=0.0,
        channels=tuple("abcd"),
        labels=tuple("xyz"),
        mean=normal(3.0, INPUTS),
        std=rng.uniform(0.1, 9, INPUTS).astype(np.float32),
        layers=(
            Layer("gru", "gru", INPUTS, _units("gru", UNITS), recurrent),
            Layer(
                "dense", "dense", UNITS, _units("dense", LABELS), (normal(1.0, UNITS, LABELS), normal(0.2, LABELS))
            ),
        ),
    )


@pytest.fixture(scope="module")
def frames(net: Network) -> np.ndarray:
    """Raw frames, float32 [windows, steps, inputs]."""
    rng = np.random.default_rng(1)
    return (rng.normal(0, 1, (6, STEPS, INPUTS)) * net.std + net.mean).astype(np.float32)


def normalised(net: Network, frames: np.ndarray) -> np.ndarray:
    return (frames.astype(np.float64) - net.mean) / net.std


@pytest.fixture(scope="module")
def quantized(net: Network, frames: np.ndarray) -> QuantizedNetwork:
    return quantize(net, normalised(net, frames), state="int16")


def test_outputs_take_raw_frames(
    net: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    wanted = reference.float_outputs(net, normalised(net, frames))
    step = engine.open(target.export(net, quantized, "step", "float32", tmp_path), "step", 1)
    np.testing.assert_allclose(step.outputs(frames), wanted, atol=1e-5)  # float32 against float64
    sequence = engine.open(target.export(net, quantized, "sequence", "float32", tmp_path), "sequence", 1)
    np.testing.assert_allclose(sequence.outputs(frames), wanted[:, -1], atol=1e-5)


def test_int8_outputs_are_real_numbers_of_the_output_type(
    net: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    session = engine.open(target.export(net, quantized, "step", "int8", tmp_path), "step", 1)
    outputs = session.outputs(frames)
    assert outputs.shape == (6, STEPS, LABELS)
    integers = outputs / operators(quantized)[-1].output.scale
    np.testing.assert_allclose(integers, np.round(integers), atol=1e-3)  # float32 holds 8 bits with room to spare
    wanted = reference.float_outputs(net, normalised(net, frames))
    assert np.abs(outputs - wanted).mean() < 0.02 * (wanted.max() - wanted.min())


def test_int8_input_is_the_same_as_the_c_runtime_gives_itself(
    net: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    """The stream of raw frames and that of its dequantised integers are the same to the model."""
    session = engine.open(target.export(net, quantized, "step", "int8", tmp_path), "step", 1)
    centres = input_type(quantized).dequantize(reference.quantize_input(quantized, frames)) * net.std + net.mean
    np.testing.assert_array_equal(session.outputs(frames), session.outputs(centres.astype(np.float32)))


def test_frames_out_of_range_saturate(
    net: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    session = engine.open(target.export(net, quantized, "step", "int8", tmp_path), "step", 1)
    np.testing.assert_array_equal(session.outputs(frames + 1e4), session.outputs(frames + 1e6))


@pytest.mark.parametrize("precision", ["float32", "dynamic"])
def test_a_sequence_gives_the_outputs_of_all_steps_where_the_network_does(
    net: Network, frames: np.ndarray, precision: Precision, tmp_path: Path
) -> None:
    every = replace(net, every_step=True)
    quantized = quantize(every, normalize.apply(frames, net.mean, net.std))
    session = engine.open(target.export(every, quantized, "sequence", precision, tmp_path), "sequence", 1)
    wanted = reference.float_outputs(every, normalize.apply(frames, net.mean, net.std))
    for steps in (STEPS, 7):  # windows of any one length
        found = session.outputs(frames[:, :steps])
        assert found.shape == (len(frames), steps, LABELS)
        tolerance = 1e-5 if precision == "float32" else 0.1  # float sums; int8 weights
        np.testing.assert_allclose(found, wanted[:, :steps], atol=tolerance)


@pytest.mark.parametrize(("form", "precision"), sorted(target.SUPPORTED))
def test_a_benchmark_leaves_no_trace(
    form: Form, precision: Precision, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    session = engine.open(target.export(quantized.network, quantized, form, precision, tmp_path), form, 2)
    before = session.outputs(frames)
    session.prepare(frames[3])
    for _ in range(3):
        session.invoke()
    np.testing.assert_array_equal(session.outputs(frames), before)
    assert session.per_invoke == 1


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("int8", 2)])
def test_memory_of_a_step_is_its_states(
    precision: Precision, size: int, net: Network, quantized: QuantizedNetwork, tmp_path: Path
) -> None:
    path = target.export(net, quantized, "step", precision, tmp_path)
    memory = engine.open(path, "step", 1).memory
    assert memory == {"state_bytes": size * UNITS, "scratch_bytes": None, "arena_bytes": None}


def test_memory_of_a_sequence_is_unknown(net: Network, quantized: QuantizedNetwork, tmp_path: Path) -> None:
    path = target.export(net, quantized, "sequence", "dynamic", tmp_path)
    assert set(engine.open(path, "sequence", 1).memory.values()) == {None}


def test_nothing_that_the_target_writes_is_refused() -> None:
    assert {engine.refusal(*pair) for pair in target.SUPPORTED} == {""}


def test_version_is_that_of_the_library() -> None:
    assert engine.version() == onnxruntime.__version__


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(MissingToolError, match="pip install onnxruntime"):
        engine.version()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.onnx: no such file; build it again"):
        engine.open(tmp_path / "gone.onnx", "step", 1)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(InputError, match=r"model\.onnx: onnxruntime cannot load it"):
        engine.open(path, "sequence", 1)


def test_a_foreign_model_is_named(net: Network, quantized: QuantizedNetwork, tmp_path: Path) -> None:
    path = target.export(net, quantized, "step", "float32", tmp_path)
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(InputError, match="has no edgernn metadata; build it with edgernn"):
        engine.open(path, "step", 1)
