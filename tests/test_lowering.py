from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import lowering
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
