"""The sines against what holds for every sine."""

from __future__ import annotations

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


def test_every_piece_is_a_sine_of_a_drawn_period_and_amplitude() -> None:
    """Of a sine, x[t + 1] + x[t - 1] = 2 cos(2 pi / period) x[t]."""
    periods, amplitudes = [], []
    for piece in values(noise=0).reshape(40, 500):
        factor = np.linalg.lstsq(piece[1:-1, None], piece[2:] + piece[:-2], rcond=None)[0][0]
        np.testing.assert_allclose(piece[2:] + piece[:-2], factor * piece[1:-1], atol=1e-5)
        periods.append(2 * np.pi / np.arccos(factor / 2))
        amplitudes.append(np.abs(piece).max())
    assert 20 <= min(periods) < 22
    assert 38 < max(periods) <= 40
    assert 0.48 <= min(amplitudes) < 0.6
    assert 1.4 < max(amplitudes) <= 1.5


def test_noise_has_its_standard_deviation() -> None:
    assert np.std(values(noise=0.25) - values(noise=0)) == pytest.approx(0.25, rel=0.02)
    assert np.std(values() - values(noise=0)) == pytest.approx(0.01, rel=0.02)


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
