"""Error against the float network over the steps of the test windows and of a long stream: series and plots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """The errors of outputs over the test windows by artifact and engine, largest final error first."""
    return _grouped(report, [point for point in report["drift_over_time"] if not _of_stream(point)])


def states(report: Mapping[str, Any]) -> tuple[Series, ...]:
    """The errors of states along the long stream, at every step those of the state that is worst there."""
    points = [point for point in report["drift_over_time"] if _of_stream(point) and point["states"]]
    return _grouped(report, [point | _worst(point["states"].values()) for point in points])


def state_plot(report: Mapping[str, Any], which: str) -> str:
    """State error along the long stream, both axes logarithmic; empty when none ran. `which` as in `plot`."""
    found = states(report)
    if not found:
        return ""
    marks = engines(report)
    with svg.style(f"states {which}"):
        figure, axes = svg.axes()
        for one in found:
            _draw(axes, one, getattr(one, which), marks[one.engine])
        if _logarithmic(axes, found, which):
            _label_within_decades(axes.yaxis)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: units.count(value))
        axes.set_xlabel("Step")
        axes.set_title(f"{which.capitalize()} absolute error of the worst state")
        return svg.inline(figure, f"{which} absolute error of the worst state along a long stream")


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
        _logarithmic(axes, found, which)
        axes.set_xlabel("Step")
        axes.set_title(f"{which.capitalize()} absolute error")
        return svg.inline(figure, f"{which} absolute error against the float network over the steps of a stream")


def _of_stream(point: Mapping[str, Any]) -> bool:
    """A report from before there were long streams does not say, and means windows."""
    return point.get("over") == "stream"


def _worst(errors: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found = list(errors)
    return {key: max(error[key] for error in found) for key in ("mean_abs_error", "max_abs_error")}


def _grouped(report: Mapping[str, Any], points: Iterable[Mapping[str, Any]]) -> tuple[Series, ...]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for point in points:
        groups.setdefault((point["artifact"], point["engine"]), []).append(point)
    found = [_series(report, *key, sorted(own, key=lambda p: p["step"])) for key, own in groups.items()]
    return tuple(sorted(found, key=lambda one: -one.max[-1]))


def _logarithmic(axes: Any, found: Sequence[Series], which: str) -> bool:
    """Whether there is an error to show on a logarithmic axis; then the axis is one."""
    positive = any(value > 0 for one in found for value in getattr(one, which))
    if positive:
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_formatter(_decade)
    return positive


def _label_within_decades(axis: Any) -> None:
    """Ticks at 1, 2 and 5 of a decade, as plain numbers: state errors may span less than one decade."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: units.significant(value, 1))
    axis.set_minor_formatter(NullFormatter())


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
