"""Gates: the limits that a recipe sets, and those that every build is held to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from edgernn.recipe import Gates
from edgernn.target_sections import BoardSection

Row = Mapping[str, Any]
Parts = Mapping[str, int]  # bytes by section

QUANTIZED = ("int8", "int16x8", "dynamic")
FLOAT_ERROR = 1e-4  # of the spread of the outputs: single precision reaches 1e-6, a wrong operator does not


def evaluate(gates: Gates, report: Mapping[str, Any], board: BoardSection | None = None) -> list[dict[str, Any]]:
    """Every gate that the recipe sets and every built-in one, as report.json has them.

    Results of boards are over a few windows, so that they decide no gate on drift; `board` is the recipe's own.

    A gate whose value could not be measured has the value None and fails.
    """
    asked = gates.model_dump(exclude_none=True)
    single = [
        gate(asked[name], report) for name, gate in _RECIPE_GATES.items() if asked.get(name, False) is not False
    ]
    at_steps = [
        gate(name, step, limit, report)
        for name, gate in _STEP_GATES.items()
        for step, limit in sorted(asked.get(name, {}).items())
    ]
    return [*single, *at_steps, *_built_in(report), *_of_boards(board, report["results"])]


def _gate(name: str, limit: float, value: float | None, passed: bool, where: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "limit": limit,
        "value": value,
        "passed": passed and value is not None,
        "where": where,
    }


def _above_baseline(limit: bool, report: Mapping[str, Any]) -> dict[str, Any]:
    baseline, value = report["metric"]["baseline"], report["metric"]["float"]
    better = value > baseline["value"] if report["metric"]["higher_is_better"] else value < baseline["value"]
    return _gate("metric_above_baseline", baseline["value"], value, better, baseline["name"])


def _worst(name: str, key: str, worst: Callable[..., Row], within: Callable[[float, float], bool]) -> Any:
    """A gate on the worst result of all quantised artifacts, over all engines."""

    def gate(limit: float, report: Mapping[str, Any]) -> dict[str, Any]:
        rows = _ok(report["results"], QUANTIZED)
        if not rows:
            return _gate(name, limit, None, False, "no quantised artifact ran")
        row = worst(rows, key=lambda r: r[key])
        return _gate(name, limit, row[key], within(row[key], limit), _place(row))

    return gate


def _size_ratio(limit: float, report: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {artifact["name"]: artifact["bytes"] for artifact in report["artifacts"]}
    small, large = sizes.get("model.int8.tflite"), sizes.get("model.float32.tflite")
    if not small or not large:
        return _gate("size_ratio_max", limit, None, False, "needs model.int8.tflite and model.float32.tflite")
    return _gate("size_ratio_max", limit, small / large, small / large <= limit, "model.int8.tflite")


def _parameters(limit: int, report: Mapping[str, Any]) -> dict[str, Any]:
    value = report["network"]["parameters"]
    return _gate("parameters_max", limit, value, value <= limit)


def _error_at(errors: Callable[[Row], Iterable[tuple[str, float]]]) -> Any:
    """A gate on the largest error of all quantised step models, over all engines, at one step of the long stream.

    `errors` gives those of a row of drift_over_time, with the name of what they are of.
    """

    def gate(name: str, step: int, limit: float, report: Mapping[str, Any]) -> dict[str, Any]:
        rows = [r for r in report["drift_over_time"] if r.get("over") == "stream" and r["step"] == step]
        found = [(value, f"{of} of {_place(row)}") for row in rows for of, value in errors(row)]
        if not found:
            return _gate(f"{name}_{step}", limit, None, False, "no quantised step model ran along a stream")
        value, where = max(found)
        return _gate(f"{name}_{step}", limit, value, value <= limit, where)

    return gate


_STEP_GATES: Mapping[str, Callable[[str, int, float, Mapping[str, Any]], dict[str, Any]]] = {
    "max_state_error_at": _error_at(lambda row: ((n, e["max_abs_error"]) for n, e in row["states"].items())),
    "max_output_error_at": _error_at(lambda row: [("output", row["max_abs_error"])]),
}


def _drop_share(limit: float, report: Mapping[str, Any]) -> dict[str, Any]:
    """The worst drop as a share of the float metric."""
    size = abs(report["metric"]["float"]) or 1.0
    found = _worst("metric_drop_share_max", "metric_drop", max, operator.le)(limit * size, report)
    share = None if found["value"] is None else found["value"] / size
    return found | {"limit": limit, "value": share}


def _of_anomalies(name: str, key: str, worst: Callable[..., Row], within: Callable[[Any, Any], bool]) -> Any:
    """A gate on the worst of the float network and the quantised artifacts along a series with anomalies."""

    def gate(limit: Any, report: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row for row in report.get("detection", {}).get("results", ()) if row["auc"] is not None]
        if not rows:
            return _gate(name, limit, None, False, "the test has no labelled anomaly")
        row = worst(rows, key=lambda r: r[key])
        return _gate(name, limit, row[key], within(row[key], limit), _place(row))

    return gate


def _above_discords(limit: bool, report: Mapping[str, Any]) -> dict[str, Any]:
    known = [row["auc"] for row in report.get("detection", {}).get("baselines", ()) if row["auc"] is not None]
    gate = _of_anomalies("detection_above_baseline", "auc", min, operator.gt)
    found: dict[str, Any] = gate(max(known, default=1.0), report)
    return found


_RECIPE_GATES: Mapping[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "metric_drop_max": _worst("metric_drop_max", "metric_drop", max, operator.le),
    "metric_drop_share_max": _drop_share,
    "agreement_min": _worst("agreement_min", "agreement", min, operator.ge),
    "metric_above_baseline": _above_baseline,
    "size_ratio_max": _size_ratio,
    "parameters_max": _parameters,
    "detection_auc_min": _of_anomalies("detection_auc_min", "auc", min, operator.ge),
    "detection_auc_drop_max": _of_anomalies("detection_auc_drop_max", "auc_drop", max, operator.le),
    "detection_above_baseline": _above_discords,
    "detection_top": _of_anomalies("detection_top", "top", min, operator.eq),
    "false_alarms_max": _of_anomalies("false_alarms_max", "false_alarms", max, operator.le),
}

if {*_RECIPE_GATES, *_STEP_GATES} != set(Gates.model_fields):
    raise AssertionError("the recipe's gates and the gates that are evaluated differ")


def _built_in(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What holds for every build: engines run, float is exact, and bits are equal where they must be."""
    results, spread = report["results"], report["metric"]["output_spread"]
    failed = [row for row in results if row["status"] == "failed"]
    gates = [_gate("engines_failed", 0, len(failed), not failed, ", ".join(map(_place, failed)))]
    keras = report["keras"]["max_abs_error"] / spread
    gates.append(_gate("keras_error_max", FLOAT_ERROR, keras, keras <= FLOAT_ERROR, "the float network"))
    floats = _ok(results, ("float32",))
    if floats:
        row = max(floats, key=lambda r: r["max_abs_error"])
        share = row["max_abs_error"] / spread
        gates.append(_gate("float32_error_max", FLOAT_ERROR, share, share <= FLOAT_ERROR, _place(row)))
    for name, key in (("c_equals_reference", "equals_reference"), ("step_equals_sequence", "equals_sequence")):
        gates += _all_equal(name, key, [row for row in results if not _of_board(row)])
    return gates


