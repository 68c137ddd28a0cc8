"""What scores and alarms along a series count as, by hand; the threshold that normal frames choose; and leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import random_network

from edgernn.datasets.scene import Scene
from edgernn.decide import AlarmRule, alarm
from edgernn.decide_sections import AlarmSection
from edgernn.detection import alarms
from edgernn.errors import InputError
from edgernn.network import Network

SMOOTH, FIRST = 4, 10


def scene(*spans: tuple[int, int], frames: int = 100) -> Scene:
    labels = np.zeros(frames, bool)
    for start, end in spans:
        labels[start:end] = True
    return Scene.labelled(np.zeros((frames, 1), np.float32), labels)


def at(*steps: int, frames: int = 100) -> np.ndarray:
    found = np.zeros(frames, bool)
    found[list(steps)] = True
    return found


def network(horizon: int = 3, steps: int = 12) -> Network:
    labels = tuple(f"b +{i + 1}" for i in range(horizon))
    made = random_network(outputs=horizon, inputs=2, seed=1)
    return replace(made, labels=labels, channels=("a", "b"), task="regress", steps=steps)


@pytest.mark.parametrize(
    ("steps", "found", "false", "delay"),
    [
        ((), 0, 0, None),
        ((40,), 1, 0, 0),  # the first frame of the anomaly
        ((39,), 0, 1, None),  # the one before it
        ((52,), 1, 0, 12),  # its last frame, 49, is the first of the four
        ((53,), 0, 1, None),
        ((41, 45, 70), 1, 1, 1),  # again, while it lasts
        ((41, 83), 2, 0, 2),
    ],
)
def test_an_alarm_is_of_an_anomaly_when_one_of_its_frames_is(
    steps: tuple[int, ...], found: int, false: int, delay: float | None
) -> None:
    one = alarms.score(np.zeros(100), at(*steps), scene((40, 50), (80, 81)), SMOOTH, FIRST)
    assert (one.anomalies, one.found, one.false_alarms, one.alarms) == (2, found, false, len(steps))
    assert one.delay == delay


@pytest.mark.parametrize(("step", "top"), [(39, False), (40, True), (52, True), (53, False), (5, False)])
def test_the_largest_sum_is_of_an_anomaly_or_not(step: int, top: bool) -> None:
    sums = np.where(np.arange(100) == step, 9.0, np.arange(100) / 100)
    assert alarms.score(sums, at(), scene((40, 50)), SMOOTH, FIRST).top is top


def test_a_frames_score_is_the_mean_of_the_sums_that_it_is_in() -> None:
    """One sum alone: the frames 27 to 30 have it, and all others nothing."""
    sums = np.where(np.arange(100) == 30, 8.0, 0.0)
    np.testing.assert_array_equal(np.flatnonzero(alarms._of_frames(sums, SMOOTH, FIRST)), [27, 28, 29, 30])
    assert alarms.score(sums, at(), scene((27, 31)), SMOOTH, FIRST).auc == 1
    assert alarms.score(-sums, at(), scene((27, 31)), SMOOTH, FIRST).auc == 0
    assert alarms.score(sums * 0, at(), scene((27, 31)), SMOOTH, FIRST).auc == 0.5


def test_what_comes_before_the_first_whole_sum_does_not_count() -> None:
    sums = np.concatenate([np.full(FIRST, 100.0), np.arange(90.0)])
    assert alarms.score(sums, at(), scene((0, 3), (90, 99)), SMOOTH, FIRST).auc > 0.97


def test_without_labels_alarms_are_only_counted() -> None:
    unknown = alarms.score(np.zeros(100), at(3, 60), Scene(np.zeros((100, 1)), None), SMOOTH, FIRST)
    assert unknown == alarms.Found(None, None, None, None, None, 2, None)
    assert alarms.score(np.zeros(100), at(3), scene(), SMOOTH, FIRST).auc is None
    assert alarms.score(np.zeros(100), at(3), scene((0, 100)), SMOOTH, FIRST).auc is None


def test_a_score_that_knows_nothing_has_an_area_of_a_half() -> None:
    """Noise against labels; and a score that finds all anomalies, against the same labels moved to all places."""
    rng = np.random.default_rng(0)
    spans = [(start, start + 20) for start in (100, 300, 900)]
    truth = scene(*spans, frames=1200)
    score = np.convolve(alarms._labels(truth), np.ones(10))[:1200]
    noise, moved = [], []
    for shift in range(0, 1180, 10):
        noise.append(alarms.score(rng.normal(size=1200), at(frames=1200), truth, 10, 9).auc)
        other = Scene.labelled(truth.frames, np.roll(alarms._labels(truth), shift))
        moved.append(alarms.score(score, at(frames=1200), other, 10, 9).auc)
    assert alarms.score(score, at(frames=1200), truth, 10, 9).auc == moved[0] > 0.99
    for found in (noise, moved):
        assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_normal_frames_choose_the_threshold() -> None:
    """The margin times the largest mean distance: with 1, that is reached once on these frames, with more never."""
    net = network()
    normal = Scene(np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32), None)
    for margin in (1.0, 1.5):
        section = AlarmSection(rule="alarm", smooth=6, margin=margin, refractory=1000)
        rule = alarms.chosen(section, net, normal)
        assert (rule.channel, rule.smooth, rule.refractory, rule.warm_up) == (1, 6, 1000, 12)
        y, qtype = alarms._integers(alarms.outputs(net, normal))
        found = alarm.detect(alarm.integers(normal.frames[:, 1], qtype.scale), y, rule, qtype.scale)
        assert found.sum() == (margin == 1.0)


def test_a_still_series_has_a_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forecasts that are always right leave no error to go by: the least one that there is does."""
    monkeypatch.setattr(alarms, "outputs", lambda network, scene: np.zeros((300, 3)))
    still = Scene(np.zeros((300, 2), np.float32), None)
    assert 0 < alarms.chosen(AlarmSection(rule="alarm", smooth=6), network(), still).threshold < 1e-3


