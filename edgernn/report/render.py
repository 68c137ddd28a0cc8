"""report.html and report.md from a valid report. The same report gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgernn.report import (
    boards,
    data,
    detection,
    drift,
    marks,
    plots,
    quantization,
    recommendations,
    results,
    samples,
    streaming,
    tables,
    units,
    verdict,
)

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]|~])")


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix to show: `counts[true class][decided class]`, `change` against the float one."""

    title: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    change: tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True)
class Tile:
    """One of the few large numbers under the verdict."""

    name: str
    value: str
    note: str


def html(report: Mapping[str, Any]) -> str:
    """One self-contained page: style and plots inside, no script, nothing fetched."""
    return _template(
        "report.html.j2",
        report,
        {
            "size_plot": plots.size_plot(report),
            "latency_plot": plots.latency_plot(report),
            "drift_plots": [plot for which in ("mean", "max") if (plot := drift.plot(report, which))],
            "state_plots": [plot for which in ("mean", "max") if (plot := drift.state_plot(report, which))],
            "trade_off_plot": detection.trade_off_plot(report),
            "drift": drift.series(report),
            "marks": marks.engines(report),
            "precisions": marks.precisions(report),
        },
    )


def markdown(report: Mapping[str, Any]) -> str:
    """The same content without plots, tersely, for a pull request."""
    return _template("report.md.j2", report, {})


def matrices(report: Mapping[str, Any]) -> tuple[Matrix, ...]:
    """The float confusion matrix and then the integer ones; empty for regression."""
    metric = report["metric"]
    reference = metric.get("float_confusion")
    if not reference:
        return ()
    labels = tuple(metric.get("labels") or map(str, range(len(reference))))
    others = (
        Matrix(
            f"{one['artifact']} on {one['engine']}",
            labels,
            _rows(one["matrix"]),
            _change(one["matrix"], reference),
        )
        for one in metric.get("confusion", ())
    )
    return Matrix("float network", labels, _rows(reference), None), *others


def tiles(report: Mapping[str, Any]) -> tuple[Tile, ...]:
    """Metric, agreement, size and speed of what ships, each with what it is compared with."""
    top, metric = verdict.headline(report), report["metric"]
    name, value = metric["baseline"]["name"].replace("_", " "), metric["baseline"]["value"]
    baseline = f"{name} {verdict.metric_text(report, value)}"
    found = [Tile(f"Float {metric['name']}", verdict.metric_text(report, metric["float"]), f"baseline: {baseline}")]
    if top.metric is not None and top.drop is not None:
        change = -top.drop if metric["higher_is_better"] else top.drop
        more = "+" if change > 0 else ""
        note = f"worst engine, {more}{verdict.drop_text(report, change)} against float"
        found.append(Tile(f"{top.precision} {metric['name']}", verdict.metric_text(report, top.metric), note))
    if top.agreement is not None:
        alike = "same decision as float" if metric.get("labels") else "within the tolerance of float"
        note = f"{alike}, of {units.count(metric['test_examples'])}"
        found.append(Tile("Agreement", verdict.agreement_text(report, top.agreement), note))
    if top.size is not None and top.float_size and top.precision:
        note = f"{units.percent(top.size / top.float_size, 0)} of float's {units.size(top.float_size)}"
        found.append(Tile(f"{top.precision} size", units.size(top.size), note))
    return *found, *_speed(report, top.precision)


def _speed(report: Mapping[str, Any], precision: str | None) -> tuple[Tile, ...]:
    """The fastest whole sequence of what ships, against Keras."""
    rows = [row for row in verdict.on_engines(report) if row["latency_us"] and row["artifact"] != "network"]
    whole = [
        r for r in rows if r["latency_us"]["per"] == "sequence" and verdict.precision_of(report, r) == precision
    ]
    if not whole:
        return ()
    best = min(whole, key=lambda row: row["latency_us"]["median"])
    keras = verdict.keras_row(report)
    against = ""
    if keras and keras["latency_us"] and keras["latency_us"]["per"] == "sequence":
        against = f"; Keras {units.duration(keras['latency_us']['median'])}"
    note = f"a sequence, {best['engine']}{against}"
    return (Tile(f"{precision} latency", units.duration(best["latency_us"]["median"]), note),)


def _template(name: str, report: Mapping[str, Any], plots_and_marks: Mapping[str, Any]) -> str:
    import jinja2
    import yaml

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=lambda template: template is not None and template.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"md": _plain_markdown, "metric": lambda value: verdict.metric_text(report, value)}
    return environment.get_template(name).render(
        report=report,
        verdict=verdict,
        units=units,
        tables=tables,
        results=results,
        boards=boards,
        data=data,
        quantization=quantization,
        streaming=streaming,
        detection=detection,
        recommendations=recommendations,
        samples=samples,
        tiles=tiles(report),
        matrices=matrices(report),
        recipe=yaml.safe_dump(report["recipe"], sort_keys=False, allow_unicode=True, width=88),
        **plots_and_marks,
    )


def _plain_markdown(value: object) -> str:
    """Text that Markdown shows as it is, on one line, inside a table too."""
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text)


def _rows(matrix: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in matrix)


def _change(matrix: Sequence[Sequence[int]], reference: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(a - b for a, b in zip(*rows, strict=True)) for rows in zip(matrix, reference, strict=True))
