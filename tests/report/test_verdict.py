from __future__ import annotations

from typing import Any

import pytest

from edgernn.report import verdict

from .sample import forecast_report, sample_report


def test_a_passed_build_in_one_sentence() -> None:
    assert verdict.sentence(sample_report()) == (
        "PASS: 8 of 8 gates; int8 loses 0.3 points against float (0.873), agrees on 99.1 %, 12.9 kB against 38.4 kB"
    )


def test_a_failed_build_names_each_failed_gate_with_value_limit_and_place() -> None:
    assert verdict.sentence(sample_report(False)) == (
        "FAIL: 3 of 8 gates failed: "
        "loss against float is 1.4 points, must be at most 1.0 points (step.int8.onnx on onnxruntime); "
        "agreement with float is 97.96 %, must be at least 98.0 % (step.int8.onnx on onnxruntime); "
        "number of failed runs is 1, must be at most 0 (model.dynamic.tflite on litert-ref)"
    )


def test_a_failed_run_is_told_even_when_no_gate_counts_it() -> None:
    report = sample_report()
    report["gates"] = [gate for gate in report["gates"] if gate["name"] != "engines_failed"]
    report["results"][-1]["status"] = "failed"
    assert verdict.sentence(report).endswith("38.4 kB; 1 run failed")


def test_headline_is_the_worst_engine_of_the_integer_artifacts() -> None:
    report = sample_report()
    rows = [r for r in report["results"] if r["status"] == "ok" and "int8" in r["artifact"]]
    top = verdict.headline(report)
    assert top.drop == max(row["metric_drop"] for row in rows)
    assert top.agreement == min(row["agreement"] for row in rows)
    assert (top.size, top.float_size) == (12_904, 38_412)


def test_no_loss_is_said_so() -> None:
    report = sample_report()
    for row in report["results"]:
        if row["status"] == "ok":
            row["metric_drop"] = 0.0
    assert "int8 loses nothing against float (0.873)" in verdict.sentence(report)


def test_without_gates_the_verdict_says_so() -> None:
    assert verdict.sentence(sample_report() | {"gates": []}).startswith("PASS: no gates set; ")


def test_float_only_build() -> None:
    report = _only(sample_report(), "float32")
    assert verdict.headline(report).precision is None
    assert verdict.sentence(report) == "PASS: 8 of 8 gates; float (0.873) alone"


def test_without_int8_the_verdict_speaks_of_int16x8() -> None:
    report = sample_report()
    report["artifacts"] = [a for a in report["artifacts"] if a["precision"] != "int8"]
    report["results"] = [r for r in report["results"] if "int8" not in r["artifact"].replace("int16x8", "")]
    assert verdict.headline(report).precision == "int16x8"
    assert "int16x8 loses nothing against float (0.873), agrees on 99.9 %, 13.9 kB" in verdict.sentence(report)


def test_integer_artifacts_that_never_ran_are_not_praised() -> None:
    report = sample_report()
    report["results"] = [row for row in report["results"] if "int8" not in row["artifact"]]
    assert "no int8 run to judge" in verdict.sentence(report)


def test_other_units_than_fractions_keep_their_own() -> None:
    report = sample_report()
    report["metric"] |= {
        "name": "mean absolute error",
        "unit": "kWh",
        "higher_is_better": False,
        "float": 12.34,
    }
    assert "int8 loses 0.0030 kWh against float (12.3 kWh)" in verdict.sentence(report)


def test_a_regression_in_one_sentence() -> None:
    assert verdict.sentence(forecast_report()) == (
        "PASS: 8 of 8 gates; int8 loses 0.0030 against float (12.3), agrees on 99.1 %, 12.9 kB against 38.4 kB"
    )


def test_gates_of_a_regression_in_words() -> None:
    words = {one.label: (one.value, one.limit) for one in verdict.gates(forecast_report())}
    assert words["Float RMSE"] == ("12.3", "below 20.5")
    assert words["Loss against float, of its own value"] == ("0.02 %", "at most 1.0 %")


def test_a_regression_that_is_behind_its_baseline_says_by_which_numbers() -> None:
    report = forecast_report() | {"passed": False}
    report["gates"][0] |= {"value": 20.6, "passed": False, "where": "seasonal_naive"}
    assert verdict.sentence(report) == (
        "FAIL: 1 of 8 gates failed: float RMSE is 20.6, must be below 20.5 (seasonal_naive)"
    )


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ({"name": "latency_us_max", "limit": 200, "value": 351.2}, ("Latency us", "351", "at most 200")),
        ({"name": "f1_min", "limit": 0.5, "value": 0.25}, ("F1", "0.250", "at least 0.500")),
        ({"name": "bit_exact", "limit": True, "value": False}, ("Bit exact", "no", "yes")),
        ({"name": "agreement_min", "limit": 0.98, "value": None},
         ("Agreement with float", "not measured", "at least 98.0 %")),
        ({"name": "metric_above_baseline", "limit": 0.8731, "value": 0.873},
         ("Float accuracy", "0.8730", "above 0.873")),
        ({"name": "float32_error_max", "limit": 1e-4, "value": 3.4e-7},
         ("Float32 error, of the outputs' spread", "0.00003 %", "at most 0.01 %")),
        ({"name": "keras_error_max", "limit": 1e-4, "value": 1.04e-4},
         ("Difference from Keras, of the outputs' spread", "0.0104 %", "at most 0.01 %")),
        ({"name": "c_equals_reference", "limit": 1.0, "value": 0.99999},
         ("C equals the reference", "99.999 %", "100.0 %")),
        ({"name": "max_state_error_at_10000", "limit": 0.02, "value": 0.0201},
         ("State error at step 10,000", "0.0201", "at most 0.020")),
        ({"name": "max_output_error_at_7", "limit": 1.0, "value": None},
         ("Output error at step 7", "not measured", "at most 1.0")),
    ],
)  # fmt: skip
def test_gates_in_words(gate: dict[str, Any], told: tuple[str, str, str]) -> None:
    report = sample_report() | {"gates": [gate | {"passed": False, "where": None}], "passed": False}
    (words,) = verdict.gates(report)
    assert (words.label, words.value, words.limit) == told


def _only(report: dict[str, Any], precision: str) -> dict[str, Any]:
    report["artifacts"] = [a for a in report["artifacts"] if a["precision"] == precision]
    names = {artifact["name"] for artifact in report["artifacts"]} | {"network"}
    report["results"] = [r for r in report["results"] if r["artifact"] in names and r["status"] == "ok"]
    return report
