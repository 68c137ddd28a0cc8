"""Truncated back-propagation: states go on from segment to segment, gradients do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn import train as training
from edgernn.network import Network
from edgernn.train import models
from edgernn.train.backend import tf
from edgernn.train.learner import Learner
from edgernn.train_sections import TrainSection
from train import sample
from train.test_next import LAYERS, bits, splits

STEPS, BATCH = 10, 6


def learner(network: Network) -> Learner:
    section = TrainSection(dropout=0.3, layer_dropout=0.2, loss_from=0.0)
    return Learner(models.every_step_model(network), network, section, seed=4)


STACKS = {
    "gru": (("gru", 5), ("dense", 3)),
    "lstm": (("lstm", 4), ("dense", 3)),
    "simple_rnn": (("simple_rnn", 5), ("dense", 3)),
    "several": (("gru", 5), ("layer_norm", {}), ("lstm", 4), ("dense", 3)),
}


@pytest.mark.parametrize("stack", STACKS)
def test_segments_give_what_whole_windows_give(stack: str) -> None:
    network = sample.network(0, STEPS, 3, *STACKS[stack])
    one, step = learner(network), tf.constant(7, tf.int64)
    x = tf.random.stateless_normal((BATCH, STEPS, 3), (1, 2))
    states, parts = one.rested(BATCH), []
    for start in (0, 4, 8):
        outputs, states = one._carried(x[:, start : start + 4], step, states)
        parts.append(outputs)
    np.testing.assert_allclose(tf.concat(parts, 1), one.outputs(x, step)[-1], atol=1e-6)


@pytest.mark.parametrize("stack", STACKS)
def test_no_gradient_crosses_a_segment(stack: str) -> None:
    """By the second segment alone, whose first states are numbers."""
    network = sample.network(0, STEPS, 3, *STACKS[stack])
    one, step = learner(network), tf.constant(7, tf.int64)
    x, y = tf.random.stateless_normal((BATCH, STEPS, 3), (1, 2)), tf.constant([0, 1, 2, 0, 1, 2])
    weights = one.objective.weights_of(y, STEPS, None)
    _, states = one._carried(x[:, :6], step, one.rested(BATCH))
    found, _ = one.segment_gradients(x[:, 6:], y, weights[:, 6:], step, states)
    with tf.GradientTape() as tape:
        _, before = one._carried(x[:, :6], step, one.rested(BATCH))
        outputs, _ = one._carried(x[:, 6:], step, [tf.stop_gradient(state) for state in before])
        loss = one.objective.loss(outputs, y, weights[:, 6:])
    for own, wanted in zip(found.by_variable, tape.gradient(loss, one.variables), strict=True):
        np.testing.assert_allclose(own, wanted, atol=1e-6)


def test_a_segment_of_the_whole_window_is_the_whole_window() -> None:
    network = sample.network(0, STEPS, 3, *STACKS["gru"])
    one, step = learner(network), tf.constant(3, tf.int64)
    x, y = tf.random.stateless_normal((BATCH, STEPS, 3), (1, 2)), tf.constant([0, 1, 2, 0, 1, 2])
    found, _ = one.segment_gradients(x, y, one.objective.weights_of(y, STEPS, None), step, one.rested(BATCH))
    wanted = one.gradients(x, y, step)
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-5)
    np.testing.assert_allclose(found.figure, wanted.figure, rtol=1e-5)
    for own, other in zip(found.by_variable, wanted.by_variable, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)


@pytest.mark.parametrize("size", [3, 5])
def test_a_network_learns_in_segments(tmp_path: Path, size: int) -> None:
    """What comes next depends on the token before the segment: without its state, one in `size` is a guess."""
    recipe = sample.recipe(layers=LAYERS, epochs=15, learning_rate=0.01, dropout=0, truncate=size)
    data = splits()
    assert bits(training.fit(recipe, data, tmp_path, quiet=True), data.test) < 0.2


def test_windows_that_end_early_and_answers_at_the_end_alone(tmp_path: Path) -> None:
    """A segment in which nothing counts teaches nothing, and later ones still do."""
    recipe = sample.recipe(epochs=12, truncate=4, dropout=0)
    data = sample.splits()
    network = training.fit(recipe, data, tmp_path, quiet=True)
    outputs = training.keras_outputs(network, data.test.x)
    assert np.mean(outputs.argmax(axis=1) == data.test.y) > 0.8


@pytest.mark.parametrize(
    ("layers", "changed", "message"),
    [
        ([{"conv": {"units": 4, "kernel": 3}}, {"gru": {"units": 4}}, {"dense": {}}], {}, "and conv, whose state"),
        ([{"fast_grnn": {"units": 4}}, {"dense": {}}], {}, "and fast_grnn, whose state"),
        ([{"gru": {"units": 4, "bidirectional": True}}, {"dense": {}}], {}, "and gru, whose state"),
        ([], {"prune": {"sparsity": 0.5}}, "and prune without block"),
    ],
)
def test_what_cannot_go_on_is_refused(layers: list[object], changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"has train.truncate {message}"):
        sample.recipe(layers=layers, truncate=4, **changed)  # type: ignore[arg-type]