def test_a_threshold_of_the_recipe_stays() -> None:
    section = AlarmSection(rule="alarm", smooth=6, threshold=0.7, refractory=5)
    assert alarms.chosen(section, network(), scene()) == AlarmRule(1, 6, 0.7, 5, 12)


def test_labelled_validation_frames_choose_nothing() -> None:
    """An anomaly that is far off would raise the threshold; without enough other frames there is none."""
    net, section = network(), AlarmSection(rule="alarm", smooth=6)
    frames = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    labels = np.zeros(300, bool)
    wanted = alarms.chosen(section, net, Scene.labelled(frames[:200], labels[:200]))
    frames[200:205, 1], labels[200:] = 1000, True
    assert alarms.chosen(section, net, Scene.labelled(frames, labels)).threshold == pytest.approx(
        wanted.threshold, rel=0.02
    )
    with pytest.raises(InputError, match="auto needs 21 validation frames in a row without an anomaly"):
        alarms.chosen(section, net, Scene.labelled(frames[:20], labels[:20]))


@pytest.mark.parametrize(
    ("frames", "threshold", "fault"),
    [
        ({"validation": 21, "test": 21}, "auto", None),
        (
            {"validation": 20, "test": 21},
            "auto",
            "gives validation 20 frames, and a sum of decide.smooth 6 takes 21",
        ),
        ({"validation": 20, "test": 21}, 0.5, None),
        ({"validation": 21, "test": 20}, 0.5, "gives test 20 frames"),
    ],
)
def test_parts_that_are_too_short_for_a_sum(
    frames: dict[str, int], threshold: float | str, fault: str | None
) -> None:
    section = AlarmSection.model_validate({"rule": "alarm", "smooth": 6, "threshold": threshold})
    parts = {name: Scene(np.zeros((count, 1), np.float32), None) for name, count in frames.items()}
    if fault is None:
        alarms.refuse_short(section, parts, window=12, horizon=3)
    else:
        with pytest.raises(InputError, match=fault):
            alarms.refuse_short(section, parts, window=12, horizon=3)
