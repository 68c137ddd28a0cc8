"""Schedules, dropout and the meter."""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from edgernn.train import loop, meter, models
from edgernn.train.augment import Augmentation
from edgernn.train.backend import keras, tf
from edgernn.train.feed import Batch, Feed
from edgernn.train.goal import Goal
from edgernn.train.learner import Learner, dropout_rates
from train import sample


def test_cosine_rises_to_the_peak_and_ends_at_its_floor() -> None:
    rates = [loop.learning_rate(step, 2000, 0.01, "cosine") for step in range(2000)]

    assert rates[0] == pytest.approx(0.01 / 100, rel=1e-3)
    assert max(rates) == pytest.approx(0.01, rel=0.02)
    assert rates[1000] == pytest.approx(0.01 * (0.02 + 0.98 * 0.5))
    assert rates[-1] == pytest.approx(0.01 * 0.02, rel=0.01)
    assert rates.index(max(rates)) == 99


def test_constant_stays_at_the_peak_after_its_rise() -> None:
    rates = [loop.learning_rate(step, 50, 0.01, "constant") for step in range(50)]

    assert rates[:6] == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01, 0.01])
    assert set(rates[4:]) == {0.01}


def test_memory_grows_to_its_limit() -> None:
    assert loop.memory(0, 0.9) == pytest.approx(0.1)
    assert loop.memory(10_000, 0.9) == 0.9
    assert loop.memory(5, 0.0) == 0.0


def feed(count: int, **augment: object) -> Feed:
    section = sample.recipe(augment=augment).train.augment
    unit, split = np.ones(3, np.float32), sample.split(0, count)
    augmentation = Augmentation.of(section, sample.CHANNELS, unit)
    return Feed(split, np.zeros(3, np.float32), unit, Goal.of("classify", split), augmentation, 16, 7)


def test_an_epoch_shows_every_window_and_full_batches() -> None:
    source = feed(40)

    batches = list(source.epoch(0))

    assert source.batches == len(batches) == 3
    shown = np.concatenate([batch.x for batch in batches])
    assert shown.shape == (48, sample.STEPS, 3)
    assert len(np.unique(shown.reshape(48, -1), axis=0)) == 40


def test_epochs_differ_and_repeat() -> None:
    first, again, second = (next(feed(40, jitter=0.1).epoch(epoch)).x for epoch in (0, 0, 1))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_the_next_batch_is_made_while_one_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow turns reading ahead off where a pipeline seems to hold a state."""
    made, second = Feed._batch, Event()

    def told(self: Feed, rows: np.ndarray, epoch: int, number: int) -> Batch:
        if number == 1:
            second.set()
        return made(self, rows, epoch, number)

    monkeypatch.setattr(Feed, "_batch", told)
    batches = feed(40).epoch(0)
    next(batches)

    assert second.wait(30)


def test_only_steps_from_loss_from_on_count() -> None:
    """Against Keras's own loss, a step at a time."""
    network = sample.network(0, 10, 3, ("gru", 4), ("dense", 2))
    learner = Learner(models.every_step_model(network), network, sample.recipe(loss_from=0.7).train, 0)
    x, y = tf.random.stateless_normal((6, 10, 3), (1, 2)), np.array([0, 1, 0, 1, 1, 0], np.int32)
    logits = learner.outputs(x, tf.constant(5, tf.int64))[-1]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    found = learner.gradients(x, y, tf.constant(5, tf.int64)).loss

    expected = np.mean([loss(y, logits[:, step]) for step in (7, 8, 9)])
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_dropout_zeroes_whole_channels_and_keeps_the_mean() -> None:
    network = sample.network(0, 5, 3, ("gru", 40), ("dense", 2))
    section = sample.recipe(dropout=0.25).train
    learner = Learner(models.every_step_model(network), network, section, 0)
    ones = tf.ones((500, 5, 40))

    dropped = learner._dropped(ones, learner.rates[1], 1, tf.constant(3, tf.int64)).numpy()

    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))
    assert set(np.unique(dropped)) == {0.0, np.float32(4 / 3)}
    assert dropped.mean() == pytest.approx(1, abs=4 * math.sqrt(1 / 3 / 20_000))


def learner(*layers: tuple[str, object], **section: object) -> Learner:
    net = sample.network(0, 10, 3, *layers)  # type: ignore[arg-type]
    return Learner(models.every_step_model(net), net, sample.recipe(dropout=0, **section).train, 0)


