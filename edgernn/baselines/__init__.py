"""What a trained network must beat on the test split: simple methods, trained on train and validation together.

A baseline is a function from a `Problem` to outputs for the test split, as a network would give them. A new one is
such a function and a line in `BASELINES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from edgernn.baselines import forecasts, histories, items, ngrams, text, windows
from edgernn.baselines.problem import Problem
from edgernn.datasets.event_sections import EventOptions
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.parallel_text_sections import ParallelTextData
from edgernn.datasets.running_text_sections import RunningTextData
from edgernn.datasets.sections import DataSection, ForecastData, TextData
from edgernn.datasets.splits import Splits
from edgernn.metric import Metric, decisive
from edgernn.network import Task

__all__ = ["BASELINES", "Baseline", "Method", "Problem", "baselines_of", "evaluate", "kind_of"]


# windows of equal length, those of a series with what comes after them, histories of events, texts with a label,
# text that runs on, texts with what they become, or baskets
Kind = Literal["windows", "forecast", "events", "texts", "running_text", "parallel_text", "items"]


class Method(NamedTuple):
    """A baseline: the tasks that it is for, outputs [examples, outputs] for the test split, and what data it needs.

    Of what comes next, they are outputs after every step, [examples, steps, outputs].

    `needs` is None where any will do.
    """

    tasks: tuple[Task, ...]
    predict: Callable[[Problem], np.ndarray]
    reads: tuple[Kind, ...] = ("windows", "forecast")  # what it can be asked about


BASELINES: Mapping[str, Method] = {  # the first of a task that fits the data is its default
    "item_to_item": Method(("next",), items.item_to_item, ("items",)),
    "most_popular": Method(("next",), items.most_popular, ("items",)),
    "tfidf_logistic": Method(("classify",), text.tfidf_logistic, ("texts",)),
    "boosted_history": Method(("classify", "regress"), histories.history, ("events",)),
    "boosted_last_event": Method(("classify", "regress"), histories.last_event, ("events",)),
    "random_forest": Method(("classify",), windows.random_forest),
    "span_forest": Method(("classify",), windows.span_forest, ("windows",)),
    "majority": Method(("classify",), windows.majority, ("windows", "events", "texts")),
    "gradient_boosting": Method(("classify", "regress"), windows.gradient_boosting),
    "mean": Method(("regress",), windows.mean, ("windows", "forecast", "events")),
    "persistence": Method(("regress",), forecasts.persistence, ("forecast",)),
    "seasonal_naive": Method(("regress",), forecasts.seasonal_naive, ("forecast",)),
    "ridge": Method(("regress",), forecasts.ridge, ("forecast",)),
    "kneser_ney": Method(("next",), ngrams.kneser_ney, ("running_text", "parallel_text")),
}


class Baseline(NamedTuple):
    """The value of the metric that the method `name` reaches on the test split."""

    name: str
    value: float


def kind_of(data: DataSection) -> Kind:
    """What the data's sequences are."""
    if isinstance(data, EventOptions):
        return "events"
    if isinstance(data, ItemOptions):
        return "items"
    if isinstance(data, TextData):
        return "texts"
    if isinstance(data, RunningTextData):
        return "running_text"
    if isinstance(data, ParallelTextData):
        return "parallel_text"
    return "forecast" if isinstance(data, ForecastData) else "windows"


def baselines_of(data: DataSection) -> list[str]:
    """The names of what can be a baseline for data, its default first."""
    kind = kind_of(data)
    return [name for name, one in BASELINES.items() if data.task in one.tasks and kind in one.reads]


def evaluate(
    names: Sequence[str], splits: Splits, data: DataSection, metric: Metric, seed: int
) -> tuple[Baseline, ...]:
    """The baselines `names`, the best first."""
    import sklearn.ensemble  # noqa: F401 (a limit holds for libraries that are loaded)
    from threadpoolctl import threadpool_limits

    problem, test = Problem(splits, data, seed), splits.test
    with threadpool_limits(1, user_api="openmp"):  # boosted trees on two busy cores wait a hundred times longer
        found = [
            Baseline(name, metric.of(*decisive(BASELINES[name].predict(problem), test.y, taken=test.taken)))
            for name in names
        ]
    return tuple(sorted(found, key=lambda one: metric.loss(0.0, one.value)))
