from __future__ import annotations

import dataclasses
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import reference
from edgernn.calibrate import BINS, calibrate
from edgernn.errors import InputError
from edgernn.lowering import TypedProgram, native, operators
from edgernn.network import Network, QuantizedNetwork
from edgernn.quantize import (
    quantize,
    quantize_rows,
    refuse_saturation,
    saturation,
    weight_scales,
)


def typed_step(quantized: QuantizedNetwork) -> TypedProgram:
    return native(quantized)[0].forward


@given(st.integers(0, 1000), st.sampled_from(["tensor", "row"]))
def test_weights_are_off_by_half_a_step_at_most(seed: int, granularity: str) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, rng.uniform(1e-3, 10), (rng.integers(1, 9), rng.integers(1, 9)))
    scales = weight_scales(weight, np.zeros(len(weight)), 1 / 128, granularity)  # type: ignore[arg-type]
    integers = quantize_rows(weight, scales)
    assert np.abs(integers * scales[:, None] - weight).max() <= scales.max() * 0.5001
    assert integers.min() >= -127


def test_granularity_row_gives_each_row_its_own_scale() -> None:
    weight = np.array([[1.0, -2.0], [0.01, 0.02]])
    np.testing.assert_allclose(weight_scales(weight, np.zeros(2), 1 / 128, "row"), [2 / 127, 0.02 / 127])
    np.testing.assert_allclose(weight_scales(weight, np.zeros(2), 1 / 128, "tensor"), [2 / 127, 2 / 127])


def test_a_row_of_zeros_with_a_large_bias_keeps_its_bias() -> None:
    network = random_network(cells=[("gru", 4)])
    dense, bias = network.layers[-1].weights
    dense[:] = 0
    bias[:] = [1000.0, -3.0, 0.0, 1e-6]
    frames = random_frames(network)
    quantized = quantize(network, frames, granularity="row")
    typed = typed_step(quantized)
    y = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    output = typed.types[typed.program.output]
    np.testing.assert_allclose(output.dequantize(y)[0, -1], bias, atol=output.scale)


def test_ranges_are_those_of_the_whole_streams() -> None:
    network = random_network()
    frames = random_frames(network, 4)
    ranges = calibrate(network, frames, "minmax", 100.0)
    outputs = reference.float_outputs(network, frames)
    assert ranges[network.program().output] == pytest.approx((outputs.min(), outputs.max()), rel=1e-6)
    assert ranges["input"] == pytest.approx((frames.min(), frames.max()))


def test_a_percentile_leaves_out_the_extremes() -> None:
    network = random_network()
    frames = random_frames(network, 4)
    frames[0, 0, 0] = 1e4
    quantized = quantize(network, frames, method="percentile", percentile=99.0)
    assert quantized.ranges["input"][1] < 100
    assert quantized.calibration.percentile == 99.0
    assert quantize(network, frames, method="minmax", percentile=99.0).ranges["input"][1] == 1e4


def test_no_stream_to_calibrate_with_is_refused() -> None:
    with pytest.raises(InputError, match="no window to calibrate with"):
        quantize(random_network(), np.zeros((0, 20, 6)))


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9, 99.99])
def test_percentiles_are_those_of_numpy_to_within_a_bin(percentile: float) -> None:
    network = random_network()
    frames = random_frames(network, 16)
    seen: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    reference.run_float(network.passes(), network.constants(), frames, lambda name, value: seen[name].append(value))
    ranges = calibrate(network, frames, "percentile", percentile)
    tail = (100 - percentile) / 2
    for name, values in seen.items():
        every = np.stack(values)
        np.testing.assert_allclose(
            ranges[name], np.percentile(every, [tail, 100 - tail]), rtol=0, atol=1.001 * np.ptp(every) / BINS
        )


def test_a_value_that_never_changes_has_its_own_range() -> None:
    network = random_network(inputs=1)
    assert calibrate(network, np.full((2, 3, 1), 0.7), "percentile", 99.0)["input"] == (0.7, 0.7)


