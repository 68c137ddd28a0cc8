"""Ranges of all values of a network, from whole float streams."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgernn.expand import expand
from edgernn.network import Network
from edgernn.program import shared_name
from edgernn.reference import run_float

CANDIDATES = 71  # ranges that `mse` tries: 100 %, 99 %, ... 30 % of the whole
BINS = 2**15  # of a histogram between the smallest and the largest value


def calibrate(
    network: Network, streams: np.ndarray, method: str, percentile: float
) -> dict[str, tuple[float, float]]:
    """The range of every value over all streams and steps; values of several frames of a step share one.

    `percentile` below 100 leaves out the rest, half of it at either end: at 99.9 the lowest and the highest
    0.05 % of the values. `mse` takes the range whose 255 steps have the least mean square error, what it cuts
    off included. Both are read off a histogram, so they are exact to 1/32768 of the whole range, and the memory
    they take does not grow with the number of steps.
    """
    passes, constants = [one.mapped(expand) for one in network.passes()], network.constants()
    whole = Extremes()
    run_float(passes, constants, streams, whole.observe)
    if method == "minmax" or (method == "percentile" and percentile == 100):
        return whole.ranges
    histograms = Histograms(whole.ranges)
    run_float(passes, constants, streams, histograms.observe)
    if method == "mse":
        return {name: histograms.least_error(name) for name in whole.ranges}
    tail = (100.0 - percentile) / 2
    return {
        name: (histograms.percentile(name, tail), histograms.percentile(name, 100.0 - tail))
        for name in whole.ranges
    }


@dataclass
class Extremes:
    """The smallest and the largest of what was observed of every value."""

    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def observe(self, name: str, value: np.ndarray) -> None:
        name = shared_name(name)
        low, high = self.ranges.get(name, (np.inf, -np.inf))
        self.ranges[name] = (min(low, float(value.min())), max(high, float(value.max())))


@dataclass
class Histograms:
    """How often every value was observed in each of `BINS` equal parts of its range."""

    ranges: dict[str, tuple[float, float]]
    counts: dict[str, np.ndarray] = field(default_factory=dict)  # int64 [BINS]

    def observe(self, name: str, value: np.ndarray) -> None:
        name = shared_name(name)
        low, high = self.ranges[name]
        position = (value.ravel() - low) * (BINS / ((high - low) or 1.0))
        bins = np.minimum(position.astype(np.int64), BINS - 1)
        self.counts[name] = self.counts.get(name, 0) + np.bincount(bins, minlength=BINS)

    def percentile(self, name: str, percent: float) -> float:
        """`np.percentile` to within a bin: between the two observations that are next to that rank."""
        last = int(self.counts[name].sum()) - 1
        rank = last * percent / 100
        below = int(rank)
        left, right = self._ranked(name, below), self._ranked(name, min(below + 1, last))
        return left + (right - left) * (rank - below)

    def least_error(self, name: str) -> tuple[float, float]:
        """The symmetric or one-sided cut of the range whose 255 steps have the least mean square error."""
        low, high = self.ranges[name]
        centres = low + (high - low) * (np.arange(BINS) + 0.5) / BINS
        counts = self.counts[name]
        candidates = [(low * share, high * share) for share in np.linspace(1.0, 0.3, CANDIDATES)]
        errors = [_square_error(centres, counts, *candidate) for candidate in candidates]
        return candidates[int(np.argmin(errors))]

    def _ranked(self, name: str, rank: int) -> float:
        """The observation of that rank, from 0, as if those of its bin were evenly spread in it."""
        low, high = self.ranges[name]
        total = self.counts[name].cumsum()
        index = int(np.searchsorted(total, rank, side="right"))
        count = int(self.counts[name][index])
        inside = (rank - (int(total[index]) - count) + 0.5) / count
        return low + (high - low) * (index + inside) / BINS


def _square_error(values: np.ndarray, counts: np.ndarray, low: float, high: float) -> float:
    """The mean square error of int8 with this range: rounding within it, cutting off outside."""
    step = (max(high, 0.0) - min(low, 0.0)) / 255
    outside = np.clip(values, min(low, 0.0), max(high, 0.0)) - values
    return float((counts * (outside**2 + step**2 / 12)).sum() / counts.sum())
