"""Baselines of a forecast: what comes after windows of a series."""

from __future__ import annotations

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.sections import ForecastData

STRENGTHS = np.logspace(-3, 4, 15)  # of the ridge's penalty, on standardised features


def persistence(problem: Problem) -> np.ndarray:
    """The last value of the target, for every step ahead."""
    return np.repeat(_target(problem, problem.test)[:, -1:], len(problem.splits.labels), axis=1)


def seasonal_naive(problem: Problem) -> np.ndarray:
    """The value of the target `data.season` frames before each step ahead."""
    data = _forecast(problem)
    assert data.season is not None  # the recipe was refused otherwise
    past = _target(problem, problem.test)
    ahead = np.arange(len(problem.splits.labels)) % data.season
    return past[:, past.shape[1] - data.season + ahead]


def ridge(problem: Problem) -> np.ndarray:
    """A linear model of all past values of the target and of the last frame, its penalty by cross-validation."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, test = (np.concatenate([_target(problem, w), w[:, -1]], axis=1) for w in (problem.x, problem.test))
    model = make_pipeline(StandardScaler(), RidgeCV(STRENGTHS))
    return model.fit(x.astype(np.float64), problem.y).predict(test.astype(np.float64))


def _forecast(problem: Problem) -> ForecastData:
    assert isinstance(problem.data, ForecastData)
    return problem.data


def _target(problem: Problem, x: np.ndarray) -> np.ndarray:
    """The target's past values, [examples, frames]."""
    return x[:, :, problem.splits.channels.index(_forecast(problem).target)]
