"""Baselines of forecasts against values worked out by hand and against scikit-learn's own models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.preprocessing import StandardScaler

from edgernn import baselines
from edgernn.baselines import BASELINES, Baseline, Problem, baselines_of
from edgernn.baselines import windows as methods
from edgernn.datasets import forecast
from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import NpzData, SeriesData
from edgernn.datasets.splits import Splits
from edgernn.metric import METRICS


def section(**changes: object) -> SeriesData:
    """The target is the second of two channels."""
    keys = {"path": "d.csv", "columns": ["other", "load"], "forecast": "load", "window": 6, "horizon": 2, **changes}
    return SeriesData.model_validate({"source": "series", **keys})


def problem(values: object, **changes: object) -> Problem:
    """`values` are the target, the other channel is noise."""
    load = np.asarray(values, np.float32)
    noise = np.random.default_rng(1).normal(0, 1, len(load))
    series = Frames(np.stack([noise, load], axis=1).astype(np.float32), ("other", "load"))
    data = section(**changes)
    return Problem(forecast.split(series, data, 0), data, 5)


def swings(frames: int = 600) -> np.ndarray:
    """A period of 7 and a slow one, which the last value alone does not tell."""
    time = np.arange(frames)
    return np.sin(2 * np.pi * time / 7) + 0.3 * np.sin(time / 40) + np.random.default_rng(2).normal(0, 0.1, frames)


def test_persistence_repeats_the_last_value_of_the_target() -> None:
    given = problem(np.arange(100), horizon=3, hop=2, split={"validation": 0.2, "test": 0.2})

    found = BASELINES["persistence"].predict(given)

    # the test begins with frame 80, a window is 6 frames long
    assert found.tolist() == [[end, end, end] for end in (85, 87, 89, 91, 93, 95)]


@pytest.mark.parametrize(
    ("season", "horizon", "expected"),
    [
        (4, 2, [10, 11]),  # the window is 8, 9, 10, 11, 12, 13; what comes next is 14, 15
        (4, 4, [10, 11, 12, 13]),
        (4, 6, [10, 11, 12, 13, 10, 11]),  # further ahead than a season: the newest one again
        (6, 2, [8, 9]),
        (1, 3, [13, 13, 13]),
    ],
)
def test_seasonal_naive_is_the_value_of_a_season_before(season: int, horizon: int, expected: list[int]) -> None:
    given = problem(np.arange(100) - 72, season=season, horizon=horizon, split={"validation": 0.2, "test": 0.2})

    assert BASELINES["seasonal_naive"].predict(given)[0].tolist() == expected


def test_seasonal_naive_is_right_about_what_repeats_itself() -> None:
    given = problem(np.tile([3.0, 1.0, 4.0, 1.0, 5.0], 60), season=5, horizon=7)

    found = BASELINES["seasonal_naive"].predict(given)

    np.testing.assert_array_equal(found, given.splits.test.y)


def test_ridge_is_that_of_scikit_learn_on_all_past_values_and_the_last_frame() -> None:
    given = problem(swings())
    x = np.concatenate([given.splits.train.x, given.splits.validation.x]).astype(np.float64)
    y = np.concatenate([given.splits.train.y, given.splits.validation.y])
    columns = [*((step, 1) for step in range(6)), (5, 0), (5, 1)]
    features, test = (
        np.stack([windows[:, step, channel] for step, channel in columns], axis=1)
        for windows in (x, given.splits.test.x.astype(np.float64))
    )
    scale = StandardScaler().fit(features)
    model = RidgeCV([10 ** (power / 2) for power in range(-6, 9)]).fit(scale.transform(features), y)

    found = BASELINES["ridge"].predict(given)

    np.testing.assert_allclose(found, model.predict(scale.transform(test)), rtol=1e-9)
    assert mean_absolute_error(given.splits.test.y, found) < 0.3


def test_gradient_boosting_is_one_model_of_scikit_learn_for_each_step_ahead() -> None:
    given = problem(swings())
    x = np.concatenate([given.splits.train.x, given.splits.validation.x])
    y = np.concatenate([given.splits.train.y, given.splits.validation.y])
    features, test = (np.hstack([methods.statistics(w), w[:, -1]]) for w in (x, given.splits.test.x))

    found = BASELINES["gradient_boosting"].predict(given)

    for ahead in range(2):
        model = HistGradientBoostingRegressor(random_state=5).fit(features, y[:, ahead])
        np.testing.assert_array_equal(found[:, ahead], model.predict(test))


def test_mean_is_that_of_train_and_validation_by_step_ahead() -> None:
    given = problem(np.arange(100), split={"validation": 0.2, "test": 0.2})

    found = BASELINES["mean"].predict(given)

    # targets one ahead: 6 to 58 in train (frames 0 to 59), 66 to 78 in validation (60 to 79)
    mean = (sum(range(6, 59)) + sum(range(66, 79))) / (53 + 13)
    assert len(found) == len(given.splits.test)
    np.testing.assert_allclose(found, np.broadcast_to([mean, mean + 1], found.shape), rtol=1e-6)


def test_none_of_them_sees_the_truth_of_the_test() -> None:
    values = swings()
    changed = values.copy()
    changed[-1] += 1000  # a target of the last window, and in no window

    for name in baselines_of(section(season=6)):
        first, second = (BASELINES[name].predict(problem(one, season=6)) for one in (values, changed))
        np.testing.assert_array_equal(first, second, err_msg=name)


@pytest.mark.parametrize("name", ["mae", "rmse", "mse"])
def test_the_best_is_the_first_where_less_is_better(name: str) -> None:
    given = problem(np.tile(np.arange(6.0), 60), season=6)

    found = evaluated(given, ["mean", "persistence", "seasonal_naive"], name)

    error = {"mae": mean_absolute_error, "mse": mean_squared_error}.get(
        name, lambda y, guess: mean_squared_error(y, guess) ** 0.5
    )
    assert found[0] == Baseline("seasonal_naive", 0.0)
    assert [one.name for one in found] == ["seasonal_naive", "mean", "persistence"]
    assert [one.value for one in found[1:]] == [
        pytest.approx(error(given.splits.test.y, BASELINES[one.name].predict(given))) for one in found[1:]
    ]


def evaluated(given: Problem, names: list[str], metric: str) -> tuple[Baseline, ...]:
    splits: Splits = given.splits
    return baselines.evaluate(names, splits, given.data, METRICS[metric], given.seed)


def test_what_can_be_a_baseline_depends_on_the_task_and_the_first_is_the_default() -> None:
    windows = NpzData(source="npz", path="x.npz")
    assert baselines_of(windows) == ["random_forest", "span_forest", "majority", "gradient_boosting"]
    assert baselines_of(section()) == [
        "gradient_boosting",
        "mean",
        "persistence",
        "seasonal_naive",
        "ridge",
    ]


def test_the_season_is_found_in_a_lag_as_in_a_longer_window() -> None:
    values = swings()
    whole = problem(values, window=21, season=21)
    lagged = problem(values, window=6, season=21, lags=[19])

    found = BASELINES["seasonal_naive"].predict(lagged)

    expected = BASELINES["seasonal_naive"].predict(whole)
    same = {tuple(y): guess for y, guess in zip(whole.splits.test.y, expected, strict=True)}
    pairs = [
        (same[tuple(y)], guess) for y, guess in zip(lagged.splits.test.y, found, strict=True) if tuple(y) in same
    ]
    assert len(pairs) > 50
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
