"""Tables of what ran: results, drift, what was skipped or failed, and on which engines and devices."""

from __future__ import annotations

from collections.abc import Callable

from edgernn.report import drift, units
from edgernn.report.grid import Column, Getter, Line, Table, filled
from edgernn.report.verdict import (
    Report,
    agreement_text,
    artifact_label,
    drop_text,
    metric_text,
    on_engines,
    with_status,
)

_LATENCY = (("Median", "median"), ("p95", "p95"), ("Min", "min"))
_MEMORY = (
    ("Peak", "peak_bytes"),
    ("State", "state_bytes"),
    ("Scratch", "scratch_bytes"),
    ("Arena", "arena_bytes"),
)


def result_table(report: Report) -> Table:
    """What each artifact did on each engine; columns that would say nothing are left out."""
    rows = on_engines(report)
    several = len({row["device"] for row in rows}) > 1
    columns: tuple[tuple[Column, Getter], ...] = (
        (Column("Artifact"), lambda row: row["artifact"]),
        (Column("Engine"), lambda row: row["engine"]),
        (Column("Device"), lambda row: row["device"] if several else None),
        (Column(units.title(report["metric"]["name"]), True), lambda row: metric_text(report, row["metric"])),
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
    return filled("Results", columns, rows)


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
            (artifact_label(row), row["engine"], row["device"], row["status"], row["reason"]),
            "fail" if row["status"] == "failed" else "skip",
        )
        for row in with_status(report, "failed", "skipped")
    )
    return Table("Skipped and failed", columns, tuple(lines))


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


def devices(report: Report) -> str:
    """Where the results come from, in words: `host`, or a list."""
    return ", ".join(dict.fromkeys(row["device"] for row in on_engines(report)))


def engine_versions(report: Report) -> dict[str, str]:
    """The version of each engine that ran and has one."""
    return {row["engine"]: row["engine_version"] for row in on_engines(report) if row["engine_version"]}


def _latency(key: str) -> Getter:
    return lambda row: _optional((row["latency_us"] or {}).get(key), units.duration)


def _memory(key: str) -> Getter:
    return lambda row: _optional((row["memory"] or {}).get(key), units.size)


def _optional(value: float | None, show: Callable[[float], str]) -> str | None:
    return None if value is None else show(value)


def _bare_drop(report: Report, drop: float) -> str:
    return drop_text(report, drop).removesuffix(" points")
