"""Error against the float network over the steps of a stream: the series, and their plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgernn.report import svg, units
from edgernn.report.marks import COLOURS, Mark, engines
from edgernn.report.verdict import find_artifact


@dataclass(frozen=True)
class Series:
    """Mean and largest absolute error at each step, of one artifact on one engine."""

    artifact: str
    engine: str
    precision: str
    step_form: bool
    steps: tuple[int, ...]
    mean: tuple[float, ...]
    max: tuple[float, ...]


def series(report: Mapping[str, Any]) -> tuple[Series, ...]:
    """The drift records by artifact and engine, largest final error first."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for point in report["drift_over_time"]:
        groups.setdefault((point["artifact"], point["engine"]), []).append(point)
    found = [_series(report, *key, sorted(points, key=lambda p: p["step"])) for key, points in groups.items()]
    return tuple(sorted(found, key=lambda one: -one.max[-1]))


def plot(report: Mapping[str, Any], which: str) -> str:
    """Error over time on a logarithmic axis, `which` is `mean` or `max`; empty when none was recorded.

    An error of exactly zero has no place on the axis and leaves a gap.
    """
    found = series(report)
    if not found:
        return ""
    marks = engines(report)
    with svg.style(f"drift {which}"):
        figure, axes = svg.axes()
        for one in found:
            _draw(axes, one, getattr(one, which), marks[one.engine])
        if any(value > 0 for one in found for value in getattr(one, which)):
            axes.set_yscale("log", nonpositive="mask")
            axes.yaxis.set_major_formatter(_decade)
        axes.set_xlabel("Step")
        axes.set_title(f"{which.capitalize()} absolute error")
        return svg.inline(figure, f"{which} absolute error against the float network over the steps of a stream")


def _series(report: Mapping[str, Any], name: str, engine: str, points: Sequence[Mapping[str, Any]]) -> Series:
    artifact = find_artifact(report, name) or {"precision": "float32", "form": "sequence"}
    return Series(
        name,
        engine,
        artifact["precision"],
        artifact["form"] == "step",
        tuple(p["step"] for p in points),
        tuple(p["mean_abs_error"] for p in points),
        tuple(p["max_abs_error"] for p in points),
    )


def _draw(axes: Any, one: Series, values: Sequence[float], mark: Mark) -> None:
    axes.plot(
        one.steps,
        [value if value > 0 else float("nan") for value in values],
        color=COLOURS[one.precision],
        linewidth=1.1 if one.step_form else 1.9,
        linestyle=(0, mark.dash) if mark.dash else "-",
        marker="o" if len(one.steps) == 1 else None,
    )


def _decade(value: float, _: int) -> str:
    return units.power_of_ten(value)
