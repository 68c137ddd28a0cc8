"""Distances to the nearest neighbour, against all pairs taken one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import zscore

from edgernn.baselines import discord


def subsequences(values: np.ndarray, length: int) -> np.ndarray:
    return np.array([values[i : i + length] for i in range(len(values) - length + 1)], np.float64)


@pytest.mark.parametrize("shape", [False, True])
@pytest.mark.parametrize("count", [40, 700])  # fewer and more than are compared together
def test_distances_are_those_to_the_nearest_of_all(shape: bool, count: int) -> None:
    rng = np.random.default_rng(count)
    normal, series = rng.normal(size=90), 3 + 2 * rng.normal(size=count)
    kept, asked = subsequences(normal, 8), subsequences(series, 8)
    if shape:
        kept, asked = zscore(kept, axis=1), zscore(asked, axis=1)
    found = discord.distances(normal.astype(np.float32), series.astype(np.float32), 8, shape)
    np.testing.assert_allclose(found, cdist(asked, kept).min(axis=1), atol=1e-5)


def test_what_the_normal_series_has_is_no_discord_and_its_shape_neither() -> None:
    normal = np.sin(np.arange(300) / 5)
    assert discord.distances(normal, normal[50:90], 20, False) == pytest.approx(0, abs=1e-6)
    assert discord.distances(normal, 7 * normal[50:90] + 3, 20, True) == pytest.approx(0, abs=1e-6)
    assert discord.distances(normal, 7 * normal[50:90] + 3, 20, False).min() > 1


def test_a_flat_stretch_has_no_shape() -> None:
    flat = np.full(30, 5.0)
    assert discord.distances(flat, flat + 1, 10, True) == pytest.approx(0)
    found = discord.distances(np.sin(np.arange(60)), flat, 10, True)
    assert found == pytest.approx(np.sqrt(10))  # from any shape of mean 0 and deviation 1


def test_neighbours_are_thinned_where_there_are_too_many_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    normal, series = rng.normal(size=200), rng.normal(size=50)
    monkeypatch.setattr(discord, "PAIRS", 191 * 41 / 3)
    found = discord.distances(normal, series, 10, False)
    every_third = cdist(subsequences(series, 10), subsequences(normal, 10)[::3]).min(axis=1)
    np.testing.assert_allclose(found, every_third, atol=1e-6)
