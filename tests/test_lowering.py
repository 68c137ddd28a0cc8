from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import lowering
from edgernn.errors import ExportError
from edgernn.lowering import QType
from edgernn.quantize import quantize

REAL = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(REAL, REAL)
def test_asymmetric_int8_covers_its_range_and_holds_zero(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    qtype = lowering.asymmetric_int8(low, high)
    covered = qtype.dequantize(np.array([-128, 127]))
    slack = qtype.scale * 0.51  # the zero point is rounded to an integer
    assert covered[0] <= min(low, 0) + slack
    assert covered[1] >= max(high, 0) - slack
    assert qtype.dequantize(qtype.quantize(np.array(0.0))) == 0


@given(REAL, REAL)
def test_int16_types_cover_their_range(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    for qtype in (lowering.symmetric_int16(low, high), lowering.power_of_two_int16(low, high)):
        assert qtype.zero_point == 0
        assert 32767 * qtype.scale >= max(-low, high) * (1 - 2**-14)


def test_power_of_two_scales_are_powers_of_two() -> None:
    assert lowering.power_of_two_int16(-5.0, 3.0).scale == 2.0**-12
    assert lowering.power_of_two_int16(-0.9, 0.5).scale == 2.0**-15


def test_quantize_saturates_and_rounds_half_up() -> None:
    qtype = QType("int8", 0.5, 10)
    assert list(qtype.quantize(np.array([0.25, -0.25, 1e9, -1e9]))) == [11, 10, 127, -128]


@pytest.mark.parametrize("state", ["int8", "int16"])
def test_states_have_one_type_in_and_out(state: str) -> None:
    network = random_network(cells=[("gru", 5), ("gru", 4)])
    quantized = quantize(network, random_frames(network), state)  # type: ignore[arg-type]
    for typed in (lowering.native(quantized), lowering.operators(quantized)):
        for tied in typed.program.states:
            assert typed.types[tied.name] == typed.types[tied.next]
    assert {lowering.operators(quantized).types[s.name].dtype for s in network.program().states} == {state}


def test_every_value_has_a_type_and_matrix_products_read_int8() -> None:
    network = random_network()
    quantized = quantize(network, random_frames(network))
    for typed in (lowering.native(quantized), lowering.operators(quantized)):
        assert set(typed.types) == set(typed.program.sizes)
        for op in typed.program.ops:
            if op.primitive == "matvec":
                assert typed.types[op.inputs[0]].dtype == "int8"


def test_a_value_is_requantised_once() -> None:
    network = random_network(cells=[("gru", 5), ("gru", 4)])
    typed = lowering.native(quantize(network, random_frames(network)))
    casts = [op for op in typed.program.ops if op.primitive == "requantize"]
    assert len(casts) == len({op.inputs[0] for op in casts})


@pytest.mark.parametrize("gain", [0.1, 1, 16, 1000])
def test_the_products_of_a_layer_have_one_type_that_holds_them_all(gain: float) -> None:
    network = random_network(cells=[("gru", 5)])
    weights = tuple(np.float32(gain) * weight for weight in network.layers[0].weights)
    layers = (dataclasses.replace(network.layers[0], weights=weights), network.layers[1])
    network = dataclasses.replace(network, layers=layers)
    quantized = quantize(network, random_frames(network))
    types = lowering.native(quantized).types
    largest = max(abs(end) for name in ("gru_0/from_x", "gru_0/from_h") for end in quantized.ranges[name])
    assert types["gru_0/from_x"] == types["gru_0/from_h"]
    assert types["gru_0/from_x"].scale == max(2.0**-12, 2.0 ** (np.floor(np.log2(largest)) - 14))


@pytest.mark.parametrize("cells", [[("dense", 5), ("gru", 4)], [("gru", 4), ("dense", 5)]])
def test_a_product_that_another_one_reads_is_int8_by_its_range(cells: list[tuple[str, int]]) -> None:
    network = random_network(cells=cells)
    quantized = quantize(network, random_frames(network))
    name = next(op.output for op in network.program().ops if op.output.startswith("dense"))
    for typed in (lowering.native(quantized), lowering.operators(quantized)):
        assert typed.types[name] == lowering.asymmetric_int8(*quantized.ranges[name])
        assert f"{name}/int8" not in typed.types


def test_a_bias_that_fits_no_int32_is_refused() -> None:
    network = random_network()
    quantized = quantize(network, random_frames(network))
    dense, bias = network.layers[-1].weights
    layer = dataclasses.replace(network.layers[-1], weights=(dense, bias + np.float32(1e9)))
    changed = dataclasses.replace(network, layers=(network.layers[0], layer))
    for typing in (lowering.native, lowering.operators):
        with pytest.raises(ExportError, match="dense_1/bias does not fit an int32"):
            typing(dataclasses.replace(quantized, network=changed))
