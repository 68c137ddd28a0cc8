"""The order of packed weights, against its formula in edgernn_runtime.h."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgernn.targets.c.packing import packed, unpacked


@given(rows=st.integers(1, 70), columns=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_every_weight_lies_where_the_header_says(rows: int, columns: int, seed: int) -> None:
    weight = np.random.default_rng(seed).integers(-127, 128, (rows, columns)).astype(np.int8)
    values, groups, left = packed(weight), -(-columns // 4), packed(weight).astype(np.int64)
    for row in range(rows):
        top = row - row % 16
        height = min(16, -(-(rows - top) // 4) * 4)
        for column in range(columns):
            place = top * groups * 4 + (column // 4 * height + row - top) * 4 + column % 4
            assert values[place] == weight[row, column]
            left[place] = 0
    assert not left.any(), "what fills up is 0"
    assert len(values) == -(-rows // 4) * groups * 16
    np.testing.assert_array_equal(unpacked(values, rows, columns), weight)
