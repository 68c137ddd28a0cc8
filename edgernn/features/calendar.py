"""Where in the day, the week and the year a time lies, as a point on a circle: midnight is next to 23:59."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

import numpy as np

from edgernn.network import Channel, Cycle, Wave

WAVES = get_args(Wave)


def channels(cycles: Sequence[Cycle], time: str) -> tuple[Channel, ...]:
    """What `encode` gives, of the times in the column `time`."""
    return tuple(
        Channel(f"{cycle}_{wave}", "calendar", time, cycle=cycle, wave=wave) for cycle in cycles for wave in WAVES
    )


def encode(times: Sequence[datetime], cycles: Sequence[Cycle]) -> np.ndarray:
    """Sine and cosine of the part of each cycle that has gone by, float32 [times, 2 * cycles].

    A week begins on Monday. A year's part is its share of that year's own days.
    """
    parts = [np.array([_PARTS[cycle](time) for time in times]) for cycle in cycles]
    sides = [side(2 * np.pi * part) for part in parts for side in (np.sin, np.cos)]
    return np.stack(sides, axis=1).astype(np.float32) if sides else np.zeros((len(times), 0), np.float32)


def value(time: datetime, channel: Channel) -> np.float32:
    """One channel of the calendar at one time: what `encode` gives for it."""
    assert channel.cycle is not None
    return np.float32(encode([time], [channel.cycle])[0, WAVES.index(channel.wave)])


def _of_day(time: datetime) -> float:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return (time - midnight) / timedelta(days=1)


def _of_week(time: datetime) -> float:
    return (time.weekday() + _of_day(time)) / 7


def _of_year(time: datetime) -> float:
    first, next_first = (datetime(year, 1, 1, tzinfo=time.tzinfo) for year in (time.year, time.year + 1))
    return (time - first) / (next_first - first)


_PARTS = {"day": _of_day, "week": _of_week, "year": _of_year}
