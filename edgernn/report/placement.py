"""Labels beside their points, without overlaps. Boxes are (left, bottom, right, top) in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, hypot, inf, pi, sin

Box = tuple[float, float, float, float]
Point = tuple[float, float]

_REACH = (10, 16, 24, 34, 46, 60, 76, 94, 114, 136, 160)
_ANGLES = tuple(2 * pi * k / 16 for k in range(16))
_COVERING = 3.0  # pixels of distance that one covered square pixel is worth
_COVERED = 1000.0  # and that there is one at all: only where there is no room
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
        box = _cheapest(anchor, sizes[index], scene)
        scene.labels.append(box)
        scene.leaders.append(_leader(anchor, box))
    return [box for _, box in sorted(zip(order, scene.labels, strict=True))]


def overlap(first: Box, second: Box) -> float:
    """Area that two boxes share, in square pixels."""
    if not _touch(first, second):
        return 0.0
    width = min(first[2], second[2]) - max(first[0], second[0])
    return width * (min(first[3], second[3]) - max(first[1], second[1]))


def nearest(box: Box, point: Point) -> Point:
    """The point of a box that is nearest to `point`: where a leader line ends."""
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _crowded_first(anchors: Sequence[Point]) -> list[int]:
    """Anchors with close neighbours choose first, while there is room beside them."""
    space = [sum(1 / (1 + hypot(a[0] - b[0], a[1] - b[1])) for b in anchors) for a in anchors]
    return sorted(range(len(anchors)), key=lambda index: (-space[index], index))


def _cheapest(anchor: Point, size: Point, scene: _Scene) -> Box:
    """The candidate of least cost, nearest first; none further away than the best costs is tried."""
    candidates = [_candidate(anchor, size, reach, angle) for reach, angle in product(_REACH, _ANGLES)]
    ranked = sorted((_distance(box, anchor), box) for box in candidates)
    cost, best = inf, ranked[0][1]
    for distance, box in ranked:
        if distance >= cost:
            break
        cost, best = min((cost, best), (_cost(box, anchor, scene), box))
    return best


def _cost(box: Box, anchor: Point, scene: _Scene) -> float:
    """Distance in pixels, plus what covering and crossing are worth in the same unit."""
    own = _leader(anchor, box)
    crossings = sum(_meet(own, [label]) for label in scene.labels)
    crossings += sum(_meet(line, [box]) for line in scene.leaders)
    tangles = sum(_meet(own, line) for line in scene.leaders)
    covered = _covered(box, [*scene.taken, *scene.labels], scene.frame)
    cost = (
        _COVERED * (covered > 0)
        + _COVERING * covered
        + _CROSSING * (crossings + 0.3 * tangles)
        + _distance(box, anchor)
    )
    return round(cost, 6)


def _touch(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _meet(first: Iterable[Box], second: Sequence[Box]) -> bool:
    return any(_touch(one, other) for one in first for other in second)


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
