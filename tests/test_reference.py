from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import reference
from edgernn.lowering import expand_blend, native
from edgernn.network import CELLS
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