X, Y = tf.random.stateless_normal((6, 10, 3), (1, 2)), np.array([0, 1, 0, 1, 1, 0], np.int32)
FIRST = tf.constant(0, tf.int64)


def test_a_softmax_at_the_end_is_not_applied_twice() -> None:
    logits = learner(("gru", 4), ("dense", 2))
    net = sample.network(0, 10, 3, ("gru", 4), ("dense", 2))
    last = net.layers[-1].options.model_copy(update={"activation": "softmax"})
    soft = replace(net, layers=(net.layers[0], replace(net.layers[1], options=last)))
    shares = Learner(models.every_step_model(soft), soft, logits.section, 0)

    expected, found = (one.gradients(X, Y, FIRST) for one in (logits, shares))

    assert float(found.loss) == pytest.approx(float(expected.loss), rel=1e-5)
    for one, other in zip(found.by_variable, expected.by_variable, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
    for one, other in zip(shares.evaluate(X, Y), logits.evaluate(X, Y), strict=True):
        assert float(one) == pytest.approx(float(other), rel=1e-5)


def test_strides_leave_fewer_outputs_to_the_loss() -> None:
    strided = learner(("gru", 4), ("conv", {"units": 3, "kernel": 3, "stride": 2}), ("dense", 2), loss_from=0.6)
    logits = strided.outputs(X, FIRST)[-1]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    assert logits.shape[1] == 5
    expected = np.mean([loss(Y, logits[:, step]) for step in (3, 4)])
    assert float(strided.gradients(X, Y, FIRST).loss) == pytest.approx(float(expected), rel=1e-5)


def test_a_network_that_looks_both_ways_has_one_output_in_the_loss() -> None:
    both = learner(("lstm", {"units": 4, "bidirectional": True}), ("dense", 2), loss_from=0.9)

    assert both.outputs(X, FIRST)[-1].shape[1] == 1
    assert np.isfinite(both.gradients(X, Y, FIRST).loss)


def test_statistics_of_batch_normalisation_follow_the_data_and_are_kept() -> None:
    norm = learner(("gru", 4), ("dense", {"units": 5, "batch_norm": True}), ("dense", 2))
    before = [variable.numpy() for variable in norm.model.non_trainable_variables]

    found = norm.gradients(X, Y, FIRST)
    norm.update(found.by_variable, found.norm, tf.constant(0.01), tf.constant(0.9))

    for old, new, kept in zip(
        before, norm.model.non_trainable_variables, norm.averaged.non_trainable_variables, strict=True
    ):
        assert not np.allclose(old, new)
        np.testing.assert_array_equal(new, kept)


def test_tokens_are_not_dropped_but_what_they_stand_for_can_be() -> None:
    net = sample.network(0, 10, 1, ("embedding", {"entries": 5, "units": 3}), ("gru", 4), ("dense", 2))

    rates = dropout_rates(net, sample.recipe(input_dropout=0.1, dropout=0.3).train)

    assert rates == [0.0, 0.1, 0.3]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_meter(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, quiet: bool) -> str:
    monkeypatch.setattr(sys, "stderr", stderr)
    with meter.meter("train", 50, quiet) as tell:
        for step in range(50):
            tell(step + 1, "loss 0.5")
    return stderr.getvalue()


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_meter(monkeypatch, Terminal(), True) == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run_meter(monkeypatch, Terminal(), False)

    assert "train" in text
    assert "100 %" in text


def test_elsewhere_a_line_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(meter.time, "monotonic", lambda: float(next(clock)))

    lines = run_meter(monkeypatch, io.StringIO(), False).splitlines()

    assert lines[0] == "train: 20 %, loss 0.5, 44 s left"
    assert len(lines) == 5


def test_the_clock_tells_waiting_from_learning() -> None:
    def slow() -> Iterator[Batch]:
        for _ in range(3):
            time.sleep(0.02)
            yield Batch(np.zeros((1, 1, 1), np.float32), np.zeros(1, np.int32))

    clock = loop.Clock()
    for _ in clock.batches(slow()):
        with clock.of("learning"):
            time.sleep(0.01)
    assert clock.seconds["waiting"] >= 0.06
    assert clock.seconds["learning"] >= 0.03
    assert clock.seconds["validating"] == 0
    clock.seconds.update(waiting=1.0, learning=2.5, validating=0.5)
    assert str(clock) == "25% of the time waiting for data"
