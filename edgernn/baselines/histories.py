"""Baselines on sequences of events: boosted trees on the history so far, and on the last event alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from edgernn.baselines.problem import Problem

RATES = (0.03, 0.1)  # learning rates and leaves that are tried on the validation split
LEAVES = (7, 31)


def history(problem: Problem) -> np.ndarray:
    """Boosted trees on what `summary` says of each sequence."""
    return _boosted(problem, summary(problem.x, problem.lengths), summary(problem.test, problem.splits.test.real))


def last_event(problem: Problem) -> np.ndarray:
    """Boosted trees on the event that is asked about, as if there was none before it."""
    return _boosted(problem, last(problem.x, problem.lengths), last(problem.test, problem.splits.test.real))


def summary(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """What a practitioner would give trees of x [sequences, steps, channels], float64 [sequences, features].

    By channel, of the `lengths` [sequences] frames of each alone: the last frame and the one before it, mean,
    deviation, minimum, maximum, what changed since the first frame, the slope of a line through all, and the mean
    weighted by 0.8 to the power of how many frames ago; and how many frames there are.
    """
    ends = lengths[:, None, None]
    step = np.arange(x.shape[1])[None, :, None]
    inside = step < ends
    x = x.astype(np.float64)
    total = np.where(inside, x, 0).sum(axis=1)
    mean = total / lengths[:, None]
    centred = np.where(inside, x - mean[:, None], 0)
    place = np.where(inside, step - (ends - 1) / 2, 0)
    spread = (place**2).sum(axis=1)  # 0 of a single frame
    recent = np.where(inside, 0.8 ** (ends - 1.0 - step), 0)
    final, before = last(x, lengths), last(x, np.maximum(lengths - 1, 1))
    columns = [
        *(final, before, mean, np.sqrt((centred**2).sum(axis=1) / lengths[:, None])),
        np.where(inside, x, np.inf).min(axis=1),
        np.where(inside, x, -np.inf).max(axis=1),
        final - x[:, 0],
        (centred * place).sum(axis=1) / np.where(spread > 0, spread, 1),
        (x * recent).sum(axis=1) / recent.sum(axis=1),
        lengths[:, None],
    ]
    return np.concatenate(columns, axis=1)


def last(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The last frame of each sequence, [sequences, channels]."""
    return x[np.arange(len(x)), lengths - 1]


def _boosted(problem: Problem, x: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The model that is best on validation, trained again on train and validation; its outputs for `test`."""
    classify = problem.splits.task == "classify"
    y = problem.y if classify else problem.y[:, 0]
    count = len(problem.splits.train)
    found = [_model(problem, *pair).fit(x[:count], y[:count]) for pair in product(RATES, LEAVES)]
    losses = [_loss(model, x[count:], y[count:], classify) for model in found]
    best = tuple(product(RATES, LEAVES))[int(np.argmin(losses))]
    model = _model(problem, *best).fit(x, y)
    return model.predict_proba(test) if classify else model.predict(test)[:, None]


def _model(problem: Problem, rate: float, leaves: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kinds = {"classify": HistGradientBoostingClassifier, "regress": HistGradientBoostingRegressor}
    return kinds[problem.splits.task](learning_rate=rate, max_leaf_nodes=leaves, random_state=problem.seed)


def _loss(model: Any, x: np.ndarray, y: np.ndarray, classify: bool) -> float:
    """Mean squared error, or the mean negative logarithm of what the true class was given."""
    if not classify:
        return float(np.mean((model.predict(x) - y) ** 2))
    given = model.predict_proba(x)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return float(-np.log(np.maximum(given, 1e-12)).mean())
