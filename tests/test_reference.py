from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import reference
from edgernn.errors import ExportError
from edgernn.lowering import QType, expand_blend, native
from edgernn.network import CELLS, Network
from edgernn.quantize import quantize
from edgernn.reference import run_float


def test_the_float_gru_is_the_equations_of_its_paper() -> None:
    network = random_network(cells=[("gru", 5)])
    x = random_frames(network, 2).astype(np.float64)
    (kernel, recurrent, bias), (dense, dense_bias) = (layer.weights for layer in network.layers)
    h = np.zeros((2, 5))
    for step in range(network.steps):
        xz, xr, xg = np.split(x[:, step] @ kernel + bias[0], 3, axis=1)
        hz, hr, hg = np.split(h @ recurrent + bias[1], 3, axis=1)
        z, r = (1 / (1 + np.exp(-a)) for a in (xz + hz, xr + hr))
        h = z * h + (1 - z) * np.tanh(xg + r * hg)
        y = h @ dense + dense_bias
    np.testing.assert_allclose(reference.float_outputs(network, x)[:, -1], y, atol=1e-12)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_the_integer_reference_follows_the_float_one(cell: str) -> None:
    network = random_network(cells=[(cell, 24)], outputs=5, steps=60)
    frames = random_frames(network, 32)
    normalised = (frames - network.mean) / network.std
    wanted = reference.float_outputs(network, normalised)
    errors = {}
    for granularity in ("tensor", "row"):
        quantized = quantize(network, normalised, granularity=granularity)  # type: ignore[arg-type]
        typed = native(quantized)
        integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
        got = typed.types[typed.program.output].dequantize(integers)
        errors[granularity] = float(np.abs(got - wanted).mean())
    # 8-bit weights and inputs have a relative step of 1/255; outputs here have a spread of about 1
    assert errors["tensor"] < 0.02
    assert errors["row"] < errors["tensor"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 20), st.floats(0.01, 30))
def test_no_integer_ever_leaves_its_type(seed: int, inputs: int, units: int, gain: float) -> None:
    network = random_network(seed, inputs, [("gru", units), ("gru", 3)], steps=6)
    frames = random_frames(network, 3, seed) * np.float32(gain)
    quantized = quantize(network, (frames - network.mean) / network.std)
    limits = {"int8": (-128, 127), "int16": (-32768, 32767)}
    typed = native(quantized)
    seen: dict[str, tuple[int, int]] = {}

    def observe(name: str, value: np.ndarray) -> None:
        low, high = seen.get(name, (0, 0))
        seen[name] = (min(low, int(value.min())), max(high, int(value.max())))

    reference.run_integer(typed, reference.quantize_input(quantized, frames), observe)
    assert set(seen) == set(typed.types)
    for name, (low, high) in seen.items():
        assert limits[typed.types[name].dtype][0] <= low, name
        assert high <= limits[typed.types[name].dtype][1], name


def test_expanding_the_blend_changes_nothing() -> None:
    network = random_network()
    x = random_frames(network, 2)
    expanded = run_float(expand_blend(network.program()), network.constants(), x)
    np.testing.assert_allclose(expanded, reference.float_outputs(network, x), atol=1e-15)


def test_streams_do_not_touch_each_other() -> None:
    network = random_network()
    frames = random_frames(network, 5)
    quantized = quantize(network, (frames - network.mean) / network.std)
    x = reference.quantize_input(quantized, frames)
    together = reference.integer_outputs(quantized, x)
    for i in range(len(x)):
        np.testing.assert_array_equal(reference.integer_outputs(quantized, x[i : i + 1])[0], together[i])


def test_input_is_normalised_quantised_and_saturated() -> None:
    network = random_network()
    frames = random_frames(network, 16)
    normalised = (frames - network.mean) / network.std
    quantized = quantize(network, normalised)
    q = reference.quantize_input(quantized, frames)
    typed = native(quantized)
    back = typed.types["input"].dequantize(q)
    assert np.abs(back - normalised).max() <= typed.types["input"].scale * 0.501
    assert set(reference.quantize_input(quantized, np.full((1, 6), 1e30, np.float32)).ravel()) == {127}
    assert set(reference.quantize_input(quantized, np.full((1, 6), -1e30, np.float32)).ravel()) == {-128}


