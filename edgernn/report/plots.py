"""The scatter plots of a report: the metric against size and against latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgernn.report import svg, units
from edgernn.report.marks import COLOURS, Mark, engines
from edgernn.report.placement import Box, nearest, overlap, place
from edgernn.report.verdict import find_artifact, keras_row, metric_text, on_engines, precision_of

_AREA = 46.0  # of a marker, square points
_REACH = 5.0  # half its width with its outline, points
_LEADER = 13.0  # a label further from its marker than this gets a line to it, points


@dataclass(frozen=True)
class Dot:
    """One marker of a scatter plot; hollow stands for the step form."""

    label: str
    x: float
    y: float
    precision: str
    engine: str
    hollow: bool


def size_plot(report: Mapping[str, Any]) -> str:
    """Metric against bytes, a marker for each artifact and engine; empty when nothing ran.

    C is left out: the bytes of its source text say nothing about those of the program.
    """
    dots = []
    for row in on_engines(report):
        artifact = find_artifact(report, row["artifact"])
        if artifact and artifact["target"] != "c":
            dots.append(_dot(report, row, artifact["bytes"], artifact["form"] == "step"))
    return _scatter(report, dots, "Size", units.size) if dots else ""


def latency_plot(report: Mapping[str, Any]) -> str:
    """Metric against median latency of one call, Keras beside the artifacts; empty when none was measured."""
    dots = [
        _dot(report, row, row["latency_us"]["median"], row["latency_us"]["per"] == "step")
        for row in on_engines(report)
        if row["latency_us"] and (row["artifact"], row["engine"]) != ("network", "numpy")
    ]
    return _scatter(report, dots, "Median latency of one call", units.duration) if dots else ""


def _dot(report: Mapping[str, Any], row: Mapping[str, Any], x: float, hollow: bool) -> Dot:
    label = row["engine"].capitalize() if row["artifact"] == "network" else row["artifact"]
    return Dot(label, x, row["metric"], precision_of(report, row), row["engine"], hollow)


def _scatter(report: Mapping[str, Any], dots: Sequence[Dot], title: str, show: Callable[[float], str]) -> str:
    metric = report["metric"]["name"]
    with svg.style(title):
        figure, axes = svg.axes()
        _scale(axes, dots, _levels(report), show)
        axes.set_title(f"{units.title(metric)} against {title.lower()}")
        axes.set_xlabel(title)
        markers = _draw_dots(axes, dots, engines(report))
        taken = _draw_levels(axes, _levels(report), markers)
        _draw_labels(axes, _labelled(dots), [*markers, *taken])
        return svg.inline(figure, f"{metric} against {title.lower()} of each artifact on each engine")


def _levels(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The horizontal lines: the trained model and the baseline, the higher first."""
    metric, keras = report["metric"], keras_row(report)
    name, value = ("float Keras", keras["metric"]) if keras else ("float network", metric["float"])
    levels = [(name, value), (metric["baseline"]["name"], metric["baseline"]["value"])]
    told = [(f"{label.replace('_', ' ')} {metric_text(report, level)}", level) for label, level in levels]
    return sorted(told, key=lambda level: -level[1])


def _scale(
    axes: Any, dots: Sequence[Dot], levels: Sequence[tuple[str, float]], show: Callable[[float], str]
) -> None:
    """Logarithmic x; limits with room for the labels around the outermost points."""
    from matplotlib.ticker import LogLocator, NullLocator

    ys = [dot.y for dot in dots] + [value for _, value in levels]
    low, high = min(ys), max(ys)
    room = (high - low) or 0.1 * abs(high) or 0.1
    above, below = (0.4 if max(dot.y for dot in dots) > high - room / 2 else 0.15), 0.15
    below = 0.4 if min(dot.y for dot in dots) < low + room / 4 else below
    axes.set_ylim(low - below * room, high + above * room)
    axes.yaxis.set_major_formatter(lambda value, _: units.significant(value, 3))
    left, right = min(dot.x for dot in dots), max(dot.x for dot in dots)
    widen = max(1.7, (right / left) ** 0.14)
    axes.set_xscale("log")
    axes.set_xlim(left / widen, right * widen)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if right / left > 300 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: show(value).replace(".0 ", " "))


