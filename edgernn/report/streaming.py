"""The long stream in a report: what it was, errors along it, and what never resetting does to the metric."""

from __future__ import annotations

from edgernn.report import units
from edgernn.report.grid import Column, Line, Table
from edgernn.report.verdict import Report, Row, drop_text, metric_text


def description(report: Report) -> str:
    """What the stream is and how an error at a step is taken, in words; empty when none ran."""
    stream = report.get("streaming")
    if not stream:
        return ""
    count = stream["streams"]
    what = "a stream" if count == 1 else f"{units.count(count)} streams"
    return (
        f"Test windows laid end to end as {what} of {units.count(stream['steps'])} steps, repeated where the test "
        "data is shorter, through every quantised step model without a reset, beside the float network on the same "
        "frames. The error at a step is over the last eighth of the steps so far, of which 64 are looked at."
    )


def warm_up(report: Report) -> str:
    """How soon the float network forgets a reset, in words; empty when no stream ran."""
    stream = report.get("streaming")
    if not stream:
        return ""
    found = stream["warm_up"]
    watched = units.count(found["watched"])
    slowest, median = (
        f"{units.count(found[key])} steps" if found[key] is not None else f"more than {watched} steps"
        for key in ("steps", "median")
    )
    return (
        f"Warm-up: {slowest} after the slowest of {found['resets']} resets along the stream, {median} in the "
        "median. From then on every output of the float network stays within "
        f"{units.percent(found['tolerance'], 0)} of the outputs' standard deviation from what it is without the "
        f"reset. Each reset was watched for {watched} steps."
    )


def error_table(report: Report) -> Table:
    """Errors of the output and of each state at powers of ten of steps, of every artifact on every engine."""
    rows = [row for row in report["drift_over_time"] if row.get("over") == "stream"]
    steps = _shown({row["step"] for row in rows})
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("Of"),
        *(Column(units.count(step), True, "Mean error at step") for step in steps),
        *(Column(units.count(step), True, "Max error at step") for step in steps),
    )
    found: dict[tuple[str, str, str], dict[int, Row]] = {}
    for row in rows:
        for name, errors in {"output": row, **row["states"]}.items():
            found.setdefault((row["artifact"], row["engine"], name), {})[row["step"]] = errors
    lines = (Line((*key, *_errors(points, steps))) for key, points in found.items())
    return Table("Error along the stream", columns, tuple(lines))


def metric_table(report: Report) -> Table:
    """The metric with a reset at every window, and without any; empty where no whole window was in the stream."""
    stream = report.get("streaming")
    columns = (
        Column("Artifact"),
        Column("Engine"),
        Column("Reset at each window", True),
        Column("Never reset", True),
        Column("Loss by streaming", True),
    )
    if not stream or not stream["windows"]:
        return Table("Windowed and streaming", columns, ())
    own = {"artifact": "float network", "engine": "numpy"} | stream["float"]
    return Table(
        "Windowed and streaming", columns, tuple(_line(report, row) for row in (own, *stream["artifacts"]))
    )


def _shown(steps: set[int]) -> list[int]:
    """Powers of ten from 10 on, and the last step."""
    powers = {step for step in steps if step >= 10 and str(step).strip("0") == "1"}
    return sorted(powers | {max(steps, default=0)} - {0})


def _errors(points: dict[int, Row], steps: list[int]) -> list[str]:
    keys = ("mean_abs_error", "max_abs_error")
    return [
        units.significant(points[step][key]) if step in points else units.NONE for key in keys for step in steps
    ]


def _line(report: Report, row: Row) -> Line:
    sign = 1 if report["metric"]["higher_is_better"] else -1
    loss = sign * (row["windowed"] - row["streaming"])
    values = (metric_text(report, row[key]) for key in ("windowed", "streaming"))
    return Line((row["artifact"], row["engine"], *values, drop_text(report, loss)))
