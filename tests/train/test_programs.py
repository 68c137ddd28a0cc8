"""Step programs in TensorFlow: equal to the reference in float, close to the integers with fake quantisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import random_frames

from edgernn import quantize, reference
from edgernn.features import normalize
from edgernn.lowering import native, operators
from edgernn.network import IntegerPrecision, Network
from edgernn.train import fake_quantization, programs
from edgernn.train.backend import tf
from train.stacks import STACKS, stacked


def variables(net: Network) -> list[list[Any]]:
    return [[tf.Variable(weight) for weight in layer.weights] for layer in net.layers]


def constants(net: Network, weights: list[list[Any]]) -> dict[str, Any]:
    pairs = zip(net.layers, weights, strict=True)
    return {name: value for layer, own in pairs for name, value in programs.layer_constants(layer, own).items()}


@pytest.mark.parametrize("name", STACKS)
def test_float_programs_compute_what_the_reference_defines(name: str) -> None:
    net = stacked(name, every_step=True)
    x = normalize.apply(random_frames(net), net.mean, net.std)

    found = programs.run_float(net.passes(), constants(net, variables(net)), tf.constant(x))

    np.testing.assert_allclose(found, reference.float_outputs(net, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("name", STACKS)
def test_fake_quantisation_is_close_to_the_integers(name: str, precision: IntegerPrecision) -> None:
    """What it leaves out (tables, int16 roundings) is far below the error of quantisation itself.

    On these stacks its share is 0.01 to 0.15, in relation to the whole error.
    """
    net = stacked(name)
    raw = random_frames(net, 32)
    x = normalize.apply(raw, net.mean, net.std)
    quantized = quantize.quantize(net, x).at(precision)
    passes = native(quantized)
    real = passes[-1].output.dequantize(
        reference.integer_outputs(quantized, reference.quantize_input(quantized, raw))
    )

    exact = fake_quantization.rounded(constants(net, variables(net)), quantized, "tensor")
    found = fake_quantization.outputs(passes, exact, tf.constant(x))

    error = np.abs(real - reference.float_outputs(net, x)).mean()
    assert np.abs(found - real).mean() < error / 4


@pytest.mark.parametrize("granularity", ["tensor", "row"])
def test_matrices_are_rounded_as_post_training_quantisation_does(granularity: Any) -> None:
    net = stacked("embedding, simple_rnn, pool")
    x = normalize.apply(random_frames(net), net.mean, net.std)
    quantized = quantize.quantize(net, x, granularity=granularity)

    found = fake_quantization.rounded(constants(net, variables(net)), quantized, granularity)

    for name, integers in quantized.weights.items():
        np.testing.assert_allclose(found[name], integers * quantized.scales[name][:, None], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("typing", [native, operators])
@pytest.mark.parametrize("name", STACKS)
def test_gradients_reach_every_weight(name: str, typing: Any) -> None:
    net = stacked(name)
    x = normalize.apply(random_frames(net), net.mean, net.std)
    quantized = quantize.quantize(net, x)
    weights = variables(net)

    with tf.GradientTape() as tape:
        exact = fake_quantization.rounded(constants(net, weights), quantized, "tensor")
        loss = tf.reduce_sum(fake_quantization.outputs(typing(quantized), exact, tf.constant(x))[..., 0] ** 2)
    flat = [variable for own in weights for variable in own]

    assert all(np.any(tf.convert_to_tensor(gradient)) for gradient in tape.gradient(loss, flat))
