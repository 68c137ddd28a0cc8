from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from edgernn.errors import InputError
from edgernn.gates import QUANTIZED, evaluate
from edgernn.network import Precision
from edgernn.recipe import Gates, VerifySection
from edgernn.section import validate


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
        "drift_over_time": [],
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


@pytest.mark.parametrize("precision", ["dynamic", "int16x8"])
def test_other_quantised_artifacts_are_held_to_the_limits_of_int8(precision: str) -> None:
    worse = row("d", precision=precision, metric_drop=0.5)
    found = gate(Gates(metric_drop_max=0.01), "metric_drop_max", row("a"), worse)
    assert (found["value"], found["passed"], found["where"]) == (0.5, False, "d on litert")


def test_quantised_is_every_precision_but_float() -> None:
    assert {*QUANTIZED} == {*get_args(Precision)} - {"float32"}


def point(
    step: int, output: float, over: str = "stream", engine: str = "litert", **states: float
) -> dict[str, Any]:
    errors = {name.replace("_", "/"): {"mean_abs_error": e / 9, "max_abs_error": e} for name, e in states.items()}
    row = {"artifact": "step.int8.tflite", "engine": engine, "over": over, "step": step, "states": errors}
    return row | {"mean_abs_error": output / 9, "max_abs_error": output}


STREAM = (
    point(1000, 0.3, gru_h=0.01, lstm_c=0.02),
    point(10_000, 0.1, gru_h=0.05, lstm_c=0.04),
    point(10_000, 0.2, engine="tflm", gru_h=0.01, lstm_c=0.06),
    point(10_000, 9.0, over="windows"),
)


def test_the_worst_state_of_the_worst_engine_decides_at_each_step() -> None:
    gates = Gates(max_state_error_at={10_000: 0.06, 1000: 0.01})
    early, late = evaluate(gates, content() | {"drift_over_time": STREAM})[:2]
    assert early == {
        "name": "max_state_error_at_1000",
        "limit": 0.01,
        "value": 0.02,
        "passed": False,
        "where": "lstm/c of step.int8.tflite on litert",
    }
    assert (late["name"], late["value"], late["passed"]) == ("max_state_error_at_10000", 0.06, True)
    assert late["where"] == "lstm/c of step.int8.tflite on tflm"


def test_outputs_have_limits_of_their_own() -> None:
    found = evaluate(Gates(max_output_error_at={10_000: 0.15}), content() | {"drift_over_time": STREAM})[0]
    assert (found["value"], found["passed"], found["where"]) == (0.2, False, "output of step.int8.tflite on tflm")


def test_a_stream_that_did_not_run_passes_nothing() -> None:
    found = evaluate(Gates(max_state_error_at={10: 1.0}), content())[0]
    assert (found["value"], found["passed"]) == (None, False)
    assert found["where"] == "no quantised step model ran along a stream"


@pytest.mark.parametrize("limits", [{10_000: 0.02}, {"10000": 0.02}])
def test_a_limit_at_a_step_is_a_mapping(limits: dict[Any, float]) -> None:
    section = validate(VerifySection, {"gates": {"max_state_error_at": limits}}, "r.yaml")
    assert section.gates.max_state_error_at == {10_000: 0.02}


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({10_001: 0.1}, "a limit at step 10001 in gates.max_output_error_at, and its stream ends at step 10000"),
        ({0: 0.1}, "gates.max_output_error_at has the step 0; a step is a whole number from 1"),
        ({1.5: 0.1}, "has the step 1.5"),
        ({"end": 0.1}, "has the step 'end'"),
        ({10: -0.1}, "gates.max_output_error_at.10 must be at least 0"),
        ({10: "a"}, "gates.max_output_error_at.10 must be a number"),
        ({}, "gates.max_output_error_at must not be empty"),
        (0.02, "gates.max_output_error_at must be a section with keys"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_in_one_line(limits: Any, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)) as error:
        validate(VerifySection, {"gates": {"max_output_error_at": limits}}, "r.yaml")
    assert "\n" not in str(error.value)


def test_a_longer_stream_takes_later_limits() -> None:
    document = {"stream": {"steps": 50_000}, "gates": {"max_state_error_at": {50_000: 0.1}}}
    assert validate(VerifySection, document, "r.yaml").stream.streams == 1
