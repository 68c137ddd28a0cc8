"""The baseline's features against scipy's formulas, and the forest against scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from edgernn import baselines
from edgernn.baselines import Baseline
from edgernn.baselines import windows as methods
from edgernn.datasets.sections import NpzData
from edgernn.datasets.splits import Split, Splits
from edgernn.metric import METRICS

CHANNELS = 3
SECTION = NpzData(source="npz", path="x.npz")


def windows(seed: int, count: int) -> Split:
    """Two classes that differ in how fast they swing, not in their mean."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    time = np.arange(40)[None, :, None]
    phase = rng.uniform(0, 6, (count, 1, CHANNELS))
    x = np.sin(time * (0.3 + 0.5 * y[:, None, None]) + phase) + 0.1 * rng.standard_normal((count, 40, CHANNELS))
    return Split(x.astype(np.float32), y, np.full(count, "a"))


def splits() -> Splits:
    train = windows(0, 60)
    return Splits(train, windows(1, 20), train, windows(2, 31), ("slow", "fast"), ("x", "y", "z"))


def test_statistics_are_those_of_scipy_and_numpy() -> None:
    x = np.random.default_rng(3).gamma(2, size=(7, 50, CHANNELS))

    features = methods.statistics(x)

    names = [
        "mean",
        "std",
        "min",
        "max",
        "median",
        "low",
        "high",
        "skew",
        "kurtosis",
        "difference",
        "crossing",
    ]
    found = {name: features[:, i * CHANNELS : (i + 1) * CHANNELS] for i, name in enumerate(names)}
    above = x > x.mean(axis=1, keepdims=True)
    expected = {
        "mean": np.mean(x, axis=1),
        "std": np.std(x, axis=1),
        "min": np.min(x, axis=1),
        "max": np.max(x, axis=1),
        "median": np.median(x, axis=1),
        "low": np.quantile(x, 0.25, axis=1),
        "high": np.quantile(x, 0.75, axis=1),
        "skew": stats.skew(x, axis=1),
        "kurtosis": stats.kurtosis(x, axis=1),
        "difference": np.mean(np.abs(x[:, 1:] - x[:, :-1]), axis=1),
        "crossing": np.mean(above[:, 1:] != above[:, :-1], axis=1),
    }
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12, err_msg=name)
    for window, row in zip(x, features, strict=True):
        matrix = np.corrcoef(window.T)
        np.testing.assert_allclose(row[-3:], [matrix[0, 1], matrix[0, 2], matrix[1, 2]], rtol=1e-9)


def test_statistics_of_a_constant_channel_are_finite() -> None:
    x = np.random.default_rng(4).standard_normal((2, 30, CHANNELS))
    x[0, :, 1] = 0.1

    features = methods.statistics(x)

    assert np.isfinite(features).all()
    assert features[0, 3 + 1] == 0  # its deviation


def test_random_forest_is_that_of_scikit_learn_on_train_and_validation() -> None:
    from sklearn.ensemble import RandomForestClassifier

    data = splits()
    x = np.concatenate([data.train.x, data.validation.x])
    y = np.concatenate([data.train.y, data.validation.y])
    forest = RandomForestClassifier(500, random_state=5).fit(methods.statistics(x), y)

    (found,) = baselines.evaluate(["random_forest"], data, SECTION, METRICS["accuracy"], 5)

    assert found == Baseline("random_forest", forest.score(methods.statistics(data.test.x), data.test.y))
    assert found.value > 0.9


def test_majority_is_the_share_of_the_commonest_training_class() -> None:
    data = splits()

    found = baselines.evaluate(["majority"], data, SECTION, METRICS["accuracy"], 0)

    assert found == (Baseline("majority", pytest.approx(16 / 31)),)


def test_gradient_boosting_is_that_of_scikit_learn_on_statistics_and_the_last_frame() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    data = splits()
    x, y = (np.concatenate([getattr(one, key) for one in (data.train, data.validation)]) for key in "xy")
    features, test = (np.hstack([methods.statistics(w), w[:, -1]]) for w in (x, data.test.x))
    model = HistGradientBoostingClassifier(random_state=5).fit(features, y)

    found = baselines.evaluate(["gradient_boosting"], data, SECTION, METRICS["accuracy"], 5)

    assert found == (Baseline("gradient_boosting", model.score(test, data.test.y)),)


@pytest.mark.parametrize("names", [["majority", "random_forest"], ["random_forest", "majority"]])
def test_the_best_is_the_first_where_more_is_better(names: list[str]) -> None:
    found = baselines.evaluate(names, splits(), SECTION, METRICS["accuracy"], 0)

    assert [one.name for one in found] == ["random_forest", "majority"]
    assert found[0].value > found[1].value


def test_spans_are_means_in_order() -> None:
    x = np.arange(2 * 40 * 3, dtype=np.float32).reshape(2, 40, 3)
    np.testing.assert_allclose(methods.spans(x), x.reshape(2, 20, 2, 3).mean(axis=2).reshape(2, -1))
    assert methods.spans(x[:, :7]).shape == (2, 21)


def test_a_forest_of_spans_knows_what_came_first() -> None:
    """Windows that differ in the order of what they hold alone, which statistics of a window cannot tell."""

    def split(seed: int, count: int) -> Split:
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, count)
        rising = np.linspace(-1, 1, 40)[:, None]
        x = np.where(y[:, None, None] == 1, rising, -rising) + rng.normal(0, 0.5, (count, 40, CHANNELS))
        return Split(x.astype(np.float32), y, np.full(count, "a"))

    train = split(0, 200)
    data = Splits(train, split(1, 50), train, split(2, 100), ("falling", "rising"), ("x", "y", "z"))
    (found,) = baselines.evaluate(["span_forest"], data, SECTION, METRICS["accuracy"], 0)
    assert found.value > 0.95
