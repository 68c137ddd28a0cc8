from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from edgernn.datasets import noise
from edgernn.datasets.noise import Noise

RATE = 16_000


def slope(samples: np.ndarray) -> float:
    """By how many dB the power density falls with a factor of ten in frequency."""
    hertz, power = welch(samples, RATE, nperseg=4096)
    inside = (hertz > 50) & (hertz < 6000)
    return float(np.polyfit(np.log10(hertz[inside]), 10 * np.log10(power[inside]), 1)[0])


def test_pink_noise_falls_by_10_db_a_decade() -> None:
    assert slope(noise.pink(20 * RATE, np.random.default_rng(0))) == pytest.approx(-10, abs=0.5)


def speakers() -> Noise:
    time = np.arange(RATE) / RATE
    clips = tuple((3000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16) for hertz in (400, 1000, 3000))
    return Noise((), clips, ("a", "b", "c"))


def test_noise_has_power_1_and_comes_in_every_kind() -> None:
    rng, source = np.random.default_rng(1), speakers()
    drawn = [source.draw(2 * RATE, rng) for _ in range(60)]
    for one in drawn:
        assert np.mean(one**2) == pytest.approx(1)
    slopes = np.array([slope(one) for one in drawn])
    white, pink = np.abs(slopes) < 1, np.abs(slopes + 10) < 1
    assert 10 < white.sum() < 30
    assert 10 < pink.sum() < 30
    assert (~white & ~pink).sum() > 10


def test_babble_leaves_out_the_speaker_in_front_of_it() -> None:
    rng, source = np.random.default_rng(2), speakers()
    powers = {but: np.zeros(3) for but in ("a", "")}
    for but, total in powers.items():
        for _ in range(40):
            hertz, power = welch(source.draw(2 * RATE, rng, but), RATE, nperseg=1024)
            total += [power[np.abs(hertz - centre).argmin()] for centre in (400, 1000, 3000)]
    assert powers["a"][0] < 0.05 * powers["a"][1]
    assert powers[""][0] > 0.2 * powers[""][1]


def test_recordings_take_the_place_of_made_noise() -> None:
    recorded = np.arange(1, 101, dtype=np.int16)
    source = Noise((recorded,), speakers().speech, speakers().groups)
    long, short = (source.draw(samples, np.random.default_rng(3)) for samples in (250, 20))
    np.testing.assert_allclose(long[:100] / long[0], recorded / recorded[0])
    np.testing.assert_allclose(long[100:200], long[:100])
    assert np.ptp(np.diff(short)) < 1e-9
