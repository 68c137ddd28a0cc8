"""First weights: as Keras starts its own layers."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.network import KINDS, Layer
from edgernn.train.backend import keras
from edgernn.train.initial import first_weights


def layer(kind: str, inputs: int, **options: object) -> Layer:
    return Layer("one", kind, inputs, KINDS[kind].Options.model_validate(options), ())


@pytest.mark.parametrize(
    ("kind", "made"),
    [("gru", keras.layers.GRU), ("lstm", keras.layers.LSTM), ("simple_rnn", keras.layers.SimpleRNN)],
)
def test_a_cell_starts_as_in_keras(kind: str, made: type) -> None:
    seeds = {
        "kernel_initializer": keras.initializers.GlorotUniform(7),
        "recurrent_initializer": keras.initializers.Orthogonal(seed=7),
    }
    theirs = made(8, **seeds)
    theirs.build((None, None, 5))

    for weight, expected in zip(first_weights(layer(kind, 5, units=8), 7), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_two_directions_start_apart() -> None:
    weights = first_weights(layer("gru", 5, units=8, bidirectional=True), 7)

    assert len(weights) == 6
    assert not np.allclose(weights[0], weights[3])


def test_batch_normalisation_starts_as_no_change() -> None:
    *_, gamma, beta, mean, variance = first_weights(layer("conv", 3, units=4, kernel=3, batch_norm=True), 0)

    assert [set(weight.tolist()) for weight in (gamma, beta, mean, variance)] == [{1.0}, {0.0}, {0.0}, {1.0}]
