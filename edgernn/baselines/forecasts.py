"""Baselines of a forecast: what comes after windows of a series."""

from __future__ import annotations

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.sections import ForecastData, lag_channel

STRENGTHS = np.logspace(-3, 4, 15)  # of the ridge's penalty, on standardised features


def persistence(problem: Problem) -> np.ndarray:
    """The last value of the target, for every step ahead."""
    return np.repeat(
        _channel(problem, _forecast(problem).target, problem.test)[:, -1:], len(problem.splits.labels), axis=1
    )


def seasonal_naive(problem: Problem) -> np.ndarray:
    """The value of the target `data.season` frames before each step ahead, from the window or from a lag."""
    data = _forecast(problem)
    assert data.season is not None  # the recipe was refused otherwise
    lag = data.season - data.horizon
    if lag in data.lags:
        return _channel(problem, lag_channel(data.target, lag), problem.test)[:, -data.horizon :]
    past = _channel(problem, data.target, problem.test)
    ahead = np.arange(len(problem.splits.labels)) % data.season
    return past[:, past.shape[1] - data.season + ahead]


def ridge(problem: Problem) -> np.ndarray:
    """A linear model of all values of the target and its lags and of the last frame; cross-validated."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, test = (_features(problem, windows) for windows in (problem.x, problem.test))
    model = make_pipeline(StandardScaler(), RidgeCV(STRENGTHS))
    return model.fit(x.astype(np.float64), problem.y).predict(test.astype(np.float64))


def _forecast(problem: Problem) -> ForecastData:
    assert isinstance(problem.data, ForecastData)
    return problem.data


def _features(problem: Problem, x: np.ndarray) -> np.ndarray:
    data = _forecast(problem)
    names = [data.target, *(lag_channel(data.target, lag) for lag in data.lags)]
    return np.concatenate([*(_channel(problem, name, x) for name in names), x[:, -1]], axis=1)


def _channel(problem: Problem, name: str, x: np.ndarray) -> np.ndarray:
    """The past values of a channel, [examples, frames]."""
    return x[:, :, problem.splits.channels.index(name)]
