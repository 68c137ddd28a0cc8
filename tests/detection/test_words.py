"""What decisions along a stream count as, by hand; and the threshold that validation chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import random_network
from pydantic import ValidationError

from edgernn.datasets.scene import Scene
from edgernn.decide import WordRule
from edgernn.decide.words import NOTHING
from edgernn.decide_sections import WordsSection
from edgernn.detection import words as detection
from edgernn.network import Network

LABELS = ("go", "stop", "unknown", "silence")


def network() -> Network:
    """25 frames a second, a frame a step: a word is late from 19 frames after its end on."""
    return replace(random_network(outputs=4, inputs=3), labels=LABELS, rate_hz=25.0)


def scene(*words: tuple[int, int, int], frames: int = 25 * 60) -> Scene:
    return Scene(np.zeros((frames, 3), np.float32), np.array(words, np.int64).reshape(-1, 3))


def decided(steps: dict[int, int], count: int = 25 * 60) -> np.ndarray:
    found = np.full(count, NOTHING, np.int64)
    found[list(steps)] = list(steps.values())
    return found


@pytest.mark.parametrize(
    ("steps", "hits", "false"),
    [
        ({}, 0, 0),
        ({100: 0}, 1, 0),  # the first frame of the word
        ({99: 0}, 0, 1),  # the one before it
        ({138: 0}, 1, 0),  # 19 frames, 0.75 s, after its last one at 119
        ({139: 0}, 0, 1),
        ({105: 1}, 0, 1),  # another word
        ({105: 0, 125: 0}, 1, 1),  # twice
        ({105: 0, 405: 1}, 2, 0),
        ({105: 1, 110: 0, 700: 0}, 1, 2),
    ],
)
def test_a_word_is_found_once_and_in_time(steps: dict[int, int], hits: int, false: int) -> None:
    found = detection.score(decided(steps), scene((0, 100, 120), (1, 400, 420)), network())
    assert (found.said, found.hits, found.false_accepts) == (2, hits, false)
    assert found.hit_rate == hits / 2
    assert found.false_accepts_per_hour == pytest.approx(60 * false)


def test_a_step_of_several_frames_is_at_its_last_one() -> None:
    strided = random_network(cells=[("conv", {"units": 4, "kernel": 4, "stride": 2}), ("gru", 4)], inputs=3)
    strided = replace(strided, labels=LABELS, rate_hz=25.0)
    words = scene((0, 101, 120))
    assert detection.score(decided({50: 0}, 750), words, strided).hits == 1  # frames 100 and 101
    assert detection.score(decided({49: 0}, 750), words, strided).hits == 0


def test_validation_chooses_the_middle_of_the_best_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word has a mean posterior of 0.9 and noise one of 0.5: everything between is equally good."""
    probability = np.full((300, 4), 0.1 / 3)
    probability[:, 3] = 0.9
    probability[100:118] = np.array([0.9, *[0.1 / 3] * 3])
    probability[200:218] = np.array([0.5 / 3, 0.5, 0.5 / 3, 0.5 / 3])
    monkeypatch.setattr(detection, "outputs", lambda network, scene: np.log(probability))
    section = WordsSection(smooth=8, refractory=20)
    rule = detection.chosen(network(), scene((0, 100, 118), frames=300), section)
    assert (rule.smooth, rule.refractory) == (8, 20)
    assert rule.threshold == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize(("limit", "threshold", "hits"), [(0, 0.85, 1), (60, 0.6, 2), (500, 0.45, 2)])
def test_validation_keeps_a_limit_of_false_accepts(
    limit: float, threshold: float, hits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two words with means of 0.95 and 0.7, and noise twice, of 0.75 and of 0.5: in a minute, one is 60 an hour."""
    probability = np.full((25 * 60, 4), 0.0001)
    probability[:, 3] = 1
    for step, word, value in ((100, 0, 0.95), (300, 1, 0.7), (500, 0, 0.75), (700, 1, 0.5)):
        probability[step : step + 8] = (1 - value) / 3
        probability[step : step + 8, word] = value
    monkeypatch.setattr(detection, "outputs", lambda network, scene: np.log(probability))
    words = scene((0, 100, 118), (1, 300, 318))
    section = WordsSection(smooth=8, refractory=20, false_accepts_per_hour=limit)
    rule = detection.chosen(network(), words, section)
    assert rule.threshold == pytest.approx(threshold, abs=0.1)
    y, bits = detection.integers(np.log(probability))
    found = detection.by_threshold(y, bits, network(), rule, words)[rule.threshold]
    assert found.hits == hits
    assert found.false_accepts_per_hour <= limit


def test_where_no_threshold_keeps_the_limit_the_fewest_false_accepts_are_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Noise alone: of 0.999 for one word, and of 0.6 for another."""
    probability = np.full((25 * 60, 4), 1e-9)
    probability[:, 3] = 1
    probability[500:508] = np.array([1, 0.001, 0.001, 0.001]) / 1.003
    probability[700:708] = np.array([0.1, 0.6, 0.2, 0.1])
    monkeypatch.setattr(detection, "outputs", lambda network, scene: np.log(probability))
    section = WordsSection(smooth=8, refractory=20, false_accepts_per_hour=0)
    assert detection.chosen(network(), scene(), section).threshold > 0.6


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            {"threshold": 0.5, "false_accepts_per_hour": 60},
            "has a threshold and false_accepts_per_hour, which chooses",
        ),
        (
            {"false_accepts_per_hour": 2},
            "one false accept is 5 an hour: more than .* 2; ask for at least 30 minutes",
        ),
        ({"false_accepts_per_hour": -1}, "greater than or equal to 0"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(keys: dict[str, float], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        WordsSection(**keys)  # type: ignore[arg-type]


def test_the_float_network_and_its_integers_decide_alike_of_equal_outputs() -> None:
    real = np.random.default_rng(0).normal(size=(500, 4)) * 4
    y, bits = detection.integers(real)
    np.testing.assert_allclose(y / 2.0**bits, real, atol=2.0 ** -(bits + 1))
    assert 2.0 ** (15 - bits) >= np.abs(real).max() > 2.0 ** (14 - bits)
    smooth = WordRule(3, 0.6, 5)
    found = detection.decisions(y, bits, network(), smooth)
    assert set(found.tolist()) == {NOTHING, 0, 1}