def unnormalised(network: Network, gain: float) -> tuple[Network, np.ndarray]:
    """The network with frames as they are, and frames of about `gain`."""
    zeros = np.zeros(network.inputs, np.float32)
    frames = np.float32(gain) * random_frames(network, 16)
    return dataclasses.replace(network, mean=zeros, std=zeros + 1), frames


@pytest.mark.parametrize("granularity", ["tensor", "row"])
@pytest.mark.parametrize("gain", [1e-12, 1e-7, 1.0, 1e3])
def test_a_bias_has_half_of_the_accumulator_at_every_input_scale(gain: float, granularity: str) -> None:
    network, frames = unnormalised(random_network(cells=[("dense", 7), ("gru", 4)]), gain)
    quantized = quantize(network, frames, granularity=granularity)  # type: ignore[arg-type]
    for typed in (native(quantized)[0].forward, operators(quantized)[0].forward):
        for name, bias in typed.biases.items():
            assert np.abs(bias.astype(np.int64)).max() < 2**30, name


def test_a_bias_beside_tiny_inputs_keeps_its_value() -> None:
    network, frames = unnormalised(random_network(), 1e-7)
    network.layers[0].weights[2][:] = 0.5
    quantized = quantize(network, frames)
    output = typed_step(quantized).types["dense_1/output"]
    got = output.dequantize(reference.integer_outputs(quantized, reference.quantize_input(quantized, frames)))
    wanted = reference.float_outputs(network, frames)
    assert np.abs(got - wanted).max() < 0.05 * wanted.std()


@pytest.mark.parametrize("gain", [1e12, 1e30, 1e-42])
def test_values_that_integers_cannot_hold_are_refused(gain: float) -> None:
    network, frames = unnormalised(random_network(), 1.0)
    frames[:, :, 2] = np.float32(gain) * (1 + np.arange(frames.shape[1]))
    if gain < 1:
        frames[:] = frames[:, :, 2:3]
    with pytest.raises(InputError, match=r"channel_\d goes from .*; set features\.normalize: standard") as error:
        quantize(network, frames)
    assert "\n" not in str(error.value)
    assert gain < 1 or "channel_2" in str(error.value)


def test_the_least_square_error_cuts_off_outliers() -> None:
    """Of a thousand values around 1 and one of 100, the range that keeps 100 wastes almost all of its steps."""
    network = random_network(inputs=1)
    frames = np.abs(np.random.default_rng(0).normal(0, 1, (50, 20, 1)))
    frames[0, 0, 0] = 100.0
    low, high = quantize(network, frames, method="mse").ranges["input"]
    assert (low, high) == pytest.approx((frames.min() * high / 100, high), abs=1e-3)
    errors = {}
    for top in (100.0, high):
        step = top / 255
        back = np.clip(np.round(frames / step), 0, 255) * step
        errors[top] = ((back - frames) ** 2).mean()
    assert errors[high] <= errors[100.0]


def rising() -> tuple[Network, np.ndarray]:
    """A relu layer that counts up, and calibration streams in which it does not get far."""
    network = random_network(inputs=1, cells=[("simple_rnn", {"units": 1, "activation": "relu"})], steps=40)
    one = np.ones((1, 1), np.float32)
    layer = dataclasses.replace(network.layers[0], name="rising", weights=(one, one, np.zeros(1, np.float32)))
    zeros = np.zeros(1, np.float32)
    network = dataclasses.replace(network, layers=(layer, *network.layers[1:]), mean=zeros, std=zeros + 1)
    return network, np.ones((4, 40, 1), np.float32)


def test_a_state_that_saturates_is_refused_with_its_layer_and_how_often() -> None:
    network, frames = rising()
    quantized = quantize(network, frames[:, :10])
    assert refuse_saturation(quantized, frames[:, :10], 0.01) == {"rising/h": 0.0}
    with pytest.raises(InputError, match=r"^quantize: the state rising/h of layer rising saturates in \d+\.\d% of"):
        refuse_saturation(quantized, frames, 0.01)


def test_states_in_bounds_do_not_saturate() -> None:
    network = random_network(cells=[("gru", 4), ("pool", {"over": "max"})])
    frames = random_frames(network)
    assert saturation(quantize(network, frames), frames) == {}