def _draw_dots(axes: Any, dots: Sequence[Dot], marks: Mapping[str, Mark]) -> list[Box]:
    """The markers; returns the boxes that they cover."""
    for dot in dots:
        colour, shape = COLOURS[dot.precision], marks[dot.engine].shape
        face = COLOURS["paper"] if dot.hollow else colour
        closed = (*shape, shape[0])
        axes.scatter(
            dot.x, dot.y, s=_AREA, marker=closed, facecolor=face, edgecolor=colour, linewidth=1.4, zorder=3
        )
    centres = axes.transData.transform([(dot.x, dot.y) for dot in dots])
    return [(x - _REACH, y - _REACH, x + _REACH, y + _REACH) for x, y in centres]


def _draw_levels(axes: Any, levels: Sequence[tuple[str, float]], markers: Sequence[Box]) -> list[Box]:
    """Lines with their names at the edge that fewer markers cover; returns the boxes of both.

    The name of the upper line stands above it and that of the lower one below, so that close lines stay
    legible.
    """
    taken: list[Box] = []
    frame = axes.get_window_extent()
    for (name, value), dash, where in zip(levels, ((6, 3), (2, 2)), ("bottom", "top"), strict=True):
        axes.axhline(value, color=COLOURS["muted"], linewidth=1.1, linestyle=(0, dash), zorder=1)
        line = axes.transData.transform((1.0, value))[1]
        texts = [_edge_text(axes, name, value, side, where) for side in ("left", "right")]
        covered = [sum(overlap(_extent(text), box) for box in markers) for text in texts]
        kept = texts.pop(covered.index(min(covered)))
        texts[0].remove()
        taken += [_extent(kept), (frame.x0, line - 1, frame.x1, line + 1)]
    return taken


def _edge_text(axes: Any, name: str, value: float, side: str, where: str) -> Any:
    right = side == "right"
    return axes.annotate(
        name,
        (float(right), value),
        (-4 if right else 4, 4 if where == "bottom" else -4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha=side,
        va=where,
        fontsize=9,
        color=COLOURS["muted"],
    )


def _labelled(dots: Sequence[Dot]) -> list[Dot]:
    """One dot to label for each artifact: its leftmost."""
    first: dict[str, Dot] = {}
    for dot in sorted(dots, key=lambda dot: dot.x):
        first.setdefault(dot.label, dot)
    return list(first.values())


def _draw_labels(axes: Any, dots: Sequence[Dot], taken: Sequence[Box]) -> None:
    texts = [
        axes.text(
            dot.x,
            dot.y,
            dot.label,
            color=COLOURS[dot.precision],
            fontsize=9,
            va="center",
            ha="center",
            zorder=4,
        )
        for dot in dots
    ]
    extents = [_extent(text) for text in texts]
    sizes = [(box[2] - box[0] + 2, box[3] - box[1]) for box in extents]
    anchors = [(float(x), float(y)) for x, y in axes.transData.transform([(dot.x, dot.y) for dot in dots])]
    frame = axes.get_window_extent()
    boxes = place(anchors, sizes, taken, (frame.x0, frame.y0, frame.x1, frame.y1))
    for text, anchor, box in zip(texts, anchors, boxes, strict=True):
        centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        text.set_position(axes.transData.inverted().transform(centre))
        _draw_leader(axes, anchor, nearest(box, anchor), text.get_color())


def _draw_leader(axes: Any, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    if abs(end[0] - start[0]) + abs(end[1] - start[1]) > _LEADER:
        ends = axes.transData.inverted().transform([start, end])
        axes.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=0.6, alpha=0.7, zorder=2)


def _extent(text: Any) -> Box:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    box = text.get_window_extent(FigureCanvasAgg(text.figure).get_renderer())
    return box.x0, box.y0, box.x1, box.y1
