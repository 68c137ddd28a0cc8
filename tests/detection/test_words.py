"""What decisions along a stream count as, by hand; and the threshold that validation chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import random_network

from edgernn.datasets.scene import Scene
from edgernn.decide import WordRule
from edgernn.decide.words import NOTHING
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
    rule = detection.chosen(network(), scene((0, 100, 118), frames=300), smooth=8, refractory=20)
    assert (rule.smooth, rule.refractory) == (8, 20)
    assert rule.threshold == pytest.approx(0.7, abs=0.03)


def test_the_float_network_and_its_integers_decide_alike_of_equal_outputs() -> None:
    real = np.random.default_rng(0).normal(size=(500, 4)) * 4
    y, bits = detection.integers(real)
    np.testing.assert_allclose(y / 2.0**bits, real, atol=2.0 ** -(bits + 1))
    assert 2.0 ** (15 - bits) >= np.abs(real).max() > 2.0 ** (14 - bits)
    smooth = WordRule(3, 0.6, 5)
    found = detection.decisions(y, bits, network(), smooth)
    assert set(found.tolist()) == {NOTHING, 0, 1}
