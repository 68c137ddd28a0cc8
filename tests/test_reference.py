from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import STACKS, normalised, random_frames, random_network, stack_network

from edgernn import reference
from edgernn.errors import ExportError
from edgernn.expand import expand
from edgernn.lowering import QType, TypedProgram, native
from edgernn.network import Network, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.reference import run_float


def typed_step(quantized: QuantizedNetwork) -> TypedProgram:
    return native(quantized)[0].forward


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


@pytest.mark.parametrize("name", STACKS)
def test_the_integer_reference_follows_the_float_one(name: str) -> None:
    network = stack_network(name, steps=40)
    frames = random_frames(network, 32)
    wanted = reference.float_outputs(network, normalised(network, frames))
    errors = {}
    for granularity in ("tensor", "row"):
        quantized = quantize(network, normalised(network, frames), granularity=granularity)  # type: ignore[arg-type]
        for precision in ("int8", "int16x8"):
            at = quantized.at(precision)  # type: ignore[arg-type]
            integers = reference.integer_outputs(at, reference.quantize_input(at, frames))
            error = np.abs(native(at)[-1].output.dequantize(integers) - wanted)
            errors[granularity, precision] = float(error.mean()) / wanted.std()
    # 8-bit weights and inputs have a relative step of 1/255, and layers add their errors up
    assert errors["tensor", "int8"] < 0.03
    assert errors["row", "int16x8"] < 0.02
    assert errors["row", "int16x8"] < errors["row", "int8"]


def test_a_bidirectional_layer_reads_both_ways() -> None:
    network = random_network(cells=[("gru", {"units": 5, "bidirectional": True})])
    x = random_frames(network, 2).astype(np.float64)
    gru, dense = network.layers
    ways = []
    for weights, frames in ((gru.weights[:3], x), (gru.weights[3:], x[:, ::-1])):
        one = dataclasses.replace(
            gru, options=gru.options.model_copy(update={"bidirectional": False}), weights=weights
        )
        alone = dataclasses.replace(network, layers=(one,))
        ways.append(reference.float_outputs(alone, frames)[:, -1])
    wanted = np.concatenate(ways, axis=1) @ dense.weights[0] + dense.weights[1]
    np.testing.assert_allclose(reference.float_outputs(network, x)[:, -1], wanted, atol=1e-12)


def test_attention_over_a_stream_is_that_of_the_window() -> None:
    network = random_network(cells=[("gru", 5), ("attention", {"units": 4})])
    x = random_frames(network, 2).astype(np.float64)
    gru, attention, dense = network.layers
    states = reference.float_outputs(dataclasses.replace(network, layers=(gru,)), x)
    kernel, bias, score = attention.weights
    e = np.tanh(states @ kernel + bias) @ score
    share = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
    wanted = (share * states).sum(axis=1) @ dense.weights[0] + dense.weights[1]
    np.testing.assert_allclose(reference.float_outputs(network, x)[:, -1], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("over", "function"), [("mean", np.mean), ("max", np.max), ("last", lambda x, axis: x[:, -1])]
)
def test_pooling_over_a_stream_is_that_of_the_window(over: str, function: Callable[..., np.ndarray]) -> None:
    network = random_network(cells=[("gru", 5), ("pool", {"over": over})])
    x = random_frames(network, 2).astype(np.float64)
    states = reference.float_outputs(dataclasses.replace(network, layers=network.layers[:1]), x)
    pooled = reference.float_outputs(dataclasses.replace(network, layers=network.layers[:2]), x)
    np.testing.assert_allclose(pooled[:, -1], function(states, axis=1), atol=1e-6)


def test_a_strided_convolution_sees_the_frames_up_to_its_own() -> None:
    network = random_network(cells=[("conv", {"units": 4, "kernel": 3, "stride": 2}), ("gru", 3)], steps=6)
    x = random_frames(network, 2).astype(np.float64)
    kernel, bias = network.layers[0].weights
    padded = np.concatenate([np.zeros((2, 1, network.inputs)), x], axis=1)
    wanted = [np.einsum("bki,kiu->bu", padded[:, t : t + 3], kernel) + bias for t in (0, 2, 4)]
    alone = dataclasses.replace(network, layers=network.layers[:1])
    np.testing.assert_allclose(reference.float_outputs(alone, x), np.stack(wanted, axis=1), atol=1e-12)


