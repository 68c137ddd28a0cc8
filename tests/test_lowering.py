from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import STACKS, normalised, random_frames, random_network, stack_network

from edgernn import lowering
from edgernn.errors import ExportError
from edgernn.lowering import QType, TypedPass, TypedProgram
from edgernn.network import QuantizedNetwork
from edgernn.program import shared_name
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


def step_of(typing: Callable[..., tuple[TypedPass, ...]], quantized: QuantizedNetwork) -> TypedProgram:
    return typing(quantized)[0].forward


def every_program(name: str, state: str, precision: str) -> list[TypedProgram]:
    network = stack_network(name)
    quantized = quantize(network, normalised(network, random_frames(network)), state)  # type: ignore[arg-type]
    at = quantized.at(precision)  # type: ignore[arg-type]
    passes = (*lowering.native(at), *lowering.operators(at))
    return [typed for one in passes for typed in one.programs]


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize(("state", "precision"), [("int8", "int8"), ("int16", "int8"), ("int16", "int16x8")])
def test_every_value_has_a_type_and_states_have_one_in_and_out(name: str, state: str, precision: str) -> None:
    for typed in every_program(name, state, precision):
        assert set(typed.types) == set(typed.program.sizes)
        for tied in typed.program.states:
            assert typed.types[tied.name] == typed.types[tied.next]


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("precision", ["int8", "int16x8"])
def test_matrix_products_read_what_the_precision_says(name: str, precision: str) -> None:
    for typed in every_program(name, "int16", precision):
        for op in typed.program.ops:
            if op.primitive == "matvec":
                assert typed.types[op.inputs[0]].dtype == {"int8": "int8", "int16x8": "int16"}[precision]


@pytest.mark.parametrize("state", ["int8", "int16"])
def test_the_state_of_a_gru_has_the_type_that_is_asked_for(state: str) -> None:
    network = random_network(cells=[("gru", 5), ("gru", 4)])
    quantized = quantize(network, random_frames(network), state)  # type: ignore[arg-type]
    typed = step_of(lowering.operators, quantized)
    assert {typed.types[s.name].dtype for s in typed.program.states} == {state}


@pytest.mark.parametrize("name", STACKS)
def test_int16_products_of_tflite_and_onnx_hold_more_than_calibration_saw(name: str) -> None:
    network = stack_network(name)
    quantized = quantize(network, normalised(network, random_frames(network))).at("int16x8")
    for typed in (typed for one in lowering.operators(quantized) for typed in one.programs):
        for op in typed.program.ops:
            if op.primitive == "matvec":
                largest = np.abs(quantized.ranges[shared_name(op.output)]).max()
                assert 32767 * typed.types[op.output].scale >= 1.2 * largest


def test_layers_may_have_precisions_of_their_own() -> None:
    network = random_network(cells=[("gru", 5), ("gru", 4)])
    quantized = quantize(network, random_frames(network), precisions={"gru_1": "int16x8"})
    for typing in (lowering.native, lowering.operators):
        typed = step_of(typing, quantized)
        read = {op.weight.split("/")[0]: typed.types[op.inputs[0]].dtype for op in typed.program.ops if op.weight}
        assert read == {"gru_0": "int8", "gru_1": "int16", "dense_2": "int8"}


def test_a_value_is_requantised_once() -> None:
    network = random_network(cells=[("gru", 5), ("gru", 4)])
    typed = step_of(lowering.native, quantize(network, random_frames(network)))
    casts = [op for op in typed.program.ops if op.primitive == "requantize"]
    assert len(casts) == len({op.inputs[0] for op in casts})


@pytest.mark.parametrize("gain", [0.1, 1, 16, 1000])
def test_the_terms_of_a_sum_have_one_type_that_holds_them_all(gain: float) -> None:
    network = random_network(cells=[("gru", 5)])
    weights = tuple(np.float32(gain) * weight for weight in network.layers[0].weights)
    layers = (dataclasses.replace(network.layers[0], weights=weights), network.layers[1])
    network = dataclasses.replace(network, layers=layers)
    quantized = quantize(network, random_frames(network))
    types = step_of(lowering.native, quantized).types
    for gate, table in (("zr", 2.0**-11), ("g", 2.0**-12)):
        products = [f"gru_0/{gate}_from_{source}" for source in ("x", "h")]
        largest = max(abs(end) for name in products for end in quantized.ranges[name])
        assert types[products[0]] == types[products[1]]
        assert types[products[0]].scale == max(table, 2.0 ** (np.floor(np.log2(largest)) - 14))


@pytest.mark.parametrize("cells", [[("dense", 5), ("gru", 4)], [("gru", 4), ("dense", 5)]])
def test_a_product_that_another_one_reads_is_int8_by_its_range(cells: list[tuple[str, int]]) -> None:
    network = random_network(cells=cells)
    quantized = quantize(network, random_frames(network))
    name = next(op.output for op in network.program().ops if op.output.startswith("dense"))
    for typed in (step_of(lowering.native, quantized), step_of(lowering.operators, quantized)):
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