def _all_equal(name: str, key: str, results: Sequence[Row]) -> list[dict[str, Any]]:
    """The gate that bits are equal in the worst result that says whether they are; none when none does."""
    rows = [row for row in results if key in row]
    if not rows:
        return []
    row = min(rows, key=lambda r: r[key])
    return [_gate(name, 1.0, row[key], row[key] == 1.0, _place(row))]


def _of_boards(board: BoardSection | None, results: Sequence[Row]) -> list[dict[str, Any]]:
    """Flash and RAM of the recipe's board, and bits on every board that ran."""
    rows = [row for row in results if _of_board(row)]
    gates = []
    if board is not None:
        own = [row for row in rows if row["device"] == board.name and row["optimisation"] in board.optimisations]
        limits = (("flash_max", board.flash_max, _flash), ("ram_max", board.ram_max, _ram))
        gates = [_most(name, limit, parts, own) for name, limit, parts in limits if limit is not None]
    return [*gates, *_all_equal("board_equals_reference", "equals_reference", rows)]


def _most(name: str, limit: int, parts: Callable[[Row], Parts], rows: Sequence[Row]) -> dict[str, Any]:
    """A gate on the bytes of the largest image, told by section; without a value where one was not measured."""
    sizes = [(parts(row), row) for row in rows]
    unknown = next((row for found, row in sizes if not found), None)
    if unknown or not sizes:
        where = (
            f"{_place(unknown)}: {unknown['reason'] or 'no stack measured'}" if unknown else "no image was built"
        )
        return _gate(name, limit, None, False, where)
    largest, row = max(sizes, key=lambda one: sum(one[0].values()))
    value = sum(largest.values())
    sections = " + ".join(f"{part} {size:,}" for part, size in largest.items())
    return _gate(name, limit, value, value <= limit, f"{_place(row)}: {sections} bytes")


def _flash(row: Row) -> Parts:
    """Bytes in flash; empty when the image was not built."""
    sections = row.get("sections", {})
    return {part: sections[part] for part in ("code", "weights", "data") if sections.get(part)}


def _ram(row: Row) -> Parts:
    """Bytes in RAM; empty when they were not measured."""
    memory = row["memory"] or {}
    if memory.get("stack_bytes") is None:
        return {}
    other = memory["static_ram_bytes"] - memory["state_bytes"]
    return {"state": memory["state_bytes"], **({"data": other} if other else {}), "stack": memory["stack_bytes"]}


def _ok(results: Sequence[Row], precisions: Sequence[str]) -> list[Row]:
    """What ran over the whole test split."""
    rows = (row for row in results if row.get("precision") in precisions and row["status"] == "ok")
    return [row for row in rows if not _of_board(row)]


def _of_board(row: Row) -> bool:
    return "optimisation" in row


def _place(row: Row) -> str:
    if _of_board(row):
        return f"{row['artifact']} for {row['optimisation']} on {row['device']}"
    return f"{row['artifact']} on {row['engine']}"
