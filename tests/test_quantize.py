from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import reference
from edgernn.errors import InputError
from edgernn.quantize import calibrate, quantize, quantize_rows, weight_scales


@given(st.integers(0, 1000), st.sampled_from(["tensor", "row"]))
def test_weights_are_off_by_half_a_step_at_most(seed: int, granularity: str) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, rng.uniform(1e-3, 10), (rng.integers(1, 9), rng.integers(1, 9)))
    scales = weight_scales(weight, np.zeros(len(weight)), granularity)  # type: ignore[arg-type]
    integers = quantize_rows(weight, scales)
    assert np.abs(integers * scales[:, None] - weight).max() <= scales.max() * 0.5001
    assert integers.min() >= -127


def test_granularity_row_gives_each_row_its_own_scale() -> None:
    weight = np.array([[1.0, -2.0], [0.01, 0.02]])
    np.testing.assert_allclose(weight_scales(weight, np.zeros(2), "row"), [2 / 127, 0.02 / 127])
    np.testing.assert_allclose(weight_scales(weight, np.zeros(2), "tensor"), [2 / 127, 2 / 127])


def test_a_row_of_zeros_with_a_large_bias_keeps_its_bias() -> None:
    network = random_network(cells=[("gru", 4)])
    dense, bias = network.layers[-1].weights
    dense[:] = 0
    bias[:] = [1000.0, -3.0, 0.0, 1e-6]
    frames = random_frames(network)
    quantized = quantize(network, frames, granularity="row")
    typed = reference.native(quantized)
    y = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    output = typed.types[typed.program.output]
    np.testing.assert_allclose(output.dequantize(y)[0, -1], bias, atol=output.scale)


def test_ranges_are_those_of_the_whole_streams() -> None:
    network = random_network()
    frames = random_frames(network, 4)
    ranges = calibrate(network, frames, 100.0)
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
