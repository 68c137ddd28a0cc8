"""Values that are missing from a series, in their place the last one before: for a few rows, no longer.

It is what a device can do, too; between two values it could not tell the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from edgernn.datasets import times
from edgernn.datasets.splits import LeftOut, counted


class Filled(NamedTuple):
    """The rows of a series in which no value is missing any more, or none at all.

    `values` are float32 [frames, channels], `times` theirs where there are any. `begins` bool [frames] is True at
    the first and after every gap, `origin` int64 [frames] the number of the row in what was read, -1 where one was
    missing. `cells` and `rows` count what was filled, `left_out` the rows that still lack a value.
    """

    values: np.ndarray
    times: list[datetime]
    begins: np.ndarray
    origin: np.ndarray
    cells: int
    rows: int
    left_out: int


def fill(values: np.ndarray, found: Sequence[datetime], usual: float, limit: int) -> Filled:
    """Hold the values before NaN in `values` [rows, channels], and before rows that are missing, for `limit` rows.

    Rows are of the times `found`, `usual` seconds apart (0: any time); of rows without times none can be missing.
    More missing rows than `limit` are a gap, and so are rows that still lack a value. No value is held across one.
    """
    count = len(values)
    missing = np.array([times.missing(*pair, usual) for pair in pairwise(found)] or [0] * (count - 1), np.int64)
    added = np.where(missing <= limit, missing, 0)
    places = np.repeat(np.arange(1, count), added)
    origin = np.insert(np.arange(count), places, -1)
    begins = np.insert(np.append(True, missing > limit), places, False)
    filled = held(np.insert(values, places, np.float32(np.nan), axis=0), begins, limit)
    whole = ~np.isnan(filled).any(axis=1)
    stretch = np.cumsum(begins | ~whole)[whole]
    own = whole[origin >= 0]
    return Filled(
        values=filled[whole],
        times=[time for time, there in zip(_with(found, added, usual), whole, strict=False) if there],
        begins=np.append(True, stretch[1:] != stretch[:-1])[: len(stretch)],
        origin=origin[whole],
        cells=int(np.isnan(values[own]).sum()),
        rows=int(np.sum(whole & (origin < 0))),
        left_out=int(np.sum(~own)),
    )


def nothing(columns: Sequence[str]) -> str:
    """What is wrong where not one row is whole."""
    return f"no row has a value in each of {', '.join(columns)}, or one before to hold"


def told(found: Sequence[Filled], limit: int) -> tuple[LeftOut, ...]:
    """What was filled in all of them, and what was left out."""
    return counted(
        LeftOut(sum(one.cells for one in found), "empty cells", f"data.hold: {limit}", filled=True),
        LeftOut(sum(one.rows for one in found), "missing rows", f"data.hold: {limit}", filled=True),
        LeftOut(
            sum(one.left_out for one in found), "rows", f"an empty cell, and no value in the {limit} rows before"
        ),
    )


def held(values: np.ndarray, begins: np.ndarray, limit: int) -> np.ndarray:
    """Values [rows, channels] with each NaN as in the row before, for up to `limit` rows; what is left stays NaN.

    Nothing is held where `begins` bool [rows] is True.
    """
    number = np.arange(len(values))
    reach = np.minimum(limit, times.frames_since(begins))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, number[:, None]), axis=0)
    there = number[:, None] - last <= reach[:, None]
    return np.where(there, np.take_along_axis(values, np.maximum(last, 0), axis=0), np.float32(np.nan))


class Holder:
    """What `held` does, a row at a time."""

    def __init__(self, channels: int, limit: int) -> None:
        self.limit = limit
        self.last = np.full(channels, np.nan, np.float32)
        self.age = np.zeros(channels, np.int64)

    def begin(self) -> None:
        """Nothing is held any more."""
        self.last = np.full_like(self.last, np.nan)

    def push(self, values: np.ndarray) -> np.ndarray:
        """The values float32 [channels] of the next row; what stays missing is NaN."""
        there = ~np.isnan(values)
        self.last, self.age = np.where(there, values, self.last), np.where(there, 0, self.age + 1)
        return np.where(self.age <= self.limit, self.last, np.float32(np.nan))


def between(before: datetime, count: int, usual: float) -> list[datetime]:
    """The times of `count` rows that are missing after one."""
    return [before + timedelta(seconds=usual) * number for number in range(1, count + 1)]


def _with(found: Sequence[datetime], added: np.ndarray, usual: float) -> list[datetime]:
    """All times, those of missing rows among them."""
    later = zip(found, added, found[1:], strict=False)
    return [*found[:1], *chain.from_iterable((*between(one, count, usual), time) for one, count, time in later)]
