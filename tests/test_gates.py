from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from edgernn.errors import InputError
from edgernn.gates import QUANTIZED, evaluate
from edgernn.network import Precision
from edgernn.recipe import Gates, VerifySection
from edgernn.report import boards
from edgernn.section import validate
from edgernn.target_sections import BoardSection


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
        "metric": {
            "float": 0.9,
            "higher_is_better": True,
            "baseline": {"name": "random_forest", "value": 0.8},
            "output_spread": 2.0,
        },
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


def of_errors(**values: Any) -> dict[str, Any]:
    """A report whose metric is an error: 12 of the float network, 20 of the baseline."""
    metric = {"float": 12.0, "higher_is_better": False, "baseline": {"name": "persistence", "value": 20.0}}
    rows = row("a", metric_drop=-0.5), row("b", metric_drop=0.6, engine="tflm")
    return content(*rows) | {"metric": metric | {"output_spread": 2.0} | values}


@pytest.mark.parametrize(("value", "passed"), [(19.9, True), (20.0, False), (20.1, False)])
def test_an_error_must_be_below_that_of_the_baseline(value: float, passed: bool) -> None:
    found = evaluate(Gates(metric_above_baseline=True), of_errors(float=value))[0]
    assert found == {
        "name": "metric_above_baseline",
        "limit": 20.0,
        "value": value,
        "passed": passed,
        "where": "persistence",
    }


@pytest.mark.parametrize(("limit", "passed"), [(0.04, False), (0.05, True), (0.06, True)])
def test_a_loss_may_be_limited_as_a_share_of_the_float_metric(limit: float, passed: bool) -> None:
    found = evaluate(Gates(metric_drop_share_max=limit), of_errors())[0]
    assert found == {
        "name": "metric_drop_share_max",
        "limit": limit,
        "value": pytest.approx(0.6 / 12),
        "passed": passed,
        "where": "b on tflm",
    }


def test_a_share_of_an_error_of_nothing_is_the_loss_itself() -> None:
    found = evaluate(Gates(metric_drop_share_max=0.5), of_errors(float=0.0))[0]
    assert (found["value"], found["passed"]) == (0.6, False)


def test_a_share_of_a_loss_that_nothing_measured_is_not_passed() -> None:
    found = gate(Gates(metric_drop_share_max=0.5), "metric_drop_share_max", row("a", status="skipped"))
    assert (found["value"], found["passed"], found["where"]) == (None, False, "no quantised artifact ran")


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


def on_board(optimisation: str = "size", device: str = "cortex-m4", **values: Any) -> dict[str, Any]:
    """A row of a board: 7,000 bytes of flash, 1,500 of RAM."""
    memory = {"state_bytes": 200, "static_ram_bytes": 300, "stack_bytes": 1200}
    sections = {"code": 2000, "weights": 5000, "data": 0, "bss": 100}
    kept = {"engine": "c", "device": device, "optimisation": optimisation, "reason": "", "equals_reference": 1.0}
    return row("c/int8", **kept, memory=memory, sections=sections, flash_bytes=7000) | values


def board_gates(board: BoardSection | None, *rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in evaluate(Gates(), content(*rows), board) if one["name"] in boards.GATES}


@pytest.mark.parametrize(
    ("limits", "name", "value", "passed", "sections"),
    [
        ({"flash_max": 7000}, "flash_max", 7000, True, "code 2,000 + weights 5,000 bytes"),
        ({"flash_max": 6999}, "flash_max", 7000, False, "code 2,000 + weights 5,000 bytes"),
        ({"ram_max": 1500}, "ram_max", 1500, True, "state 200 + data 100 + stack 1,200 bytes"),
        ({"ram_max": 1499}, "ram_max", 1500, False, "state 200 + data 100 + stack 1,200 bytes"),
    ],
)
def test_a_board_has_limits_and_the_gate_tells_the_sections(
    limits: dict[str, int], name: str, value: int, passed: bool, sections: str
) -> None:
    found = board_gates(BoardSection(name="cortex-m4", **limits), on_board())
    assert list(found) == [name, "board_equals_reference"]
    assert (found[name]["value"], found[name]["passed"]) == (value, passed)
    assert found[name]["where"] == f"c/int8 for size on cortex-m4: {sections}"


def test_the_report_knows_all_gates_on_boards() -> None:
    without = {one["name"] for one in evaluate(Gates(), content())}
    asked = BoardSection(name="cortex-m4", flash_max=1, ram_max=1)
    assert {one["name"] for one in evaluate(Gates(), content(on_board()), asked)} - without == {*boards.GATES}


def test_the_largest_image_of_the_recipes_own_board_decides() -> None:
    large = {"code": 9000, "weights": 5000, "data": 6, "bss": 0}
    rows = (on_board(), on_board("speed", sections=large), on_board(device="wasm", sections=large))
    both = board_gates(BoardSection(name="cortex-m4", flash_max=10_000), *rows)["flash_max"]
    assert (both["value"], both["passed"]) == (14_006, False)
    assert both["where"] == "c/int8 for speed on cortex-m4: code 9,000 + weights 5,000 + data 6 bytes"
    size = board_gates(BoardSection(name="cortex-m4", flash_max=10_000, optimise="size"), *rows)["flash_max"]
    assert (size["value"], size["passed"]) == (7000, True)


