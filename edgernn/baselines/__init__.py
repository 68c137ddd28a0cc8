"""What a trained network must beat on the test split: simple methods, trained on train and validation together.

A baseline is a function from a `Problem` to outputs for the test split, as a network would give them. A new one is
such a function and a line in `BASELINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from edgernn.baselines import forecasts, text, windows
from edgernn.baselines.problem import Problem
from edgernn.datasets.sections import DataSection
from edgernn.datasets.splits import Splits
from edgernn.metric import Metric
from edgernn.network import Task

__all__ = ["BASELINES", "Baseline", "Method", "Needs", "Problem", "baselines_of", "evaluate"]


Needs = Literal["", "future", "text"]  # windows alone, those of a series with what comes after them, or texts


class Method(NamedTuple):
    """A baseline: the tasks that it is for, outputs [examples, outputs] for the test split, and what data it needs.

    `needs` is None where any will do.
    """

    tasks: tuple[Task, ...]
    predict: Callable[[Problem], np.ndarray]
    needs: Needs | None = ""


BASELINES: Mapping[str, Method] = {  # the first of a task that fits the data is its default
    "tfidf_logistic": Method(("classify",), text.tfidf_logistic, "text"),
    "random_forest": Method(("classify",), windows.random_forest),
    "majority": Method(("classify",), windows.majority, None),
    "gradient_boosting": Method(("classify", "regress"), windows.gradient_boosting, None),
    "mean": Method(("regress",), windows.mean, None),
    "persistence": Method(("regress",), forecasts.persistence, "future"),
    "seasonal_naive": Method(("regress",), forecasts.seasonal_naive, "future"),
    "ridge": Method(("regress",), forecasts.ridge, "future"),
}


class Baseline(NamedTuple):
    """The value of the metric that the method `name` reaches on the test split."""

    name: str
    value: float


def baselines_of(task: Task, offers: Needs) -> list[str]:
    """The names of what can be a baseline for a task, on data that offers this."""
    return [name for name, one in BASELINES.items() if task in one.tasks and one.needs in (None, offers)]


def evaluate(
    names: Sequence[str], splits: Splits, data: DataSection, metric: Metric, seed: int
) -> tuple[Baseline, ...]:
    """The baselines `names`, the best first."""
    problem = Problem(splits, data, seed)
    found = [Baseline(name, metric.of(BASELINES[name].predict(problem), splits.test.y)) for name in names]
    return tuple(sorted(found, key=lambda one: metric.loss(0.0, one.value)))
