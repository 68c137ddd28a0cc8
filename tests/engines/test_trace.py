"""Step sessions along a stream: outputs at every step, states at those asked for, held to the references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import reference
from edgernn.engines import c_state, engine
from edgernn.engines.boundary import Boundary
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import Network, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import target

AT = (1, 2, 7, 20)


@pytest.fixture(scope="module")
def network() -> Network:
    return random_network(3, 4, [("gru", 5), ("gru", 7)], 3)


@pytest.fixture(scope="module")
def frames(network: Network) -> np.ndarray:
    return random_frames(network, 2)


@pytest.fixture(scope="module")
def quantized(network: Network, frames: np.ndarray) -> QuantizedNetwork:
    return quantize(network, normalize.apply(frames, network.mean, network.std))


class States:
    """What a reference shows of the states: after every step, by state name."""

    def __init__(self, network: Network) -> None:
        self.nexts = {state.next: state.name for state in network.program().states}
        self.seen: dict[str, list[np.ndarray]] = {name: [] for name in self.nexts.values()}

    def __call__(self, name: str, value: np.ndarray) -> None:
        if name in self.nexts:
            self.seen[self.nexts[name]].append(value.copy())

    def at(self, name: str) -> np.ndarray:
        return np.stack([self.seen[name][step - 1] for step in AT], axis=1)


ENGINES = [("litert", "tflite"), ("litert-ref", "tflite"), ("tflm", "tflite"), ("onnxruntime", "onnx")]


@pytest.mark.parametrize(("name", "kind"), ENGINES)
def test_float_traces_are_the_float_reference(
    name: str, kind: str, network: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    wanted = States(network)
    normalised = normalize.apply(frames, network.mean, network.std)
    outputs = reference.run_float(network.passes(), network.constants(), normalised, wanted)
    path = target(kind).export(network, quantized, "step", "float32", tmp_path)
    found = engine(name).open(path, "step", 1).trace(frames, AT)
    np.testing.assert_allclose(found.outputs, outputs, atol=1e-5)  # float32 against float64
    assert set(found.states) == {"gru_0.h", "gru_1.h"}
    for state in wanted.seen:
        np.testing.assert_allclose(found.states[state.replace("/", ".")], wanted.at(state), atol=1e-5)


STREAMING = {
    "two states": [("lstm", 5)],
    "two frames a step": [("conv", {"units": 6, "kernel": 3, "stride": 2}), ("gru", 5)],
    "tokens": [("embedding", {"units": 4, "entries": 9}), ("gru", 5)],
    "states that do not start at 0": [("gru", 5), ("pool", {"over": "mean"})],
}


@pytest.mark.parametrize("cells", STREAMING.values(), ids=list(STREAMING))
@pytest.mark.parametrize(("name", "kind"), ENGINES)
def test_what_streams_is_traced(
    name: str, kind: str, cells: list[tuple[str, dict[str, object]]], tmp_path: Path
) -> None:
    network = random_network(1, 1 if cells[0][0] == "embedding" else 4, cells, 3, steps=40)
    frames = random_frames(network, 2)
    normalised = normalize.apply(frames, network.mean, network.std)
    wanted = States(network)
    outputs = reference.run_float(network.passes(), network.constants(), normalised, wanted)
    path = target(kind).export(network, quantize(network, normalised), "step", "float32", tmp_path)
    found = engine(name).open(path, "step", 1).trace(frames, AT)
    np.testing.assert_allclose(found.outputs, outputs, atol=1e-5)
    for state in wanted.seen:  # the logarithm of a pool's weight goes to 30, where float32 has steps of 2e-6
        np.testing.assert_allclose(found.states[state.replace("/", ".")], wanted.at(state), atol=2e-5)


def test_c_traces_equal_the_integer_reference(
    network: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    wanted = States(network)
    x = reference.quantize_input(quantized, frames)
    reference.run_integer(native(quantized), x, wanted)
    path = target("c").export(network, quantized, "step", "int8", tmp_path)
    session = engine("c").open(path, "step", 1)
    found = session.trace(frames, AT)
    np.testing.assert_array_equal(found.outputs, session.outputs(frames))
    assert set(found.states) == {"gru_0_h", "gru_1_h"}
    for state in wanted.seen:  # the state of a GRU is Q0.15
        np.testing.assert_array_equal(found.states[state.replace("/", "_")] * 2**15, wanted.at(state))


@pytest.mark.parametrize(("name", "kind"), [("litert", "tflite"), ("tflm", "tflite"), ("onnxruntime", "onnx")])
def test_integer_traces_are_near_float_and_repeat(
    name: str, kind: str, network: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    wanted = States(network)
    normalised = normalize.apply(frames, network.mean, network.std)
    reference.run_float(network.passes(), network.constants(), normalised, wanted)
    session = engine(name).open(target(kind).export(network, quantized, "step", "int8", tmp_path), "step", 1)
    found, again = session.trace(frames, AT), session.trace(frames, AT)
    for state in wanted.seen:
        values = found.states[state.replace("/", ".")]
        assert np.abs(values - wanted.at(state)).mean() < 0.03  # int8 gates of values in [-1, 1]
        np.testing.assert_array_equal(again.states[state.replace("/", ".")], values)
    np.testing.assert_array_equal(found.outputs, session.outputs(frames))


@pytest.mark.parametrize(("name", "kind"), [("litert", "tflite"), ("onnxruntime", "onnx"), ("c", "c")])
def test_nothing_recorded_is_no_state(
    name: str, kind: str, network: Network, quantized: QuantizedNetwork, frames: np.ndarray, tmp_path: Path
) -> None:
    path = target(kind).export(network, quantized, "step", "int8", tmp_path)
    assert engine(name).open(path, "step", 1).trace(frames, ()).states == {}


def test_frames_of_a_step_stand_side_by_side() -> None:
    boundary = Boundary.of({"mean": [1.0, 2.0], "std": [2.0, 4.0]})
    frames = np.array([[1, 2], [3, 6], [5, 10], [7, 14]], np.float32)
    np.testing.assert_array_equal(boundary.steps(frames, 4), [[0, 0, 1, 1], [2, 2, 3, 3]])
    with pytest.raises(ValueError, match="reshape"):
        boundary.steps(frames[:3], 4)


def test_tokens_go_in_as_they_are() -> None:
    boundary = Boundary.of({"mean": [0.0], "std": [1.0], "tokens": True})
    found = boundary.steps(np.array([[3.0], [70_000.0]], np.float32), 1)
    assert found.dtype == np.int32
    assert found.ravel().tolist() == [3, 70_000]


def test_a_state_starts_from_what_the_file_says() -> None:
    boundary = Boundary.of({"mean": [0.0], "std": [1.0], "states": {"pool.weight": {"initial": 30}}})
    zeros = np.full((1, 2), -7, np.int16)
    np.testing.assert_array_equal(boundary.start("pool.weight", zeros), np.full((1, 2), 30, np.int16))
    np.testing.assert_array_equal(boundary.start("gru.h", zeros), zeros)


HEADER = """
typedef struct {
    int16_t gru_h[3]; /* Q0.15 */
    int8_t conv_frames[5]; /* int8, real = (q - (-12)) * 0.03125 */
    int16_t lstm_c[2]; /* int16, real = (q) * 0.5 */
} model_state;
"""


def test_a_header_tells_its_states() -> None:
    gru, conv, lstm = c_state.members(HEADER)
    assert (gru.name, gru.size, gru.qtype.dtype, gru.qtype.scale) == ("gru_h", 3, "int16", 2.0**-15)
    assert (conv.qtype.dtype, conv.qtype.scale, conv.qtype.zero_point) == ("int8", 0.03125, -12)
    assert (lstm.qtype.scale, lstm.qtype.zero_point) == (0.5, 0)
    assert c_state.layout((gru, conv, lstm)).itemsize == 6 + 5 + 1 + 4  # int16_t is aligned to 2 bytes


@pytest.mark.parametrize("header", ["", HEADER.replace("Q0.15", "whatever")])
def test_a_header_that_does_not_is_refused(header: str) -> None:
    with pytest.raises(InputError, match="build it again"):
        c_state.members(header)
