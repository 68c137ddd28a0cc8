from __future__ import annotations

from itertools import combinations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgernn.report.placement import nearest, overlap, place

FRAME = (0.0, 0.0, 440.0, 300.0)
POINTS = st.lists(st.tuples(st.floats(40, 400), st.floats(40, 260)), min_size=1, max_size=6)


@settings(max_examples=25)
@given(POINTS)
@example([(40.0, 54.0), (46.0, 40.0), (54.0, 59.0)])
def test_labels_cover_neither_each_other_nor_a_marker_and_stay_inside(
    points: list[tuple[float, float]],
) -> None:
    markers = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    boxes = place(points, [(70.0, 10.0)] * len(points), markers, FRAME)
    assert len(boxes) == len(points)
    for first, second in combinations(boxes, 2):
        assert overlap(first, second) == 0
    for box in boxes:
        assert sum(overlap(box, marker) for marker in markers) == 0
        assert overlap(box, FRAME) == (box[2] - box[0]) * (box[3] - box[1])


def test_a_lone_label_stands_right_beside_its_point() -> None:
    (box,) = place([(200.0, 150.0)], [(60.0, 10.0)], [(195.0, 145.0, 205.0, 155.0)], FRAME)
    x, y = nearest(box, (200.0, 150.0))
    assert abs(x - 200) + abs(y - 150) <= 12


def test_labels_come_back_in_the_order_of_their_points() -> None:
    points = [(60.0, 60.0), (380.0, 240.0), (62.0, 66.0), (64.0, 60.0)]
    boxes = place(points, [(40.0, 10.0)] * 4, [], FRAME)
    assert boxes[1][0] > 300
    assert all(box[0] < 200 for index, box in enumerate(boxes) if index != 1)
