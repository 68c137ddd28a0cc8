from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

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


def test_metrics_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    scores = rng.normal(0, 1, (200, 2)) + 0.7 * np.eye(2)[y]
    chance = np.exp(scores)[:, 1] / np.exp(scores).sum(axis=1)  # ranks windows as the difference of the logits does
    truth, forecast = rng.normal(50, 9, (200, 3)), rng.normal(52, 7, (200, 3))

    found = {name: one.of(scores, y) for name, one in METRICS.items() if one.task == "classify"}
    assert found == {
        "accuracy": sklearn.accuracy_score(y, scores.argmax(axis=1)),
        "auc": pytest.approx(sklearn.roc_auc_score(y, chance)),
        "average_precision": pytest.approx(sklearn.average_precision_score(y, chance)),
    }
    found = {name: one.of(forecast, truth) for name, one in METRICS.items() if one.task == "regress"}
    assert found == {
        "mae": pytest.approx(sklearn.mean_absolute_error(truth, forecast)),
        "rmse": pytest.approx(sklearn.mean_squared_error(truth, forecast) ** 0.5),
        "mse": pytest.approx(sklearn.mean_squared_error(truth, forecast)),
    }


def test_float32_errors_are_added_up_in_float64() -> None:
    y = np.zeros((5000, 3000), np.float32)
    assert METRICS["mae"].of(y + np.float32(0.1), y) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_the_first_metric_of_a_task_is_its_default() -> None:
    assert metric.metrics_of("classify") == ["accuracy", "auc", "average_precision"]
    assert metric.metrics_of("regress") == ["mae", "rmse", "mse"]


@pytest.mark.parametrize(("name", "better", "worse"), [("accuracy", 0.9, 0.8), ("mae", 0.8, 0.9)])
def test_a_loss_is_positive_for_the_worse_whichever_way_the_metric_points(
    name: str, better: float, worse: float
) -> None:
    assert METRICS[name].loss(better, worse) == pytest.approx(0.1)
    assert METRICS[name].loss(worse, better) == pytest.approx(-0.1)


def test_forecasts_are_judged_by_their_last_step_in_units_and_agree_within_deviations() -> None:
    """The float outputs spread by 10 and by 1; the second window is 1.1 off in the first output: 0.11 of it."""
    wanted = np.array([[[9.0, 9.0], [0.0, 0.0]], [[9.0, 9.0], [20.0, 2.0]]])
    got = np.array([[0.9, 0.05], [18.9, 2.0]])
    truth = np.array([[1.0, 0.0], [20.0, 3.0]], np.float32)
    found = Judge(METRICS["mae"]).measure(got, wanted, truth)
    assert found == {
        "metric": pytest.approx((0.1 + 0.05 + 1.1 + 1.0) / 4),
        "metric_drop": pytest.approx((0.1 + 0.05 + 1.1 + 1.0) / 4 - (1.0 + 0.0 + 0.0 + 1.0) / 4),
        "agreement": 0.5,
        "max_abs_error": pytest.approx(1.1),
        "mean_abs_error": pytest.approx((0.9 + 0.05 + 1.1 + 0.0) / 4),
    }
    assert Judge(METRICS["mae"], tolerance=0.12).measure(got, wanted, truth)["agreement"] == 1.0
    assert Judge(METRICS["mae"], tolerance=0.04).measure(got, wanted, truth)["agreement"] == 0.0


def test_a_forecast_that_never_changes_agrees_with_itself_alone() -> None:
    wanted = np.full((3, 1), 7.0)
    judge = Judge(METRICS["mae"])
    assert judge.agreement(wanted, wanted) == 1.0
    assert judge.agreement(np.array([[7.0], [7.0 + 1e-6], [7.0]]), wanted) == pytest.approx(2 / 3)


def test_what_comes_after_the_end_of_an_example_does_not_count() -> None:
    wanted = np.array([[[0.0, 1.0], [5.0, 1.0], [0.0, 9.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 3.0]]])
    got = wanted.copy()
    got[0, 2] = [99.0, 0.0]  # after its end
    got[1, 2, 1] = 2.5
    ends = np.array([2, 3])
    found = ACCURACY.measure(got, wanted, np.array([0, 1]), ends)
    assert found == {
        "metric": 1.0,
        "metric_drop": 0.0,
        "agreement": 1.0,
        "max_abs_error": 0.5,
        "mean_abs_error": pytest.approx(0.5 / (2 * 2 + 3 * 2)),
    }
    np.testing.assert_array_equal(metric.final(got, ends), [[5.0, 1.0], [0.0, 2.5]])
    np.testing.assert_array_equal(metric.final(got), [[99.0, 0.0], [0.0, 2.5]])


def test_bits_are_those_of_the_cross_entropy() -> None:
    rng = np.random.default_rng(3)
    outputs, y = 5 * rng.standard_normal((100, 7)), rng.integers(0, 7, 100)
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    wanted = sklearn.log_loss(y, shares, labels=np.arange(7)) / np.log(2)
    assert METRICS["bits_per_character"].of(outputs, y) == pytest.approx(wanted)
    assert METRICS["bits_per_character"].of(np.zeros((4, 8)), np.arange(4)) == pytest.approx(3)


def test_bits_of_huge_scores_are_finite() -> None:
    assert metric.bits_per_token(np.array([[1e4, -1e4]]), np.array([1])) == pytest.approx(2e4 / np.log(2))


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_recall_is_of_the_largest_scores_and_of_equal_ones_the_first(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs, y = rng.integers(0, 4, (20, 8)).astype(float), rng.integers(0, 8, 20)
    chosen = np.argsort(-outputs, axis=1, kind="stable")[:, :count]
    assert metric.recall(count, outputs, y) == np.mean([a in row for a, row in zip(y, chosen, strict=True)])


def test_what_comes_next_is_asked_at_every_step_that_has_an_answer() -> None:
    judge = Judge(METRICS["recall_at_20"])
    wanted = np.random.default_rng(5).standard_normal((2, 3, 30))
    truth = np.array([[3, -1, 4], [-1, -1, 0]])
    got = wanted.copy()
    got[0, 1, 0] = 99.0  # where nothing is asked
    found = judge.measure(got, wanted, truth)
    assert found["agreement"] == 1
    assert found["metric_drop"] == 0
    asked = np.stack([wanted[0, 0], wanted[0, 2], wanted[1, 2]])
    assert found["metric"] == metric.recall(20, asked, np.array([3, 4, 0]))
    got[0, 0] = -wanted[0, 0]
    assert judge.measure(got, wanted, truth)["agreement"] == pytest.approx(2 / 3)


@given(st.integers(0, 2**32 - 1))
def test_what_comes_once_is_no_candidate_from_then_on(seed: int) -> None:
    """Written another way: an asked step's list is made of the classes that were not taken up to it."""
    rng = np.random.default_rng(seed)
    outputs, taken = rng.integers(-2, 3, (4, 5, 30)).astype(np.float32), rng.integers(0, 30, (4, 5))
    taken, truth = taken % 15, rng.integers(14, 30, (4, 5))  # what is taken is never the answer
    truth[truth == 14] = -1
    truth[0, 0] = 29
    before = outputs.copy()
    told = metric.decisive(outputs, truth, None, taken)
    hits = []
    for example, step in np.argwhere(truth >= 0):
        able = [n for n in range(30) if n not in taken[example, : step + 1]]
        best = sorted(able, key=lambda n: (-outputs[example, step, n], n))[:20]
        hits.append(truth[example, step] in best)
    assert metric.recall(20, *told) == np.mean(hits)
    np.testing.assert_array_equal(outputs, before)
