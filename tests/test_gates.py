from __future__ import annotations

from typing import Any

import pytest

from edgernn.gates import evaluate
from edgernn.recipe import Gates


def row(artifact: str, **values: Any) -> dict[str, Any]:
    defaults = {
        "engine": "litert",
        "precision": "int8",
        "status": "ok",
        "metric_drop": 0.0,
        "agreement": 1.0,
        "max_abs_error": 0.0,
    }
    return {"artifact": artifact} | defaults | values


def content(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "metric": {"float": 0.9, "baseline": {"name": "random_forest", "value": 0.8}, "output_spread": 2.0},
        "keras": {"max_abs_error": 2e-6},
        "network": {"parameters": 1000},
        "artifacts": [
            {"name": "model.int8.tflite", "bytes": 30},
            {"name": "model.float32.tflite", "bytes": 100},
        ],
        "results": list(rows),
    }


def gate(gates: Gates, name: str, *rows: dict[str, Any]) -> dict[str, Any]:
    found = evaluate(gates, content(*rows))
    return next(one for one in found if one["name"] == name)


def test_the_worst_engine_decides() -> None:
    rows = (
        row("a", metric_drop=0.001),
        row("b", metric_drop=0.02, engine="tflm"),
        row("f", metric_drop=0.5, precision="float32"),
    )
    found = gate(Gates(metric_drop_max=0.01), "metric_drop_max", *rows)
    assert found == {
        "name": "metric_drop_max",
        "limit": 0.01,
        "value": 0.02,
        "passed": False,
        "where": "b on tflm",
    }
    assert gate(Gates(metric_drop_max=0.02), "metric_drop_max", *rows)["passed"] is True


@pytest.mark.parametrize(("limit", "passed"), [(0.98, True), (0.985, True), (0.99, False)])
def test_agreement_is_a_lower_limit(limit: float, passed: bool) -> None:
    assert gate(Gates(agreement_min=limit), "agreement_min", row("a", agreement=0.985))["passed"] is passed


def test_nothing_measured_is_not_passed() -> None:
    found = gate(Gates(metric_drop_max=0.5), "metric_drop_max", row("a", status="skipped"))
    assert (found["value"], found["passed"]) == (None, False)


@pytest.mark.parametrize(
    ("gates", "name", "value", "passed"),
    [
        (Gates(size_ratio_max=0.3), "size_ratio_max", 0.3, True),
        (Gates(size_ratio_max=0.29), "size_ratio_max", 0.3, False),
        (Gates(parameters_max=1000), "parameters_max", 1000, True),
        (Gates(parameters_max=999), "parameters_max", 1000, False),
        (Gates(metric_above_baseline=True), "metric_above_baseline", 0.9, True),
    ],
)
def test_limits(gates: Gates, name: str, value: float, passed: bool) -> None:
    found = gate(gates, name)
    assert (found["value"], found["passed"]) == (value, passed)


def test_an_equal_baseline_is_not_beaten() -> None:
    level = content()
    level["metric"]["float"] = 0.8
    assert evaluate(Gates(metric_above_baseline=True), level)[0]["passed"] is False


def test_a_gate_that_is_off_is_not_evaluated() -> None:
    names = [one["name"] for one in evaluate(Gates(metric_above_baseline=False), content())]
    assert names == ["engines_failed", "keras_error_max"]


def test_an_engine_that_failed_fails_the_build() -> None:
    found = gate(Gates(), "engines_failed", row("a", status="failed"))
    assert (found["value"], found["passed"], found["where"]) == (1, False, "a on litert")


@pytest.mark.parametrize(("share", "passed"), [(1.0, True), (0.9999, False)])
def test_c_must_equal_the_reference_in_every_output(share: float, passed: bool) -> None:
    assert gate(Gates(), "c_equals_reference", row("c/int8", equals_reference=share))["passed"] is passed


def test_float_artifacts_must_be_exact() -> None:
    """The limit is 1e-4 of the spread of the outputs, which is 2 here."""
    for error, passed in ((1.9e-4, True), (2.1e-4, False)):
        found = gate(Gates(), "float32_error_max", row("a", precision="float32", max_abs_error=error))
        assert (found["value"], found["passed"]) == (error / 2, passed)


def test_the_float_network_must_be_what_keras_trained() -> None:
    wrong = content()
    wrong["keras"]["max_abs_error"] = 1.0
    found = next(one for one in evaluate(Gates(), wrong) if one["name"] == "keras_error_max")
    assert (found["value"], found["passed"]) == (0.5, False)


def test_dynamic_artifacts_are_held_to_the_limits_of_int8() -> None:
    assert (
        gate(Gates(metric_drop_max=0.01), "metric_drop_max", row("d", precision="dynamic", metric_drop=0.5))[
            "passed"
        ]
        is False
    )
