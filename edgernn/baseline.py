"""What a trained network must beat: a random forest on statistics of windows, or the commonest class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgernn.datasets.splits import Splits

TREES = 500
JOBS = 2


@dataclass(frozen=True)
class Baseline:
    """The accuracy of `name` on the test split, 0 to 1."""

    name: str
    value: float


def evaluate(kind: Literal["random_forest", "majority"], splits: Splits, seed: int) -> Baseline:
    """The baseline `kind`, trained on the windows of train and validation together."""
    x = np.concatenate([splits.train.x, splits.validation.x])
    y = np.concatenate([splits.train.y, splits.validation.y])
    decided = _forest(x, y, splits.test.x, seed) if kind == "random_forest" else np.bincount(y).argmax()
    return Baseline(kind, float(np.mean(decided == splits.test.y)))


def statistics(x: np.ndarray) -> np.ndarray:
    """Statistics of windows [windows, steps, channels], float64 [windows, features].

    By channel: mean, standard deviation, minimum, maximum, median, quartiles, skewness, excess kurtosis, mean
    absolute difference of neighbouring steps, share of steps where it crosses its mean. By pair of channels:
    the correlation. What a constant channel leaves undefined is 0.
    """
    x = x.astype(np.float64)
    constant = x.max(axis=1) == x.min(axis=1)  # where rounding would leave a deviation of 1e-17
    mean = np.where(constant, x[:, 0], x.mean(axis=1))
    std = np.where(constant, 0, x.std(axis=1))
    centred = x - mean[:, None]
    low, median, high = np.percentile(x, [25, 50, 75], axis=1)
    unit = centred / np.where(constant, 1, std)[:, None]
    correlation = unit.transpose(0, 2, 1) @ unit / x.shape[1]
    pairs = np.triu_indices(x.shape[2], k=1)
    columns = [
        *(mean, std, x.min(axis=1), x.max(axis=1), median, low, high),
        (unit**3).mean(axis=1),
        np.where(constant, 0, (unit**4).mean(axis=1) - 3),
        np.abs(np.diff(x, axis=1)).mean(axis=1),
        (np.diff(np.sign(centred), axis=1) != 0).mean(axis=1),
        correlation[:, pairs[0], pairs[1]],
    ]
    return np.concatenate(columns, axis=1)


def _forest(x: np.ndarray, y: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=JOBS)
    return forest.fit(statistics(x), y).predict(statistics(test))
