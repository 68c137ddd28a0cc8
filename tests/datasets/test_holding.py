"""What is held, against a loop that does it as it is said; and the same a row at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgernn.datasets import holding
from edgernn.datasets.holding import Holder

START, HOUR = datetime(2026, 1, 30, 21), timedelta(hours=1)
CELLS = st.sampled_from([np.nan, np.nan, 1.0, 2.0, 3.0])
TABLES = arrays.arrays(np.float32, st.tuples(st.integers(1, 25), st.integers(1, 3)), elements=CELLS)
LIMITS = st.integers(0, 6)


def by_hand(values: np.ndarray, begins: np.ndarray, limit: int) -> np.ndarray:
    found = values.copy()
    for channel in range(values.shape[1]):
        last, age = np.nan, 0
        for row in range(len(values)):
            last = np.nan if begins[row] else last
            if np.isnan(values[row, channel]):
                age += 1
                found[row, channel] = last if age <= limit else np.nan
            else:
                last, age = values[row, channel], 0
    return found


@given(TABLES, LIMITS, st.data())
def test_values_are_held_for_so_many_rows_and_not_across_a_gap(
    values: np.ndarray, limit: int, data: st.DataObject
) -> None:
    begins = data.draw(arrays.arrays(np.bool_, len(values)))
    begins[0] = True
    expected = by_hand(values, begins, limit)

    np.testing.assert_array_equal(holding.held(values, begins, limit), expected)

    holder = Holder(values.shape[1], limit)
    for row, first in enumerate(begins):
        if first:
            holder.begin()
        np.testing.assert_array_equal(holder.push(values[row]), expected[row])


@given(TABLES, LIMITS, st.sets(st.integers(1, 23)))
def test_a_missing_row_is_one_of_empty_cells(values: np.ndarray, limit: int, gone: set[int]) -> None:
    """More of them than are held are a gap."""
    kept = [row for row in range(len(values)) if row not in gone]
    number, begins = [kept[0]], [True]
    for before, row in pairwise(kept):
        far = row - before - 1 > limit
        some = [row] if far else list(range(before + 1, row + 1))
        number += some
        begins += [far] + [False] * (len(some) - 1)
    absent = np.isin(number, list(gone))
    table = np.where(absent[:, None], np.float32(np.nan), values[number])
    filled = by_hand(table, np.array(begins), limit)
    whole = ~np.isnan(filled).any(axis=1)

    found = holding.fill(values[kept], [START + HOUR * row for row in kept], 3600.0, limit)

    np.testing.assert_array_equal(found.values, filled[whole])
    assert found.times == [START + HOUR * row for row, there in zip(number, whole, strict=True) if there]
    places = np.flatnonzero(whole)
    assert found.begins.tolist() == [n == 0 or begins[at] or not whole[at - 1] for n, at in enumerate(places)]
    assert found.origin.tolist() == [-1 if absent[at] else kept.index(number[at]) for at in places]
    assert found.rows == np.sum(absent & whole)
    assert found.left_out == np.sum(~absent & ~whole)
    assert found.cells == np.isnan(table[~absent & whole]).sum()


@given(TABLES)
def test_without_it_rows_with_an_empty_cell_are_gaps(values: np.ndarray) -> None:
    found = holding.fill(values, [], 0.0, 0)

    whole = np.flatnonzero(~np.isnan(values).any(axis=1))
    assert found.origin.tolist() == whole.tolist()
    assert found.begins.tolist() == [at == 0 or whole[at] - whole[at - 1] > 1 for at in range(len(whole))]
    assert (found.times, found.rows, found.cells) == ([], 0, 0)