def test_a_mean_far_from_zero_costs_no_precision() -> None:
    """An absolute pressure: a million deviations above zero, where a float32 still resolves 1/16 of one."""
    network = dataclasses.replace(
        random_network(inputs=2), mean=np.array([1e6, -1e6], np.float32), std=np.array([1, 0.98], np.float32)
    )
    frames = random_frames(network, 32)
    mean, std = network.mean.astype(np.float64), network.std.astype(np.float64)
    normalised = (frames - mean) / std
    quantized = quantize(network, normalised)
    qtype = native(quantized).types["input"]
    exact = normalised / qtype.scale + qtype.zero_point
    got = reference.quantize_input(quantized, frames)
    assert np.abs(got - exact).max() < 0.5 + 1e-4


def opposed() -> tuple[Network, np.ndarray]:
    """A GRU of one unit, and frames for which every gate gets +12 from the frame and -10 from the bias of h."""
    network = random_network(inputs=1, cells=[("gru", 1)], outputs=1, steps=2)
    kernel, recurrent = np.full((1, 3), 12, np.float32), np.zeros((1, 3), np.float32)
    bias = np.array([[0, 0, 0], [-10, -10, -10]], np.float32)
    gru = dataclasses.replace(network.layers[0], weights=(kernel, recurrent, bias))
    unit = np.ones(1, np.float32)
    network = dataclasses.replace(network, layers=(gru, network.layers[1]), mean=0 * unit, std=unit)
    return network, np.ones((1, 2, 1), np.float32)


def test_twelve_and_minus_ten_are_two() -> None:
    network, frames = opposed()
    quantized = quantize(network, frames)
    typed = native(quantized)
    seen: dict[str, float] = {}

    def observe(name: str, value: np.ndarray) -> None:
        seen[name] = float(typed.types[name].dequantize(value)[0, 0])

    reference.run_integer(typed, reference.quantize_input(quantized, frames), observe)
    gate = next(op.inputs[0] for op in typed.program.ops if op.output == "gru_0/z")
    step = typed.types["gru_0/from_x"].scale
    assert seen["gru_0/from_x"] == pytest.approx(12, abs=step)
    assert seen["gru_0/from_h"] == pytest.approx(-10, abs=step)
    assert seen[gate] == pytest.approx(2, abs=2 * step)
    assert seen["gru_0/z"] == pytest.approx(1 / (1 + np.exp(-2)), abs=step)


@pytest.mark.parametrize(
    ("sources", "target"),
    [
        ((QType("int16", 2.0**-10), QType("int16", 2.0**-12)), QType("int16", 2.0**-12)),
        ((QType("int16", 2.0**-12),) * 2, QType("int16", 2.0**-10)),  # a shift to the right
        ((QType("int16", 2.0**4),) * 2, QType("int16", 2.0**-12)),  # by 16 bits
        ((QType("int16", 0.001),) * 2, QType("int16", 2.0**-12)),
        ((QType("int16", 2.0**-12, 3),) * 2, QType("int16", 2.0**-12)),
    ],
)
def test_a_sum_that_no_shift_can_express_is_refused(sources: tuple[QType, QType], target: QType) -> None:
    network = random_network()
    typed = native(quantize(network, random_frames(network)))
    op = next(op for op in typed.program.ops if op.primitive == "add")
    types = {**typed.types, **dict(zip(op.inputs, sources, strict=True)), op.output: target}
    with pytest.raises(ExportError, match=f"{op.output}: "):
        reference.sum_shift(op, dataclasses.replace(typed, types=types))


@pytest.mark.parametrize(
    "cells", [[("dense", 12), ("gru", 24)], [("gru", 24), ("dense", 12)], [("dense", 8), ("gru", 16), ("dense", 9)]]
)
def test_a_dense_layer_between_others_may_leave_the_unit_range(cells: list[tuple[str, int]]) -> None:
    network = random_network(cells=cells, outputs=5, steps=40)
    layers = tuple(
        dataclasses.replace(layer, weights=tuple(np.float32(3) * w for w in layer.weights))
        if layer.kind == "dense"
        else layer
        for layer in network.layers
    )
    network = dataclasses.replace(network, layers=layers)
    frames = random_frames(network, 32)
    normalised = (frames - network.mean) / network.std
    quantized = quantize(network, normalised)
    between = next(layer.name for layer in layers if layer.kind == "dense") + "/output"
    assert quantized.ranges[between][1] > 2
    typed = native(quantized)
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    wanted = reference.float_outputs(network, normalised)
    error = np.abs(typed.types[typed.program.output].dequantize(integers) - wanted) / wanted.std()
    # the values between the layers have 8 bits, as weights and inputs have
    assert error.mean() < 0.03
