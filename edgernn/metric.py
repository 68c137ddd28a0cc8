"""Metrics of a network's outputs, and how far these are from those of the float network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgernn.network import Task

FRACTION = "fraction"  # the unit of a share of 1


@dataclass(frozen=True)
class Metric:
    """What one number says of outputs [examples, outputs] against the truth `y`.

    `y` are classes [examples], or for a regression the true quantities [examples, outputs]. Of what comes next,
    an example is a step that is asked about.
    """

    name: str
    task: Task
    unit: str
    higher_is_better: bool
    of: Callable[[np.ndarray, np.ndarray], float]

    def loss(self, better: float, worse: float) -> float:
        """How much `worse` is behind `better`, in the metric's unit; negative when it is ahead."""
        return better - worse if self.higher_is_better else worse - better


@dataclass(frozen=True)
class Judge:
    """How outputs are judged: by which metric, and when two of them are the same decision.

    That is the same class, or the same that is likeliest next; of a regression, `tolerance` standard deviations of
    the float outputs at most apart.
    """

    metric: Metric
    tolerance: float = 0.1

    def measure(
        self,
        y: np.ndarray,
        wanted: np.ndarray,
        truth: np.ndarray,
        ends: np.ndarray | None = None,
        taken: np.ndarray | None = None,
    ) -> dict[str, float]:
        """Metric, drop, agreement and errors of outputs [examples, outputs] or [examples, steps, outputs].

        `wanted` are the float network's outputs after every step; an example is decided by its last step. That is
        step `ends` [examples] where examples are not equally long, and what comes after it does not count. Where
        `truth` has an answer for every step, so are all steps, without what is `taken` (see `decisive`).
        """
        (last, answers), (float_last, _) = (decisive(one, truth, ends, taken) for one in (y, wanted))
        error = np.abs(y - (float_last if y.ndim == 2 else wanted))
        if y.ndim == 3 and ends is not None:
            error = error[np.arange(error.shape[1]) < ends[:, None]]
        value = self.metric.of(last, answers)
        return {
            "metric": value,
            "metric_drop": self.metric.loss(self.metric.of(float_last, answers), value),
            "agreement": self.agreement(last, float_last),
            "max_abs_error": float(error.max()),
            "mean_abs_error": float(error.mean()),
        }

    def agreement(self, outputs: np.ndarray, wanted: np.ndarray) -> float:
        """The share of examples with the same decision; both are [examples, outputs]."""
        if self.metric.task != "regress":
            return float(np.mean(outputs.argmax(axis=1) == wanted.argmax(axis=1)))
        apart = np.abs(outputs - wanted) / (wanted.std(axis=0) + np.finfo(np.float64).tiny)
        return float(np.mean((apart <= self.tolerance).all(axis=1)))


def decisive(
    y: np.ndarray, truth: np.ndarray, ends: np.ndarray | None = None, taken: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The outputs that a metric reads, [decisions, outputs], and the truth of each.

    Those of the last step of each example (`final`); where `truth` int64 [examples, steps] says what comes next
    after every step, those of all steps that it is not -1 at. There `taken` int [examples, steps], where it is
    given, are classes that come once: those up to a step are none of its candidates, and get minus infinity.
    """
    if truth.ndim == 2 and truth.dtype.kind == "i":
        asked = truth >= 0
        return y[asked] if taken is None else _without(y[asked], taken, *np.nonzero(asked)), truth[asked]
    return final(y, ends), truth


def _without(y: np.ndarray, taken: np.ndarray, example: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Outputs y [asked, classes] of steps, without the classes that were taken up to each."""
    for earlier in range(taken.shape[1]):
        rows = np.flatnonzero(step >= earlier)
        y[rows, taken[example[rows], earlier]] = -np.inf
    return y


def final(y: np.ndarray, ends: np.ndarray | None = None) -> np.ndarray:
    """The outputs that decide, [examples, outputs]: those of step `ends` [examples], or of the last one."""
    if y.ndim == 2:
        return y
    return y[:, -1] if ends is None else y[np.arange(len(y)), ends - 1]


def accuracy(outputs: np.ndarray, y: np.ndarray) -> float:
    """The share of examples whose largest output is the labelled class; outputs [examples, classes]."""
    return float(np.mean(outputs.argmax(axis=1) == y))


def auc(outputs: np.ndarray, y: np.ndarray) -> float:
    """The area under the ROC curve of the second of two classes."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, outputs[:, 1] - outputs[:, 0]))


def average_precision(outputs: np.ndarray, y: np.ndarray) -> float:
    """The area under the precision-recall curve of the second of two classes, as steps."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, outputs[:, 1] - outputs[:, 0]))


def mean_squared_error(outputs: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((outputs - y) ** 2, dtype=np.float64))


def root_mean_squared_error(outputs: np.ndarray, y: np.ndarray) -> float:
    return float(np.sqrt(mean_squared_error(outputs, y)))


def mean_absolute_error(outputs: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(np.abs(outputs - y), dtype=np.float64))


def bits_per_token(outputs: np.ndarray, y: np.ndarray) -> float:
    """The mean of -log2 of the probability of what came next; `outputs` are logits."""
    peak = outputs.max(axis=1, keepdims=True)
    total = np.log(np.exp(outputs - peak).sum(axis=1, dtype=np.float64))
    own = np.take_along_axis(outputs - peak, y[:, None], axis=1)[:, 0]
    return float(np.mean((total - own) / np.log(2), dtype=np.float64))


def recall(count: int, outputs: np.ndarray, y: np.ndarray) -> float:
    """The share of examples whose answer is among the `count` largest outputs, of equal ones the first."""
    own = np.take_along_axis(outputs, y[:, None], axis=1)
    earlier = np.arange(outputs.shape[1]) < y[:, None]
    ahead = (outputs > own) | ((outputs == own) & earlier)
    return float(np.mean(ahead.sum(axis=1) < count))


METRICS: Mapping[str, Metric] = {  # by the name that a recipe uses; the first of a task is its default
    "accuracy": Metric("accuracy", "classify", FRACTION, True, accuracy),
    "auc": Metric("AUC", "classify", FRACTION, True, auc),
    "average_precision": Metric("average precision", "classify", FRACTION, True, average_precision),
    "mae": Metric("MAE", "regress", "", False, mean_absolute_error),
    "rmse": Metric("RMSE", "regress", "", False, root_mean_squared_error),
    "mse": Metric("MSE", "regress", "", False, mean_squared_error),
    "bits_per_character": Metric("bits per character", "next", "bits", False, bits_per_token),
    "recall_at_20": Metric("recall@20", "next", FRACTION, True, partial(recall, 20)),
}


TWO_CLASSES = ("AUC", "average precision")  # metrics, by their names in a report, of the second of two classes


def metrics_of(task: Task) -> list[str]:
    """The names of a task's metrics."""
    return [name for name, metric in METRICS.items() if metric.task == task]


def confusion_matrix(outputs: np.ndarray, y: np.ndarray) -> list[list[int]]:
    """Examples by [true class][decided class]."""
    classes = outputs.shape[1]
    counts = np.bincount(y * classes + outputs.argmax(axis=1), minlength=classes * classes)
    return [[int(n) for n in row] for row in counts.reshape(classes, classes)]
