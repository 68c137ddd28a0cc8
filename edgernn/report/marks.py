"""How a series looks, in plots and legends alike: colour is precision, marker and dash are the engine.

Colours are CSS variables of report.css, so that light, dark and print each have their own. Markers are
polygons in the unit square, drawn by matplotlib and by the legend from the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Any

Polygon = tuple[tuple[float, float], ...]

# Stand-ins that matplotlib accepts as colours; svg.py replaces each by its CSS variable.
COLOURS: Mapping[str, str] = {
    "ink": "#000001",
    "muted": "#000002",
    "rule": "#000003",
    "paper": "#000004",
    "float32": "#000011",
    "dynamic": "#000012",
    "int8": "#000013",
    "int16x8": "#000014",
}
PRECISIONS = ("float32", "dynamic", "int8", "int16x8")


def _regular(corners: int, turn: float, radius: float = 1.0) -> Polygon:
    angles = (turn + 2 * pi * k / corners for k in range(corners))
    return tuple((round(radius * cos(a), 4), round(radius * sin(a), 4)) for a in angles)


def _star(corners: int, inner: float) -> Polygon:
    angles = ((pi / 2 + pi * k / corners, inner if k % 2 else 1.2) for k in range(2 * corners))
    return tuple((round(r * cos(a), 4), round(r * sin(a), 4)) for a, r in angles)


_SHAPES: tuple[Polygon, ...] = (
    _regular(24, 0),
    _regular(4, pi / 4, 1.15),
    _regular(3, pi / 2, 1.25),
    _regular(4, 0, 1.2),
    _regular(3, -pi / 2, 1.25),
    _star(5, 0.5),
    _regular(6, 0, 1.1),
    _star(4, 0.45),
)
_DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5, 2),
    (1.5, 1.5),
    (7, 2, 1.5, 2),
    (10, 3),
    (4, 1.5, 1, 1.5, 1, 1.5),
)


@dataclass(frozen=True)
class Mark:
    """One engine's marker (corners in the unit square, y up) and dash pattern (points; empty is solid)."""

    engine: str
    shape: Polygon
    dash: tuple[float, ...]

    @property
    def path(self) -> str:
        """The marker as SVG path data, y down, in a box from -1.3 to 1.3."""
        return "M" + "L".join(f"{x:g} {-y:g}" for x, y in self.shape) + "Z"


def engines(report: Mapping[str, Any]) -> dict[str, Mark]:
    """A mark for each engine that the plots show, in the order in which the report names them."""
    ran = [row for row in report["results"] if row["status"] == "ok" and row["engine"] != "numpy"]
    # Keras comes last, so that the first engine that runs artifacts has the solid line.
    ran = sorted([*ran, *report["drift_over_time"]], key=lambda row: row["artifact"] == "network")
    return {
        name: Mark(name, _SHAPES[index % len(_SHAPES)], _DASHES[index % len(_DASHES)])
        for index, name in enumerate(dict.fromkeys(row["engine"] for row in ran))
    }


def precisions(report: Mapping[str, Any]) -> tuple[str, ...]:
    """The precisions that the report shows, from float to integer."""
    made = {artifact["precision"] for artifact in report["artifacts"]} | {"float32"}
    return tuple(name for name in PRECISIONS if name in made)
