"""An example alone and in a batch with padding behind it gives the same, on the references and on LiteRT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import normalised, random_frames, random_network

from edgernn import reference
from edgernn.engines import engine
from edgernn.features import normalize
from edgernn.metric import final
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import target

STEPS, INPUTS = 12, 3
CELLS = ("gru", "lstm", "simple_rnn", "fast_grnn")


def drawn(cell: str) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network that gives the result of every step, raw windows with large padding, and their lengths."""
    network = replace(random_network(3, INPUTS, [(cell, 8)], 2, STEPS, True), name="padded")
    rng = np.random.default_rng(5)
    lengths = np.array([1, 2, 5, 7, 12], np.int32)
    x = (rng.standard_normal((len(lengths), STEPS, INPUTS)) * network.std + network.mean).astype(np.float32)
    x[np.arange(STEPS) >= lengths[:, None]] = 1e3
    return network, x, lengths


def quantized_of(network: Network) -> QuantizedNetwork:
    return quantize(network, normalised(network, random_frames(network)), "int16")


@pytest.mark.parametrize("cell", CELLS)
def test_the_float_reference(cell: str) -> None:
    network, x, lengths = drawn(cell)

    def outputs(windows: np.ndarray) -> np.ndarray:
        return reference.float_outputs(network, normalize.apply(windows, network.mean, network.std))

    whole = final(outputs(x), lengths)
    for i, length in enumerate(lengths):
        np.testing.assert_allclose(whole[i], outputs(x[i : i + 1, :length])[0, -1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_integer_reference_to_the_bit(cell: str) -> None:
    network, x, lengths = drawn(cell)
    quantized = quantized_of(network)

    def outputs(windows: np.ndarray) -> np.ndarray:
        return reference.integer_outputs(quantized, reference.quantize_input(quantized, windows))

    whole = final(outputs(x), lengths)
    for i, length in enumerate(lengths):
        np.testing.assert_array_equal(whole[i], outputs(x[i : i + 1, :length])[0, -1])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_litert_to_the_bit(cell: str, precision: Precision, tmp_path: Path) -> None:
    """Whole windows with padding, against the step model that is given the frames of the example alone."""
    network, x, lengths = drawn(cell)
    quantized = quantized_of(network)
    forms: tuple[Form, ...] = ("sequence", "step")
    paths = [target("tflite").export(network, quantized, form, precision, tmp_path) for form in forms]
    whole, step = (engine("litert").open(path, form, 1) for path, form in zip(paths, forms, strict=True))
    found = final(whole.outputs(x), lengths)
    for i, length in enumerate(lengths):
        np.testing.assert_array_equal(found[i], step.outputs(x[i : i + 1, :length])[0, -1])
