"""The tables of a report as text cells, once for HTML and Markdown both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgernn.report import drift, units
from edgernn.report.verdict import (
    Report,
    Row,
    agreement_text,
    drop_text,
    float_size,
    gates,
    metric_text,
    with_status,
)


@dataclass(frozen=True)
class Column:
    """A heading; `group` spans neighbours that share it, `outcome` takes the tone of its row."""

    title: str
    numeric: bool = False
    group: str = ""
    outcome: bool = False


@dataclass(frozen=True)
class Line:
    """One row; `tone` (pass, fail, skip, or none) is how it is to look."""

    cells: tuple[str, ...]
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Columns and rows of text; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Runs of columns with the same group as (group, width); empty when no column has one."""
        runs: list[tuple[str, int]] = []
        for column in self.columns:
            if runs and runs[-1][0] == column.group:
                runs[-1] = (column.group, runs[-1][1] + 1)
            else:
                runs.append((column.group, 1))
        return tuple(runs) if any(name for name, _ in runs) else ()


Getter = Callable[[Row], str | None]


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


def result_table(report: Report) -> Table:
    """What each artifact did on each engine; columns that would say nothing are left out."""
    rows = with_status(report, "ok")
    several = len({row["device"] for row in rows}) > 1
    columns: tuple[tuple[Column, Getter], ...] = (
        (Column("Artifact"), lambda row: row["artifact"]),
        (Column("Engine"), lambda row: row["engine"]),
        (Column("Device"), lambda row: row["device"] if several else None),
        (Column(report["metric"]["name"].capitalize(), True), lambda row: metric_text(report, row["metric"])),
        (Column("Loss", True, "Against float"), lambda row: _bare_drop(report, row["metric_drop"])),
        (Column("Agreement", True, "Against float"), lambda row: agreement_text(report, row["agreement"])),
        (Column("Max error", True, "Against float"), lambda row: units.significant(row["max_abs_error"])),
        (Column("Mean error", True, "Against float"), lambda row: units.significant(row["mean_abs_error"])),
        *((Column(name, True, "Latency"), _latency(key)) for name, key in _LATENCY),
        (Column("Per", False, "Latency"), lambda row: row["latency_us"] and row["latency_us"]["per"]),
        *((Column(name, True, "Memory"), _memory(key)) for name, key in _MEMORY),
        (Column("Flash", True, "Memory"), lambda row: _optional(row["flash_bytes"], units.size)),
        (Column("Instructions", True), lambda row: _optional(row["instructions"], units.count)),
    )
    return _without_empty("Results", columns, rows)


def missing_table(report: Report) -> Table:
    """What was skipped or failed, and why."""
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("Device"),
        Column("Status", outcome=True),
        Column("Reason"),
    )
    lines = (
        Line(
            (row["artifact"], row["engine"], row["device"], row["status"], row["reason"]),
            "fail" if row["status"] == "failed" else "skip",
        )
        for row in with_status(report, "failed", "skipped")
    )
    return Table("Skipped and failed", columns, tuple(lines))


def network_table(report: Report) -> Table:
    """The layers."""
    columns = (
        Column("Layer"),
        Column("Kind"),
        Column("Inputs", True),
        Column("Units", True),
        Column("Parameters", True),
        Column("Zero weights", True),
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
            )
        )
        for layer in report["network"]["layers"]
    )
    return Table("Layers", columns, tuple(lines))


def stage_table(report: Report) -> Table:
    """Seconds of each stage and whether its result came from the cache."""
    columns = (Column("Stage"), Column("Time", True), Column("From cache"))
    lines = (
        Line((stage["name"], units.seconds(stage["seconds"]), "yes" if stage["cached"] else "no"))
        for stage in report["provenance"]["stages"]
    )
    return Table("Stages", columns, tuple(lines))


def devices(report: Report) -> str:
    """Where the results come from, in words: `host`, or a list."""
    return ", ".join(dict.fromkeys(row["device"] for row in with_status(report, "ok")))


def engine_versions(report: Report) -> dict[str, str]:
    """The version of each engine that ran and has one."""
    rows = with_status(report, "ok")
    return {row["engine"]: row["engine_version"] for row in rows if row["engine_version"]}


def fact_table(caption: str, facts: Mapping[str, Any]) -> Table:
    """Names and values of a mapping, for machine, tools and data."""
    lines = (Line((name.replace("_", " "), _fact(value))) for name, value in facts.items())
    return Table(caption, (Column("Name"), Column("Value")), tuple(lines))


def drift_table(report: Report) -> Table:
    """Each series at its last step; Markdown's stand-in for the plot."""
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("Steps", True),
        Column("Mean error", True),
        Column("Max error", True),
    )
    lines = (
        Line(
            (
                one.artifact,
                one.engine,
                units.count(one.steps[-1]),
                units.significant(one.mean[-1]),
                units.significant(one.max[-1]),
            )
        )
        for one in drift.series(report)
    )
    return Table("Error at the last step", columns, tuple(lines))


_LATENCY = (("Median", "median"), ("p95", "p95"), ("Min", "min"))
_MEMORY = (
    ("Peak", "peak_bytes"),
    ("State", "state_bytes"),
    ("Scratch", "scratch_bytes"),
    ("Arena", "arena_bytes"),
)


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


def _without_empty(caption: str, columns: Sequence[tuple[Column, Getter]], rows: Sequence[Row]) -> Table:
    """A table of the columns for which at least one row has a value."""
    texts = [[get(row) for row in rows] for _, get in columns]
    kept = [index for index, column in enumerate(texts) if any(text is not None for text in column)]
    lines = (Line(tuple(texts[index][row] or units.NONE for index in kept)) for row in range(len(rows)))
    return Table(caption, tuple(columns[index][0] for index in kept), tuple(lines))


def _latency(key: str) -> Getter:
    return lambda row: _optional((row["latency_us"] or {}).get(key), units.duration)


def _memory(key: str) -> Getter:
    return lambda row: _optional((row["memory"] or {}).get(key), units.size)


def _optional(value: float | None, show: Callable[[float], str]) -> str | None:
    return None if value is None else show(value)


def _bare_drop(report: Report, drop: float) -> str:
    return drop_text(report, drop).removesuffix(" points")


def _fact(value: Any) -> str:
    if value is None:
        return units.NONE
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
