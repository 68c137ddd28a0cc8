"""An example alone and in a batch with padding behind it gives the same, on the references and on every engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import STACKS, normalised, random_frames, stack_network

from edgernn import reference
from edgernn.engines import engine
from edgernn.features import normalize
from edgernn.metric import final
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import target

FRAMES = 24  # of a window: 12 steps where one has two frames
# A backward pass begins at a window's end: a build refuses sequences of different lengths for it.
FORWARD = [name for name in STACKS if not any(layer.bidirectional for layer in stack_network(name).layers)]
TARGETS = {"litert": "tflite", "onnxruntime": "onnx"}


def drawn(stack: str) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network that gives the result of every step, raw windows with large padding, and their lengths in steps."""
    network = replace(stack_network(stack, steps=FRAMES, every_step=True), name="padded")
    lengths = np.array([1, 2, 5, 7, FRAMES // network.frames_per_step], np.int32)
    x = random_frames(network, len(lengths))
    behind = np.arange(FRAMES) >= network.frames_per_step * lengths[:, None]
    x[behind] = x.max() if network.tokens else 1e3
    return network, x, lengths


def alone(network: Network, x: np.ndarray, lengths: np.ndarray, example: int) -> np.ndarray:
    return x[example : example + 1, : network.frames_per_step * lengths[example]]


def quantized_of(network: Network) -> QuantizedNetwork:
    return quantize(network, normalised(network, random_frames(network)), "int16")


@pytest.mark.parametrize("stack", FORWARD)
def test_the_float_reference(stack: str) -> None:
    network, x, lengths = drawn(stack)

    def outputs(windows: np.ndarray) -> np.ndarray:
        return reference.float_outputs(network, normalize.apply(windows, network.mean, network.std))

    whole = final(outputs(x), lengths)
    for i in range(len(lengths)):
        np.testing.assert_allclose(whole[i], outputs(alone(network, x, lengths, i))[0, -1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stack", FORWARD)
def test_the_integer_reference_to_the_bit(stack: str) -> None:
    network, x, lengths = drawn(stack)
    quantized = quantized_of(network)

    def outputs(windows: np.ndarray) -> np.ndarray:
        return reference.integer_outputs(quantized, reference.quantize_input(quantized, windows))

    whole = final(outputs(x), lengths)
    for i in range(len(lengths)):
        np.testing.assert_array_equal(whole[i], outputs(alone(network, x, lengths, i))[0, -1])


@pytest.mark.parametrize("stack", FORWARD)
@pytest.mark.parametrize(
    ("name", "precision"), [("litert", "float32"), ("litert", "int8"), ("onnxruntime", "float32")]
)
def test_engines(stack: str, name: str, precision: Precision, tmp_path: Path) -> None:
    """Whole windows with padding, against the step model that is given the frames of the example alone."""
    network, x, lengths = drawn(stack)
    quantized = quantized_of(network)
    forms: tuple[Form, ...] = ("sequence", "step")
    paths = [target(TARGETS[name]).export(network, quantized, form, precision, tmp_path) for form in forms]
    whole, step = (engine(name).open(path, form, 1) for path, form in zip(paths, forms, strict=True))
    found = final(whole.outputs(x), lengths)
    # a sum over all steps at once is added in another order than step by step
    tolerance = 0 if precision == "int8" else 1e-5
    for i in range(len(lengths)):
        own = step.outputs(alone(network, x, lengths, i))[0, -1]
        np.testing.assert_allclose(found[i], own, rtol=0, atol=tolerance)
