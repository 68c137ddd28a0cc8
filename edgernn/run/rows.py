"""The frames that a network reads, of the rows of a file: those that training made of them.

Of a recording that is every n-th row, of a series the row with the calendar and earlier values.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgernn.datasets import csv_windows, holding, times
from edgernn.datasets.csv_windows import Cells
from edgernn.datasets.holding import Holder
from edgernn.errors import InputError
from edgernn.features import calendar
from edgernn.network import Channel, Network, Times

_LOG = logging.getLogger(__name__)


class Frame(NamedTuple):
    """A frame float32 [channels], and its row in the file; frames of one `stretch` have no gap between them.

    Of a row that is `missing` it holds what was there before, and `row` is the one that came in its place.
    """

    row: int
    stretch: int
    values: np.ndarray
    missing: bool = False


class Reading(NamedTuple):
    """What a row says, float32 [channels read], NaN where there is nothing, and its time where times are read."""

    values: np.ndarray
    time: datetime | None
    missing: bool = False


@dataclass(frozen=True)
class Plan:
    """What a file has of a network's channels, and what is to be made.

    `read` are the columns of the channels at `places`, `made` the other channels by their places. `times` is there
    where times are read.
    """

    read: tuple[str, ...]
    places: tuple[int, ...]
    made: Mapping[int, Channel]
    times: Times | None

    @classmethod
    def of(cls, network: Network, header: list[str]) -> Plan:
        """A column that has a channel's name is that channel."""
        derived = {place: one for place, one in enumerate(network.encoding) if one.derived}
        made = {place: one for place, one in derived.items() if one.name not in header}
        places = tuple(place for place in range(len(network.channels)) if place not in made)
        read = tuple(_column(network, place, header) for place in places)
        asked = any(one.kind == "calendar" for one in made.values())
        there = bool(network.times and network.times.column in header and (made or not derived))
        return cls(read, places, made, network.times if asked or there else None)

    @property
    def text(self) -> list[str]:
        """The columns to read as text."""
        return [self.times.column] if self.times else []

    @property
    def spacing(self) -> float:
        """Seconds from one row to the next; 0: any."""
        return self.times.spacing if self.times else 0.0

    @property
    def longest(self) -> int:
        """Of the lags to make."""
        return max((one.frames for one in self.made.values()), default=0)

    def frame(self, network: Network, reading: Reading, past: deque[np.ndarray]) -> np.ndarray:
        """The frame of a row, float32 [channels]; 0 where a lag is not there yet."""
        values = np.zeros(len(network.channels), np.float32)
        values[list(self.places)] = reading.values
        for place, one in self.made.items():
            if one.kind == "calendar":
                assert reading.time is not None  # they are read where a channel of the calendar is made
                values[place] = calendar.value(reading.time, one)
            elif one.frames <= len(past):
                values[place] = past[-one.frames][network.channels.index(one.column)]
        return values


def by_row(network: Network) -> bool:
    """Whether frames are not simply the rows, one after the other, so that an answer tells its row."""
    made = any(one.derived for one in network.encoding)
    return network.every > 1 or network.hold > 0 or network.times is not None or made


def frames(read: csv_windows.Rows, network: Network) -> Iterator[Frame]:
    """A network's frames, each as soon as its row is there.

    A row whose lags are not all there is none. What is missing takes the value before for `hold` rows; after more,
    and after a gap in time, a stretch begins, with lags of its own.

    Raises InputError at a row with a fault, when the frames before it are given; and at the end when lags are
    longer than all stretches.
    """
    for _, stretch in groupby(_made(read, network), lambda frame: frame.stretch):
        yield from islice(stretch, 0, None, network.every)


def _made(read: csv_windows.Rows, network: Network) -> Iterator[Frame]:
    bare = read.headless(network.channels)
    plan = Plan.of(network, list(network.channels) if bare else [name.strip() for name in read.first()])
    past: deque[np.ndarray] = deque(maxlen=plan.longest)
    stretch, given = 0, False
    for row, reading in _readings(read, plan, network.hold):
        if reading is None:
            past.clear()
            stretch += 1
            continue
        values = plan.frame(network, reading, past)
        if len(past) == plan.longest:
            given = True
            yield Frame(row, stretch, values, reading.missing)
        past.append(values)
    if not given:
        raise InputError(f"{read.name}: {_nothing(plan)}; give it more rows")


def _nothing(plan: Plan) -> str:
    """Why no row became a frame."""
    if not plan.made:
        return holding.nothing(plan.read)
    longest = max(plan.made.values(), key=lambda one: one.frames)
    return f"no row has {plan.longest} others before it without a gap, which {longest.name} takes"


def _readings(read: csv_windows.Rows, plan: Plan, hold: int) -> Iterator[tuple[int, Reading | None]]:
    """What each row says, after up to `hold` rows that are missing before it; None where a gap is.

    A value that is missing is the one before, for up to `hold` rows; where it stays missing is a gap, too.
    """
    holder, broken, before = Holder(len(plan.read), hold), False, None
    for cells in csv_windows.cells_of(read, plan.read, plan.text, plan.read if hold else ()):
        time = _time(cells, plan.times, before, read.name) if plan.times else None
        missing = times.missing(before, time, plan.spacing) if time and before else 0
        if time and before and missing > hold:
            _LOG.warning("%s, row %d: %s after the row before; it begins anew", read.name, cells.row, time - before)
            holder.begin()
            yield cells.row, None
        for reading in _with_missing(cells, before, time, missing if missing <= hold else 0, plan.spacing):
            held = holder.push(reading.values)
            lacks = bool(np.isnan(held).any())
            if lacks and not broken:
                _LOG.warning(
                    "%s, row %d: lacks a value, and has none to hold; it begins anew", read.name, cells.row
                )
            broken = lacks
            yield cells.row, None if lacks else reading._replace(values=held)
        before = time


def _with_missing(
    cells: Cells, before: datetime | None, time: datetime | None, missing: int, spacing: float
) -> Iterator[Reading]:
    """A row after those that are missing before it."""
    for one in holding.between(before, missing, spacing) if before else ():
        yield Reading(np.full_like(cells.values, np.nan), one, missing=True)
    yield Reading(cells.values, time)


def _column(network: Network, place: int, header: list[str]) -> str:
    """The column of a channel: one of its name, else the one that training had it from."""
    name, one = network.channels[place], network.encoding[place] if network.encoding else None
    other = one.column if one and one.kind == "measured" else name
    return other if name not in header and other in header else name


def _time(cells: Cells, column: Times, before: datetime | None, name: Path) -> datetime:
    try:
        return times.read(cells.text[0], before)
    except ValueError as error:
        raise InputError(f"{name}, row {cells.row}, column {column.column}: {error}") from None
