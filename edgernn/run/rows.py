"""The frames that a network reads, of the rows of a file: those that training made of them.

Of a recording that is every n-th row, of a series the row with the calendar and earlier values.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgernn.datasets import csv_windows, times
from edgernn.datasets.csv_windows import Cells
from edgernn.errors import InputError
from edgernn.features import calendar
from edgernn.network import Channel, Network, Times

_LOG = logging.getLogger(__name__)


class Frame(NamedTuple):
    """A frame float32 [channels], and its row in the file; frames of one `stretch` have no gap between them."""

    row: int
    stretch: int
    values: np.ndarray


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
    def longest(self) -> int:
        """Of the lags to make."""
        return max((one.frames for one in self.made.values()), default=0)

    def frame(self, network: Network, cells: Cells, time: datetime | None, past: deque[np.ndarray]) -> np.ndarray:
        """The frame of a row, float32 [channels]; 0 where a lag is not there yet."""
        values = np.zeros(len(network.channels), np.float32)
        values[list(self.places)] = cells.values
        for place, one in self.made.items():
            if one.kind == "calendar":
                assert time is not None  # they are read where a channel of the calendar is made
                values[place] = calendar.value(time, one)
            elif one.frames <= len(past):
                values[place] = past[-one.frames][network.channels.index(one.column)]
        return values


def by_row(network: Network) -> bool:
    """Whether frames are not simply the rows, one after the other, so that an answer tells its row."""
    return network.every > 1 or network.times is not None or any(one.derived for one in network.encoding)


def frames(read: csv_windows.Rows, network: Network) -> Iterator[Frame]:
    """A network's frames, each as soon as its row is there.

    A row whose lags are not all there is none. After a gap in time a stretch begins, with lags of its own.

    Raises InputError at a row with a fault, when the frames before it are given; and at the end when lags are
    longer than all stretches.
    """
    return islice(_made(read, network), 0, None, network.every)


def _made(read: csv_windows.Rows, network: Network) -> Iterator[Frame]:
    bare = read.headless(network.channels)
    plan = Plan.of(network, list(network.channels) if bare else [name.strip() for name in read.first()])
    text = [plan.times.column] if plan.times else []
    before: datetime | None = None
    past: deque[np.ndarray] = deque(maxlen=plan.longest)
    stretch, given = 0, False
    for cells in csv_windows.cells_of(read, plan.read, text):
        time = _time(cells, plan.times, before, read.name) if plan.times else None
        if plan.times and time and before and times.is_gap(before, time, plan.times.spacing):
            _LOG.warning("%s, row %d: %s after the row before; it begins anew", read.name, cells.row, time - before)
            past.clear()
            stretch += 1
        before = time
        values = plan.frame(network, cells, time, past)
        if len(past) == plan.longest:
            given = True
            yield Frame(cells.row, stretch, values)
        past.append(values)
    if not given:
        longest = max(plan.made.values(), key=lambda one: one.frames)
        raise InputError(
            f"{read.name}: no row has {plan.longest} others before it without a gap, which {longest.name} takes; "
            "give it more rows"
        )


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
