from __future__ import annotations

import numpy as np
import pytest

from edgernn import metric
from edgernn.metric import METRICS, Judge

ACCURACY = Judge(METRICS["accuracy"])


def test_measures_are_those_of_their_names() -> None:
    wanted = np.array([[[0.0, 1.0], [2.0, 1.0]], [[0.0, 3.0], [0.0, 1.0]]])  # decides 0, then 1
    got = np.array([[1.0, 1.5], [0.0, 0.5]])  # decides 1, then 1
    found = ACCURACY.measure(got, wanted, np.array([0, 1]))
    assert found == {
        "metric": 0.5,
        "metric_drop": 0.5,
        "agreement": 0.5,
        "max_abs_error": 1.0,
        "mean_abs_error": pytest.approx((1.0 + 0.5 + 0.0 + 0.5) / 4),
    }


def test_a_step_model_is_held_to_every_step() -> None:
    wanted = np.zeros((1, 3, 2))
    got = wanted.copy()
    got[0, 0, 0] = 7.0  # an early error that the last step no longer shows
    assert ACCURACY.measure(got, wanted, np.array([0]))["max_abs_error"] == 7.0
    assert ACCURACY.measure(got[:, -1], wanted, np.array([0]))["max_abs_error"] == 0.0


def test_confusion_counts_true_by_decided() -> None:
    outputs = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert metric.confusion_matrix(outputs, np.array([0, 1, 1])) == [[1, 0], [1, 1]]
