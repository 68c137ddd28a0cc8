"""Gates: the limits that a recipe sets, and those that every build is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgernn.recipe import Gates

Row = Mapping[str, Any]


def evaluate(gates: Gates, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every gate that the recipe sets and every built-in one, as report.json has them.

    A gate whose value could not be measured has the value None and fails.
    """
    asked = [
        _RECIPE_GATES[name](limit, report)
        for name, limit in gates.model_dump(exclude_none=True).items()
        if limit is not False
    ]
    return [*asked, *_built_in(report["results"])]


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
    return _gate("metric_above_baseline", baseline["value"], value, value > baseline["value"], baseline["name"])


def _worst(name: str, key: str, worst: Callable[..., Row], within: Callable[[float, float], bool]) -> Any:
    """A gate on the worst int8 result over all engines."""

    def gate(limit: float, report: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row for row in report["results"] if row.get("precision") == "int8" and row["status"] == "ok"]
        if not rows:
            return _gate(name, limit, None, False, "no int8 artifact ran")
        row = worst(rows, key=lambda r: r[key])
        return _gate(name, limit, row[key], within(row[key], limit), f"{row['artifact']} on {row['engine']}")

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


_RECIPE_GATES: Mapping[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "metric_drop_max": _worst("metric_drop_max", "metric_drop", max, lambda value, limit: value <= limit),
    "agreement_min": _worst("agreement_min", "agreement", min, lambda value, limit: value >= limit),
    "metric_above_baseline": _above_baseline,
    "size_ratio_max": _size_ratio,
    "parameters_max": _parameters,
}

if set(_RECIPE_GATES) != set(Gates.model_fields):
    raise AssertionError("the recipe's gates and the gates that are evaluated differ")


def _built_in(results: Sequence[Row]) -> list[dict[str, Any]]:
    failed = [row for row in results if row["status"] == "failed"]
    where = ", ".join(f"{row['artifact']} on {row['engine']}" for row in failed)
    gates = [_gate("engines_failed", 0, len(failed), not failed, where)]
    for name, key in (
        ("c_equals_reference", "equals_reference"),
        ("step_equals_sequence", "equals_sequence"),
    ):
        rows = [row for row in results if key in row]
        if rows:
            row = min(rows, key=lambda r: r[key])
            gates.append(_gate(name, 1.0, row[key], row[key] == 1.0, f"{row['artifact']} on {row['engine']}"))
    return gates
