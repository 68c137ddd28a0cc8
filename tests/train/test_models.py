"""Keras models of every kind of layer: they compute what the reference defines, and give their weights back."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import reference
from edgernn.cells import CELLS, gru
from edgernn.features import normalize
from edgernn.layers import LAYERS
from edgernn.network import Network
from edgernn.train import models
from train.stacks import BOTH, STACKS, stacked

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}  # Keras works in float32, the reference in float64


def frames(net: Network) -> np.ndarray:
    """Normalised windows."""
    return normalize.apply(random_frames(net), net.mean, net.std)


def test_the_stacks_have_every_kind() -> None:
    assert {kind for stack in STACKS.values() for kind, _ in stack} >= {*CELLS, *LAYERS}


@pytest.mark.parametrize(("name", "every_step"), list(product(STACKS, (False, True))))
def test_keras_computes_what_the_reference_defines(name: str, every_step: bool) -> None:
    net = stacked(name, every_step)
    x = frames(net)
    expected = reference.float_outputs(net, x)

    found = models.sequence_model(net)(x, training=False)
    steps = models.every_step_model(net)(x, training=False)

    np.testing.assert_allclose(found, expected if every_step else expected[:, -1], **TOLERANCE)
    np.testing.assert_allclose(steps, expected, **TOLERANCE)


@pytest.mark.parametrize("options", [{}, BOTH])
@pytest.mark.parametrize("every_step", [False, True])
def test_a_cell_that_keras_does_not_have(
    options: dict[str, object], every_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GRU without its Keras layer runs as its step program."""
    monkeypatch.setattr(gru, "KERAS", "")
    net = random_network(1, 3, [("gru", {"units": 5, **options}), ("simple_rnn", {"units": 4, **options})], 2, 9)
    x = frames(net)

    model = models.every_step_model(net) if every_step else models.sequence_model(net)

    expected = reference.float_outputs(net, x)
    np.testing.assert_allclose(model(x), expected if every_step else expected[:, -1], **TOLERANCE)
    assert_equal(models.to_network(model, net), net)


@pytest.mark.parametrize("name", ["conv, gru, attention", "both ways twice", "embedding, simple_rnn, pool"])
def test_weights_come_back_as_they_were(name: str) -> None:
    net = stacked(name)

    assert_equal(models.to_network(models.every_step_model(net), net), net)


@pytest.mark.parametrize("name", ["gru, conv, dense, pool", "both ways, attention"])
def test_counts_of_trainable_weights(name: str) -> None:
    net = stacked(name)

    found = [sum(v.trainable for v in models.variables(models.sequence_model(net), layer)) for layer in net.layers]

    assert models.trainable_counts(net) == found


def assert_equal(found: Network, expected: Network) -> None:
    for a, b in zip(found.layers, expected.layers, strict=True):
        for one, other in zip(a.weights, b.weights, strict=True):
            np.testing.assert_array_equal(one, other)