def test_what_a_board_did_not_measure_does_not_pass() -> None:
    board = BoardSection(name="cortex-m4", flash_max=10_000, ram_max=10_000)
    unmeasured = {"status": "skipped", "reason": "no qemu", "memory": None}
    built = {key: value for key, value in on_board(**unmeasured).items() if key != "equals_reference"}
    found = board_gates(board, built)
    assert (found["flash_max"]["value"], found["flash_max"]["passed"]) == (7000, True)
    assert (found["ram_max"]["value"], found["ram_max"]["passed"]) == (None, False)
    assert found["ram_max"]["where"] == "c/int8 for size on cortex-m4: no qemu"
    assert "board_equals_reference" not in found  # nothing ran
    compiled_nothing = {key: value for key, value in built.items() if key not in ("sections", "flash_bytes")}
    assert board_gates(board, compiled_nothing)["flash_max"]["value"] is None
    assert board_gates(board)["flash_max"]["where"] == "no image was built"


def test_every_board_that_ran_must_equal_the_reference() -> None:
    rows = (row("c/int8", equals_reference=1.0), on_board(), on_board(device="wasm", equals_reference=0.999))
    found = {one["name"]: one for one in evaluate(Gates(), content(*rows))}
    assert (found["board_equals_reference"]["value"], found["board_equals_reference"]["passed"]) == (0.999, False)
    assert found["board_equals_reference"]["where"] == "c/int8 for size on wasm"
    assert found["c_equals_reference"]["passed"] is True


def test_the_few_windows_of_a_board_decide_no_gate_on_drift() -> None:
    found = gate(Gates(metric_drop_max=0.01), "metric_drop_max", row("a"), on_board(metric_drop=0.05))
    assert (found["value"], found["passed"]) == (0.0, True)


def test_an_image_that_failed_fails_the_build() -> None:
    failed = on_board(status="failed", reason="cc refuses line 3")
    found = gate(Gates(), "engines_failed", failed)
    assert (found["value"], found["passed"], found["where"]) == (1, False, "c/int8 for size on cortex-m4")


def found(*areas: float, baseline: float = 0.95, **changes: Any) -> dict[str, Any]:
    """A report whose float network and artifacts have these areas along a series with anomalies."""
    names = ("network", *(f"c/{i}" for i in range(1, len(areas))))
    own = {"top": True, "false_alarms": 0, **changes}
    rows = [
        {"artifact": name, "engine": "c", "auc": area, "auc_drop": None if area is None else areas[0] - area, **own}
        for name, area in zip(names, areas, strict=True)
    ]
    baselines = [{"name": name, "auc": area} for name, area in (("discord", baseline), ("other", 0.6))]
    return content(row("a")) | {"detection": {"results": rows, "baselines": baselines}}


@pytest.mark.parametrize(
    ("gates", "report", "passed", "value", "where"),
    [
        (Gates(detection_auc_min=0.97), found(0.99, 0.98, 0.97), True, 0.97, "c/2 on c"),
        (Gates(detection_auc_min=0.97), found(0.96, 0.98), False, 0.96, "network on c"),
        (Gates(detection_auc_drop_max=0.25), found(1.0, 0.75, 1.0), True, 0.25, "c/1 on c"),
        (Gates(detection_auc_drop_max=0.25), found(1.0, 0.5), False, 0.5, "c/1 on c"),
        (Gates(detection_above_baseline=True), found(0.99, 0.96), True, 0.96, "c/1 on c"),
        (Gates(detection_above_baseline=True), found(0.99, 0.95), False, 0.95, "c/1 on c"),
        (Gates(detection_top=True), found(0.99), True, True, "network on c"),
        (Gates(detection_top=True), found(0.99, top=False), False, False, "network on c"),
        (Gates(false_alarms_max=1), found(0.99, false_alarms=1), True, 1, "network on c"),
        (Gates(false_alarms_max=1), found(0.99, false_alarms=2), False, 2, "network on c"),
    ],
)
def test_the_worst_finder_of_anomalies_decides(
    gates: Gates, report: dict[str, Any], passed: bool, value: float, where: str
) -> None:
    (name,) = gates.model_dump(exclude_none=True)
    one = next(gate for gate in evaluate(gates, report) if gate["name"] == name)
    assert (one["passed"], one["value"], one["where"]) == (passed, value, where)


@pytest.mark.parametrize(
    "name", ["detection_auc_min", "detection_auc_drop_max", "detection_above_baseline", "detection_top"]
)
def test_a_gate_on_anomalies_fails_where_none_is_labelled(name: str) -> None:
    asked = Gates(**{name: True if name in ("detection_above_baseline", "detection_top") else 0.5})
    one = next(gate for gate in evaluate(asked, found(None)) if gate["name"] == name)  # type: ignore[arg-type]
    assert (one["passed"], one["value"]) == (False, None)


def test_the_best_discord_is_the_limit() -> None:
    one = next(g for g in evaluate(Gates(detection_above_baseline=True), found(0.99)) if g["name"].endswith("line"))
    assert one["limit"] == 0.95
