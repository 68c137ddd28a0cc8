"""Baselines on statistics of windows."""

from __future__ import annotations

import numpy as np

from edgernn.baselines.problem import Problem

TREES = 500
JOBS = 2
SPANS, SPAN_TREES = 20, 100


def random_forest(problem: Problem) -> np.ndarray:
    """Shares of the votes by class."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, random_state=problem.seed, n_jobs=JOBS)
    return forest.fit(statistics(problem.x), problem.y).predict_proba(statistics(problem.test))


def span_forest(problem: Problem) -> np.ndarray:
    """A forest on the means of consecutive spans of the window, which keep what came after what: for spectra."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(SPAN_TREES, random_state=problem.seed, n_jobs=JOBS)
    return forest.fit(spans(problem.x), problem.y).predict_proba(spans(problem.test))


def gradient_boosting(problem: Problem) -> np.ndarray:
    """Boosted trees on the statistics and on the last frame, one model for each quantity."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    x, test = (np.concatenate([statistics(w), w[:, -1]], axis=1) for w in (problem.x, problem.test))
    if problem.splits.task == "classify":
        return HistGradientBoostingClassifier(random_state=problem.seed).fit(x, problem.y).predict_proba(test)
    models = (HistGradientBoostingRegressor(random_state=problem.seed).fit(x, y) for y in problem.y.T)
    return np.stack([model.predict(test) for model in models], axis=1)


def majority(problem: Problem) -> np.ndarray:
    """The commonest class, always."""
    counts = np.bincount(problem.y, minlength=len(problem.splits.labels))
    return np.tile(counts.astype(np.float64), (len(problem.test), 1))


def mean(problem: Problem) -> np.ndarray:
    """The mean of every quantity, always."""
    return np.tile(problem.y.mean(axis=0), (len(problem.test), 1))


def spans(x: np.ndarray) -> np.ndarray:
    """The means of `SPANS` spans of windows [windows, steps, channels], or of fewer steps: [windows, features]."""
    parts = np.array_split(x, min(SPANS, x.shape[1]), axis=1)
    return np.concatenate([part.mean(axis=1) for part in parts], axis=1)


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
