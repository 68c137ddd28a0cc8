"""The times of the rows of a series, and where rows are missing between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

FACTOR = 1.5  # a step in time that is longer than so many usual ones is a gap: one missing row makes it 2
HOUR = timedelta(hours=1)
SPRING = (3, 4, 9, 10, 11)  # the months in which clocks are set forward, north and south


def read(cell: str, before: datetime | None) -> datetime:
    """The time that a cell says, after a row of the time `before`.

    Raises ValueError with what is wrong: it is no time, not after `before`, or only one of them has an offset.
    """
    time = _parsed(cell)
    if before is None:
        return time
    if (time.tzinfo is None) != (before.tzinfo is None):
        one, other = ("no", "one") if time.tzinfo is None else ("an", "none")
        raise ValueError(f"{cell} has {one} offset from UTC, and the row before has {other}; write all alike")
    if time <= before:
        raise ValueError(f"{cell} is not after {before} of the row before; sort the rows by time")
    return time


def spacing(times: Sequence[datetime]) -> float:
    """The usual time from one row to the next, in seconds: the median. 0 of a single row."""
    steps = sorted((time - before).total_seconds() for before, time in pairwise(times))
    return steps[(len(steps) - 1) // 2] if steps else 0.0


def is_gap(before: datetime, time: datetime, usual: float) -> bool:
    """Whether rows are missing between two that follow each other; rows are `usual` seconds apart, 0: any time."""
    step = time - before
    return bool(usual) and step.total_seconds() > FACTOR * usual and not _set_forward(time, step, usual)


def missing(before: datetime, time: datetime, usual: float) -> int:
    """How many rows are missing between two that follow each other."""
    return round((time - before).total_seconds() / usual) - 1 if is_gap(before, time, usual) else 0


def frames_since(begins: np.ndarray) -> np.ndarray:
    """How many frames are directly before each one, int64 [frames], back to one that `begins`, bool [frames]."""
    number = np.arange(len(begins))
    return number - np.maximum.accumulate(np.where(begins, number, 0))


def _parsed(cell: str) -> datetime:
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"{cell[:40]!r} is not a time; write it as 2026-01-31 13:00:00") from None


def _set_forward(time: datetime, step: timedelta, usual: float) -> bool:
    """Whether a clock that tells no offset was set forward for summer: by an hour, early on a Sunday."""
    early = time.tzinfo is None and time.month in SPRING and time.weekday() == 6 and 1 <= time.hour <= 3
    return early and HOUR < step <= HOUR + timedelta(seconds=FACTOR * usual)
