"""Labels beside their points, without overlaps. Boxes are (left, bottom, right, top) in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, hypot, pi, sin

Box = tuple[float, float, float, float]
Point = tuple[float, float]

_REACH = (10, 16, 24, 34, 46, 60, 76, 94, 114, 136, 160)
_ANGLES = tuple(2 * pi * k / 24 for k in range(24))
_COVERING = 3.0  # pixels of distance that one covered square pixel is worth
_CROSSING = 40.0  # and one leader line through a label


@dataclass(frozen=True)
class _Scene:
    """What is there already: the frame, markers and lines, labels placed so far and their leader lines."""

    frame: Box
    taken: list[Box]
    labels: list[Box]
    leaders: list[list[Box]]


def place(anchors: Sequence[Point], sizes: Sequence[Point], taken: Iterable[Box], frame: Box) -> list[Box]:
    """A box for each label near its anchor, inside `frame`, covering nothing where there is room.

    `sizes` are widths and heights of the labels, `taken` what they must not cover (markers, lines). A
    label would rather stand further away than have a leader line cross a label.
    """
    scene = _Scene(frame, list(taken), [], [])
    order = _crowded_first(anchors)
    for index in order:
        anchor = anchors[index]
        candidates = (_candidate(anchor, sizes[index], *turn) for turn in product(_REACH, _ANGLES))
        box = min((_cost(box, anchor, scene), box) for box in candidates)[1]
        scene.labels.append(box)
        scene.leaders.append(_leader(anchor, box))
    return [box for _, box in sorted(zip(order, scene.labels, strict=True))]


def overlap(first: Box, second: Box) -> float:
    """Area that two boxes share, in square pixels."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def nearest(box: Box, point: Point) -> Point:
    """The point of a box that is nearest to `point`: where a leader line ends."""
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _crowded_first(anchors: Sequence[Point]) -> list[int]:
    """Anchors with close neighbours choose first, while there is room beside them."""
    space = [sum(1 / (1 + hypot(a[0] - b[0], a[1] - b[1])) for b in anchors) for a in anchors]
    return sorted(range(len(anchors)), key=lambda index: (-space[index], index))


def _cost(box: Box, anchor: Point, scene: _Scene) -> float:
    """Distance in pixels, plus what covering and crossing are worth in the same unit."""
    own = _leader(anchor, box)
    crossings = sum(_meet(own, [label]) for label in scene.labels)
    crossings += sum(_meet(line, [box]) for line in scene.leaders)
    tangles = sum(_meet(own, line) for line in scene.leaders)
    covered = _covered(box, [*scene.taken, *scene.labels], scene.frame)
    cost = _COVERING * covered + _CROSSING * (crossings + 0.3 * tangles) + _distance(box, anchor)
    return round(cost, 6)


def _meet(first: Iterable[Box], second: Sequence[Box]) -> bool:
    return any(overlap(one, other) > 0 for one in first for other in second)


def _leader(anchor: Point, box: Box) -> list[Box]:
    """The line from an anchor to its label as small boxes; none for a label right beside it."""
    end = nearest(box, anchor)
    count = int(_distance(box, anchor) // 4)
    shares = (k / count for k in range(2, count))
    line = [(anchor[0] + s * (end[0] - anchor[0]), anchor[1] + s * (end[1] - anchor[1])) for s in shares]
    return [(x - 1, y - 1, x + 1, y + 1) for x, y in line]


def _candidate(anchor: Point, size: Point, reach: float, angle: float) -> Box:
    """A box whose nearest edge is about `reach` away from the anchor in direction `angle`."""
    across, up = cos(angle), sin(angle)
    centre = anchor[0] + across * (reach + size[0] / 2), anchor[1] + up * (reach + size[1] / 2)
    return centre[0] - size[0] / 2, centre[1] - size[1] / 2, centre[0] + size[0] / 2, centre[1] + size[1] / 2


def _covered(box: Box, used: Iterable[Box], frame: Box) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    outside = area - overlap(box, frame)
    return sum(overlap(box, other) for other in used) + 10 * outside


def _distance(box: Box, anchor: Point) -> float:
    end = nearest(box, anchor)
    return hypot(end[0] - anchor[0], end[1] - anchor[1])
