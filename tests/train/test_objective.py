"""The losses against Keras's own, and which steps of a window count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from edgernn.datasets.splits import Split
from edgernn.network import Task
from edgernn.train import models
from edgernn.train.backend import keras, tf
from edgernn.train.learner import Learner
from edgernn.train.objective import Objective, class_weights, without_seen
from edgernn.train_sections import TrainSection
from train import sample

RNG = np.random.default_rng(0)
QUANTITIES = RNG.normal(0, 2, (5, 3)).astype(np.float32)
FORECASTS = RNG.normal(0, 2, (5, 4, 3)).astype(np.float32)
LOGITS = RNG.normal(0, 2, (6, 4, 3)).astype(np.float32)
CLASSES = np.array([0, 2, 1, 1, 0, 2], np.int32)


def objective(task: Task = "regress", weights: np.ndarray | None = None, **train: object) -> Objective:
    return Objective(task, TrainSection.model_validate(train), 3, likely=False, weights=weights)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("squared", keras.losses.MeanSquaredError()),
        ("absolute", keras.losses.MeanAbsoluteError()),
        ("huber", keras.losses.Huber(1.0)),
    ],
)
def test_losses_of_a_regression_are_those_of_keras_over_steps(name: str, loss: object) -> None:
    found = objective(regression_loss=name).loss(tf.constant(FORECASTS), tf.constant(QUANTITIES))

    expected = np.mean([loss(QUANTITIES, FORECASTS[:, step]) for step in range(4)])  # type: ignore[operator]
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_squared_is_the_default() -> None:
    outputs, y = tf.constant(FORECASTS), tf.constant(QUANTITIES)
    assert float(objective().loss(outputs, y)) == float(objective(regression_loss="squared").loss(outputs, y))


def test_the_gradient_of_huber_is_bounded_and_meets_that_of_the_square_at_1() -> None:
    error = tf.constant(np.linspace(-3, 3, 61, dtype=np.float32)[:, None, None])
    with tf.GradientTape() as tape:
        tape.watch(error)
        loss = objective(regression_loss="huber").loss(error, tf.zeros((61, 1)))

    found = 61 * tape.gradient(loss, error).numpy().ravel()

    np.testing.assert_allclose(found, np.clip(np.linspace(-3, 3, 61), -1, 1), atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_are_the_sample_weights_of_keras(smoothing: float) -> None:
    weights = np.array([0.5, 1.0, 3.0], np.float32)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)

    found = objective("classify", weights).loss(tf.constant(LOGITS), tf.constant(CLASSES), smoothing=smoothing)

    goal = np.eye(3, dtype=np.float32)[CLASSES]
    expected = np.mean([loss(goal, LOGITS[:, step], sample_weight=weights[CLASSES]) for step in range(4)])
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
    plain = objective("classify").loss(tf.constant(LOGITS), tf.constant(CLASSES), smoothing=smoothing)
    assert float(plain) == pytest.approx(float(np.mean([loss(goal, LOGITS[:, step]) for step in range(4)])))


@pytest.mark.parametrize("task", ["classify", "regress"])
def test_the_figure_is_that_of_keras(task: Task) -> None:
    if task == "classify":
        outputs, y, metric = LOGITS, CLASSES, keras.metrics.SparseCategoricalAccuracy()
    else:
        outputs, y, metric = FORECASTS, QUANTITIES, keras.metrics.MeanAbsoluteError()
    for step in range(4):
        metric.update_state(y, outputs[:, step])

    found = objective(task).figure(tf.constant(outputs), tf.constant(y))

    assert float(found) == pytest.approx(float(metric.result()), rel=1e-6)


@pytest.mark.parametrize(
    ("task", "loss_from", "steps", "start"),
    [
        ("classify", None, 12, 6),
        ("classify", None, 5, 2),
        ("classify", None, 1, 0),
        ("classify", 0.7, 10, 7),
        ("regress", None, 12, 11),
        ("regress", None, 1, 0),
        ("regress", 0.5, 12, 6),
        ("regress", 0.0, 12, 0),
    ],
)
def test_where_the_loss_starts(task: Task, loss_from: float | None, steps: int, start: int) -> None:
    assert objective(task, loss_from=loss_from).start(steps) == start


def test_a_regression_learns_from_the_last_step_alone() -> None:
    """Against Keras's own loss of that step, in the learner that training uses."""
    net = replace(sample.network(0, 10, 3, ("gru", 4), ("dense", 2)), task="regress")
    learner = Learner(models.every_step_model(net), net, TrainSection(dropout=0), 0)
    x, y = tf.random.stateless_normal((6, 10, 3), (1, 2)), tf.random.stateless_normal((6, 2), (3, 4))
    outputs = learner.outputs(x, tf.constant(0, tf.int64))[-1]

    found = learner.gradients(x, y, tf.constant(0, tf.int64))

    assert float(found.loss) == pytest.approx(float(keras.losses.MeanSquaredError()(y, outputs[:, -1])), rel=1e-5)
    figure = keras.losses.MeanAbsoluteError()(y, outputs[:, -1])
    assert float(found.figure) == pytest.approx(float(figure), rel=1e-5)
    assert [float(one) for one in learner.evaluate(x, y)] == pytest.approx(
        [float(found.loss), float(figure)], rel=1e-5
    )


def test_what_is_seen_has_no_share_and_no_gradient() -> None:
    """Against the softmax of the other classes alone, computed in NumPy; smoothing spreads over these, too."""
    x, y = tf.constant([[[2.0], [0.0], [3.0]]]), tf.constant([[0, 3, 1]])
    outputs = tf.random.stateless_normal((1, 3, 5), (1, 2))
    one = objective("next")
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = one.loss(without_seen(outputs, x), y, one.weights_of(y, 3, None), 0.1)
    losses = []
    for step, seen in enumerate(({2}, {2, 0}, {2, 0, 3})):
        others = [item for item in range(5) if item not in seen]
        logits = outputs.numpy()[0, step, others].astype(np.float64)
        likely = logits - np.log(np.exp(logits).sum())
        losses.append(-0.9 * likely[others.index(int(y[0, step]))] - 0.1 * likely.sum() / 5)
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)
    slopes = tape.gradient(loss, outputs).numpy()[0]
    assert [np.flatnonzero(own == 0).tolist() for own in slopes] == [[2], [0, 2], [0, 2, 3]]


def classes(counts: tuple[int, ...]) -> Split:
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Split(np.zeros((len(y), 2, 1), np.float32), y, np.full(len(y), "a"))


@pytest.mark.parametrize("counts", [(10, 30, 60), (1, 1), (5, 500, 2, 9)])
def test_balanced_weights_are_those_of_scikit_learn(counts: tuple[int, ...]) -> None:
    train, section = classes(counts), TrainSection(class_weights="balanced")

    found = class_weights(section, "classify", train, len(counts))

    assert found is not None
    assert found.dtype == np.float32
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=train.y)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.mean(found[train.y]) == pytest.approx(1, rel=1e-5)


def test_weights_are_only_where_they_are_asked_for_and_mean_something() -> None:
    train = classes((1, 9))
    assert class_weights(TrainSection(), "classify", train, 2) is None
    assert class_weights(TrainSection(class_weights="balanced"), "regress", train, 2) is None


def test_a_class_without_an_example_has_a_finite_weight() -> None:
    found = class_weights(TrainSection(class_weights="balanced"), "classify", classes((3, 6)), 3)
    assert found is not None
    assert found.tolist() == [1.0, 0.5, 3.0]
