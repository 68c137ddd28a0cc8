"""The end of a build on the terminal: verdict, metric, one short table, what failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgernn.report import boards, units, verdict

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def summary(report: Mapping[str, Any]) -> RenderableType:
    """The report in a dozen lines, for `rich.console.Console.print`."""
    from rich.console import Group
    from rich.text import Text

    style = "bold green" if report["passed"] else "bold red"
    parts: list[RenderableType] = [
        Text.assemble((f"{verdict.word(report)} ", style), (report["name"], "bold")),
        Text(_metric_line(report)),
        Text(""),
        _artifact_table(report),
        Text(""),
    ]
    if built := boards.rows(report):
        parts += [boards.terminal_table(built), Text("")]
    failed = [gate for gate in verdict.gates(report) if not gate.passed]
    parts += [Text(_gate_line(gate), style="red") for gate in failed]
    parts += [Text(line, style="red" if status == "failed" else "dim") for status, line in _missing(report)]
    if not failed:
        parts.append(Text(f"{len(report['gates'])} of {len(report['gates'])} gates passed", style="green"))
    return Group(*parts)


def _metric_line(report: Mapping[str, Any]) -> str:
    metric, top = report["metric"], verdict.headline(report)
    line = f"{metric['name']}: float {verdict.metric_text(report, metric['float'])}"
    if top.metric is not None:
        line += f", {top.precision} {verdict.metric_text(report, top.metric)}"
    baseline = metric["baseline"]
    line += f", {baseline['name'].replace('_', ' ')} {verdict.metric_text(report, baseline['value'])}"
    return f"{line}, on {units.count(metric['test_examples'])} test examples"


def _artifact_table(report: Mapping[str, Any]) -> Table:
    """One row an artifact: the worst loss and agreement and the fastest engine."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)  # fits 80 columns
    table.add_column("artifact", no_wrap=True)
    for title in ("size", "loss", "agreement", "fastest"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("engine", no_wrap=True)
    for artifact in report["artifacts"]:
        table.add_row(*(Text(cell) for cell in _cells(report, artifact)))
    return table


def _cells(report: Mapping[str, Any], artifact: Mapping[str, Any]) -> tuple[str, ...]:
    rows = [row for row in verdict.on_engines(report) if row["artifact"] == artifact["name"]]
    timed = sorted((row for row in rows if row["latency_us"]), key=lambda row: row["latency_us"]["median"])
    latency = timed[0]["latency_us"] if timed else None
    return (
        artifact["name"],
        units.size(artifact["bytes"]),
        verdict.drop_text(report, max(row["metric_drop"] for row in rows)) if rows else "not run",
        verdict.agreement_text(report, min(row["agreement"] for row in rows)) if rows else units.NONE,
        f"{units.duration(latency['median'])}/{latency['per']}" if latency else units.NONE,
        timed[0]["engine"] if timed else units.NONE,
    )


def _gate_line(gate: verdict.Gate) -> str:
    place = f" ({gate.where})" if gate.where else ""
    return f"FAIL {gate.label}: {gate.value}, must be {gate.limit}{place}"


def _missing(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Lines for what failed, one each, and one for what was skipped, with its count."""
    failed = verdict.with_status(report, "failed")
    lines = [("failed", f"failed {verdict.place(row)}: {row['reason']}") for row in failed]
    skipped = len(verdict.with_status(report, "skipped"))
    if skipped:
        lines.append(("skipped", f"{skipped} skipped; report.html says why and what would enable them"))
    return lines
