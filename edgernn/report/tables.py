"""Tables of what a build is: gates, artifacts and their operators, layers, stages, facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgernn.report import quantization, units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report, Row, float_size, gates


def gate_table(report: Report) -> Table:
    """Each gate: its limit, the worst value, where that was, and the outcome."""
    columns = (
        Column("Gate"),
        Column("Result", outcome=True),
        Column("Value", True),
        Column("Limit", True),
        Column("Worst at"),
    )
    lines = (
        Line(
            (gate.label, "pass" if gate.passed else "FAIL", gate.value, gate.limit, gate.where or units.NONE),
            "pass" if gate.passed else "fail",
        )
        for gate in gates(report)
    )
    return Table("Gates", columns, tuple(lines))


def artifact_table(report: Report) -> Table:
    """What was written: size, share of the float file of the same target and form, operators."""
    columns = (
        Column("Artifact"),
        Column("Target"),
        Column("Form"),
        Column("Precision"),
        Column("Size", True),
        Column("Of float", True),
        Column("Integer", True, "Operators"),
        Column("Float", True, "Operators"),
        Column("sha256"),
    )
    return Table("Artifacts", columns, tuple(_artifact_line(report, artifact) for artifact in report["artifacts"]))


def operator_table(report: Report) -> Table:
    """Every operator of every artifact with the arithmetic that it does."""
    columns = (Column("Artifact"), Column("Operator"), Column("Count", True), Column("Arithmetic"))
    lines = (
        Line((artifact["name"], operator["name"], units.count(operator["count"]), operator["arithmetic"]))
        for artifact in report["artifacts"]
        for operator in artifact["operators"]
    )
    return Table("Operators by artifact", columns, tuple(lines))


def network_table(report: Report) -> Table:
    """The layers, with their precisions where there is an int8 artifact."""
    precisions = quantization.precisions(report)
    columns = (
        Column("Layer"),
        Column("Kind"),
        Column("Inputs", True),
        Column("Units", True),
        Column("Parameters", True),
        Column("Zero weights", True),
        *([Column("Precision in int8 artifacts")] if precisions else []),
    )
    lines = (
        Line(
            (
                layer["name"],
                layer["kind"],
                str(layer["inputs"]),
                str(layer["units"]),
                units.count(layer["parameters"]),
                units.percent(layer["sparsity"]),
                *([precisions.get(layer["name"], units.NONE)] if precisions else []),
            )
        )
        for layer in report["network"]["layers"]
    )
    return Table("Layers", columns, tuple(lines))


def density_table(report: Report) -> Table:
    """How full each gate of each matrix is; empty when no weight is zero."""
    rows = [row for layer in report["network"]["layers"] for row in layer.get("density", ())]
    sparse = any(row["density"] < 1 for row in rows)
    columns = (Column("Layer"), Column("Matrix"), Column("Gate"), Column("Density", True))
    lines = (
        Line((row["layer"], row["matrix"], row["gate"] or units.NONE, units.percent(row["density"])))
        for row in (rows if sparse else ())
    )
    return Table("Density", columns, tuple(lines))


def stage_table(report: Report) -> Table:
    """Seconds of each stage and whether its result came from the cache."""
    columns = (Column("Stage"), Column("Time", True), Column("From cache"))
    lines = (
        Line((stage["name"], units.seconds(stage["seconds"]), "yes" if stage["cached"] else "no"))
        for stage in report["provenance"]["stages"]
    )
    return Table("Stages", columns, tuple(lines))


def fact_table(caption: str, facts: Mapping[str, Any]) -> Table:
    """Names and values of a mapping, for machine, tools and data."""
    lines = (Line((name.replace("_", " "), _fact(value))) for name, value in facts.items())
    return Table(caption, (Column("Name"), Column("Value")), tuple(lines))


def _artifact_line(report: Report, artifact: Row) -> Line:
    twin = float_size(report, artifact)
    cells = (
        artifact["name"],
        artifact["target"],
        artifact["form"],
        artifact["precision"],
        units.size(artifact["bytes"]),
        units.percent(artifact["bytes"] / twin, 0) if twin else units.NONE,
        units.count(artifact["quantized_ops"]),
        units.count(artifact["float_ops"]),
        artifact["sha256"][:12],
    )
    return Line(cells)


def _fact(value: Any) -> str:
    if value is None:
        return units.NONE
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
