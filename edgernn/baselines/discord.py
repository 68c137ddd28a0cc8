"""Discords: stretches of a series that are like nothing in another one. No training, but the normal series is kept.

The distance of a subsequence to its nearest neighbour among normal ones, of equal length, is how strange it is:
Yeh et al. 2016, "Matrix Profile I" (doi:10.1109/ICDM.2016.0179), as a join of two series; |a - b|^2 is taken as
|a|^2 - 2 ab + |b|^2. With the normal series as the neighbours it is the semi-supervised form of Keogh et al. 2005,
"HOT SAX: Finding the most unusual time series subsequence".
"""

from __future__ import annotations

import math

import numpy as np

PAIRS = 4e9  # of subsequences, at most: beyond, only every n-th normal one is a neighbour
AT_ONCE = 500  # subsequences that are compared together
FLAT = 1e-8  # standard deviation below which a subsequence has no shape


def distances(normal: np.ndarray, series: np.ndarray, length: int, shape: bool) -> np.ndarray:
    """How far each subsequence of `series` is from the nearest of `normal`, float64 [frames - length + 1].

    Both are [frames], `length` or more of them. By `shape` every subsequence is first taken to mean 0 and deviation
    1 (z-normalised), else distances are of the values.
    """
    kept, asked = (_subsequences(values, length, shape) for values in (normal, series))
    kept = kept[:: math.ceil(len(kept) * len(asked) / PAIRS)]
    norms = np.square(kept).sum(axis=1)
    found = np.empty(len(asked))
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        nearest = (norms - 2 * some @ kept.T).min(axis=1) + np.square(some).sum(axis=1)
        found[start : start + AT_ONCE] = np.sqrt(np.maximum(nearest, 0))
    return found


def _subsequences(values: np.ndarray, length: int, shape: bool) -> np.ndarray:
    """All of them, float64 [frames - length + 1, length]; a flat one has the shape 0."""
    found = np.lib.stride_tricks.sliding_window_view(values.astype(np.float64), length)
    if not shape:
        return found
    deviation = found.std(axis=1, keepdims=True)
    centred = found - found.mean(axis=1, keepdims=True)
    return np.where(deviation < FLAT, 0, centred / np.maximum(deviation, FLAT))
