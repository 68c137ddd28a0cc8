"""The sines against what holds for every sine."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edgernn import datasets
from edgernn.datasets import sine
from edgernn.datasets.sections import SineData


def section(**keys: object) -> SineData:
    return SineData.model_validate({"source": "sine", "window": 60, **keys})


def values(**keys: object) -> np.ndarray:
    return sine.load(section(**keys), Path()).values[:, 0].astype(np.float64)


def test_period_and_amplitude_change_slowly_within_their_limits() -> None:
    x = values(noise=0)
    rising = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    periods = np.diff(rising + x[rising] / (x[rising] - x[rising + 1]))
    amplitudes = np.array([x[start:end].max() for start, end in pairwise(rising)])
    assert 19.9 <= min(periods) < 22
    assert 38 < max(periods) <= 40.1
    assert np.abs(np.diff(periods)).max() < 20 / 500 * 40 * 1.1  # from one limit to the other in 500 frames
    assert 0.48 <= min(amplitudes) < 0.65
    assert 1.35 < max(amplitudes) <= 1.5
    assert np.abs(np.diff(amplitudes)).max() < 1 / 500 * 40 * 1.1 + 0.02  # frames miss a peak by 1 % at most


def test_noise_has_its_standard_deviation() -> None:
    assert np.std(values(noise=0.25) - values(noise=0)) == pytest.approx(0.25, rel=0.02)
    assert np.std(values() - values(noise=0)) == pytest.approx(0.005, rel=0.02)


@pytest.mark.parametrize("frames", [1000, 1001, 1499, 1500])
def test_there_are_as_many_frames_as_asked_for(frames: int) -> None:
    found = sine.load(section(frames=frames), Path())
    assert (found.values.shape, found.values.dtype) == ((frames, 1), np.float32)
    assert (found.channels, found.rate_hz) == (("sine",), 0)


def test_the_seed_of_a_recipe_draws_calibration_windows_and_no_data() -> None:
    first, second = (datasets.load(section(), Path(), seed) for seed in (0, 1))
    np.testing.assert_array_equal(first.train.x, second.train.x)
    np.testing.assert_array_equal(first.test.y, second.test.y)
    assert not np.array_equal(first.calibration.x, second.calibration.x)