@settings(max_examples=25)
@given(
    st.integers(0, 10_000),
    st.integers(1, 9),
    st.integers(1, 20),
    st.floats(0.01, 30),
    st.sampled_from(["int8", "int16x8"]),
)
def test_no_integer_ever_leaves_its_type(seed: int, inputs: int, units: int, gain: float, precision: str) -> None:
    cells = [("conv", {"units": 4, "kernel": 2}), ("gru", units), ("lstm", 3), ("attention", {"units": 2})]
    network = random_network(seed, inputs, cells, steps=6)
    frames = random_frames(network, 3, seed) * np.float32(gain)
    quantized = quantize(network, normalised(network, frames)).at(precision)  # type: ignore[arg-type]
    limits = {"int8": (-128, 127), "int16": (-32768, 32767)}
    typed = typed_step(quantized)
    seen: dict[str, tuple[int, int]] = {}

    def observe(name: str, value: np.ndarray) -> None:
        low, high = seen.get(name, (0, 0))
        seen[name] = (min(low, int(value.min())), max(high, int(value.max())))

    reference.run_integer(native(quantized), reference.quantize_input(quantized, frames), observe)
    assert set(seen) == set(typed.types)
    for name, (low, high) in seen.items():
        assert limits[typed.types[name].dtype][0] <= low, name
        assert high <= limits[typed.types[name].dtype][1], name


@pytest.mark.parametrize("name", ["three cells", "layer_norm", "pool mean"])
def test_expanding_changes_nothing(name: str) -> None:
    network = stack_network(name)
    x = random_frames(network, 2)
    one = network.passes()[0]
    expanded = run_float([one.mapped(expand)], network.constants(), x)
    np.testing.assert_allclose(expanded, reference.float_outputs(network, x), atol=1e-13)


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
    typed = typed_step(quantized)
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
    qtype = typed_step(quantized).types["input"]
    exact = normalised / qtype.scale + qtype.zero_point
    got = reference.quantize_input(quantized, frames)
    assert np.abs(got - exact).max() < 0.5 + 1e-4


def opposed() -> tuple[Network, np.ndarray]:
    """A layer of one unit, and frames for which it gets +12 from the frame and, once it is 1, -10 from itself."""
    network = random_network(inputs=1, cells=[("simple_rnn", 1)], outputs=1, steps=2)
    weights = (np.full((1, 1), 12, np.float32), np.full((1, 1), -10, np.float32), np.zeros(1, np.float32))
    rnn = dataclasses.replace(network.layers[0], name="rnn", weights=weights)
    unit = np.ones(1, np.float32)
    network = dataclasses.replace(network, layers=(rnn, network.layers[1]), mean=0 * unit, std=unit)
    return network, np.ones((1, 2, 1), np.float32)


def test_twelve_and_minus_ten_are_two() -> None:
    network, frames = opposed()
    quantized = quantize(network, frames)
    typed = typed_step(quantized)
    seen: dict[str, float] = {}

    def observe(name: str, value: np.ndarray) -> None:
        seen[name] = float(typed.types[name].dequantize(value)[0, 0])

    reference.run_integer(native(quantized), reference.quantize_input(quantized, frames), observe)
    gate = next(op.inputs[0] for op in typed.program.ops if op.output == "rnn/h_next")
    step = typed.types["rnn/from_x"].scale
    assert seen["rnn/from_x"] == pytest.approx(12, abs=step)
    assert seen["rnn/from_h"] == pytest.approx(-10 * 127 / 128, abs=step)  # the state is 127 / 128
    assert seen[gate] == pytest.approx(12 - 10 * 127 / 128, abs=2 * step)


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
    typed = typed_step(quantize(network, random_frames(network)))
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
    typed = typed_step(quantized)
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    wanted = reference.float_outputs(network, normalised)
    error = np.abs(typed.types[typed.program.output].dequantize(integers) - wanted) / wanted.std()
    # the values between the layers have 8 bits, as weights and inputs have
    assert error.mean() < 0.03
