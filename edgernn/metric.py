"""The metric of a network's outputs, and how far they are from those of the float network."""

from __future__ import annotations

import numpy as np


def measure(y: np.ndarray, wanted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Metric, drop, agreement and errors of outputs [windows, outputs] or [windows, steps, outputs].

    `wanted` are the float network's outputs after every step; windows are decided by their last step.
    """
    last = y if y.ndim == 2 else y[:, -1]
    float_last = wanted[:, -1]
    error = np.abs(y - (float_last if y.ndim == 2 else wanted))
    metric = accuracy(last, labels)
    return {
        "metric": metric,
        "metric_drop": accuracy(float_last, labels) - metric,
        "agreement": float(np.mean(last.argmax(axis=1) == float_last.argmax(axis=1))),
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
    }


def accuracy(outputs: np.ndarray, y: np.ndarray) -> float:
    """The share of windows whose largest output is the labelled class; outputs [windows, classes]."""
    return float(np.mean(outputs.argmax(axis=1) == y))


def confusion_matrix(outputs: np.ndarray, y: np.ndarray) -> list[list[int]]:
    """Windows by [true class][decided class]."""
    classes = outputs.shape[1]
    counts = np.bincount(y * classes + outputs.argmax(axis=1), minlength=classes * classes)
    return [[int(n) for n in row] for row in counts.reshape(classes, classes)]
