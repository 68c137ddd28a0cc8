"""The user's own events in a CSV file: a row an event, those of an entity in order of time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgernn.datasets import csv_windows
from edgernn.datasets.event_sections import EventsData, Predict
from edgernn.datasets.event_table import Events, Texts, codes
from edgernn.datasets.sections import DataSection
from edgernn.errors import InputError

NUMBER, CALENDAR, ZONED = "units of time", "days", "days of a clock with a zone"
FLOAT32_MAX = float(np.finfo(np.float32).max)
_EPOCH = datetime(1970, 1, 1)


class Cell(NamedTuple):
    """A cell of a file, and where it is."""

    text: str
    path: Path
    row: int
    column: str

    def fault(self, what: str) -> InputError:
        return InputError(f"{self.path}, row {self.row}, column {self.column}: {what}")


def load(section: DataSection, base: Path) -> Events:
    """The events of a CSV file; see `read`."""
    assert isinstance(section, EventsData)
    return read(base / section.path, section)


def read(path: Path, section: EventsData) -> Events:
    """The events in a file, entities in the order in which they first appear.

    Raises:
        InputError: the file is missing, empty or not CSV; a column is missing; an entity, a time or a target is
            missing; a cell is not a finite number or not a time; a time is before the one of the entity's event
            before; an entity that has one answer has two. With file, row (the header is row 1) and column.
    """
    names = (section.entity, section.time, section.target, *section.columns, *section.categories)
    return made(columns_of(path, names), section, str(path))


def made(columns: Mapping[str, Sequence[Cell]], section: EventsData, where: str, answered: bool = True) -> Events:
    """The events in the cells of columns, from the file `where`; without `answered` a target may be missing.

    Raises InputError as `read` does.
    """
    entity = codes([there(cell, "name whose event it is").text for cell in columns[section.entity]])
    order = np.argsort(entity.codes, kind="stable")
    times, unit = times_of(columns[section.time])
    values = [[_number(cell, missing=True) for cell in columns[name]] for name in section.columns]
    with np.errstate(over="ignore"):
        table = np.array(values, np.float64).astype(np.float32).reshape(len(section.columns), -1).T
    answers = _answers(columns[section.target], section.predict, order) if answered else _known(columns, section)
    events = Events(
        entity=entity.codes[order].astype(np.int64),
        entities=entity.names,
        time=times[order],
        unit=unit,
        values=table[order] if section.columns else np.zeros((len(order), 0), np.float32),
        columns=section.columns,
        texts={name: codes([columns[name][i].text for i in order]) for name in section.categories},
        answers=answers,
        target=section.target,
        asked=answers.codes >= 0 if isinstance(answers, Texts) else np.ones(len(order), bool),
        row=np.array([cell.row for cell in columns[section.time]])[order],
        where=where,
    )
    _refuse_backwards(events, [columns[section.time][i] for i in order])
    if answered and section.answer == "entity":
        _refuse_changing(events, [columns[section.target][i] for i in order])
    return events


def rows(read: csv_windows.Rows, section: EventsData) -> Iterator[dict[str, Cell]]:
    """The cells of each row by their columns, as soon as it is there; where there is no target, without one.

    Raises InputError when a column is missing that the section needs to make frames, and at a row with a fault.
    """
    needed = [section.entity, section.time, *section.columns, *section.categories]
    needed += [section.target] if section.known_after is not None else []
    header = csv_windows.header(next(read.read, []), read.name, (), needed).names
    for number, row in enumerate(read.read, 2):
        if row and len(row) != len(header):
            raise InputError(f"{read.name}, row {number}: has {len(row)} cells, and the header has {len(header)}")
        if row:
            cells = zip(header, row, strict=True)
            yield {name: Cell(text.strip(), read.name, number, name) for name, text in cells}


def columns_of(path: Path, names: Sequence[str]) -> dict[str, list[Cell]]:
    """The cells of the columns `names`, without the blanks around them."""
    with csv_windows.telling(path), csv_windows.text_file(path) as file:
        reader = csv_windows.table(file, path)
        head = csv_windows.header(next(reader, []), path, (), names)
        rows = [(number, row) for number, row in enumerate(reader, 2) if row]
    wrong = next(((number, row) for number, row in rows if len(row) != len(head.names)), None)
    if wrong:
        raise InputError(f"{path}, row {wrong[0]}: has {len(wrong[1])} cells, and the header has {len(head.names)}")
    if not rows:
        raise InputError(f"{path}: has a header and no rows")
    places = {name: head.names.index(name) for name in names}
    return {
        name: [Cell(row[place].strip(), path, number, name) for number, row in rows]
        for name, place in places.items()
    }


def there(cell: Cell, remedy: str) -> Cell:
    """The cell; InputError, with what to do, where it is empty."""
    if not cell.text:
        raise cell.fault(f"the cell is empty; {remedy}, or remove the row")
    return cell


def _number(cell: Cell, missing: bool = False) -> float:
    """A finite number that float32 holds; not a number for an empty cell where one may be missing."""
    if missing and not cell.text:
        return math.nan
    try:
        value = float(cell.text)
    except ValueError:
        raise cell.fault(f"{cell.text[:40]!r} is not a number; a missing value is an empty cell") from None
    if not abs(value) <= FLOAT32_MAX:
        raise cell.fault(f"{cell.text[:40]} is not a finite 32-bit number; a missing value is an empty cell")
    return value


def times_of(cells: Sequence[Cell]) -> tuple[np.ndarray, str]:
    """Times float64 [rows], and their unit: the column's own, or days; the first row says which."""
    first = _time(there(cells[0], "give its time"))[1]
    found = np.empty(len(cells))
    for i, cell in enumerate(cells):
        found[i], kind = _time(there(cell, "give its time"))
        if kind != first:
            raise cell.fault(f"{cell.text[:40]!r} is written in another way than the first row; use one for all")
    return found, NUMBER if first == NUMBER else CALENDAR


def _time(cell: Cell) -> tuple[float, str]:
    """A time, and how it is written."""
    try:
        value = float(cell.text)
    except ValueError:
        return _calendar(cell)
    if not math.isfinite(value):
        raise cell.fault(f"{cell.text[:40]} is not a finite number")
    return value, NUMBER


def _calendar(cell: Cell) -> tuple[float, str]:
    try:
        time = datetime.fromisoformat(cell.text)
    except ValueError:
        raise cell.fault(
            f"{cell.text[:40]!r} is neither a number nor a time; write it as 2026-01-31 13:00:00"
        ) from None
    if time.tzinfo is None:
        return (time - _EPOCH) / timedelta(days=1), CALENDAR
    return (time - _EPOCH.replace(tzinfo=UTC)) / timedelta(days=1), ZONED


def _answers(cells: Sequence[Cell], predict: Predict, order: np.ndarray) -> Texts | np.ndarray:
    filled = [there(cell, "give the answer") for cell in cells]
    if predict == "class":
        return codes([filled[i].text for i in order])
    return np.array([_number(filled[i]) for i in order])


def _known(columns: Mapping[str, Sequence[Cell]], section: EventsData) -> Texts:
    """The answers that are there, of events of one entity."""
    missing = [Cell("", cell.path, cell.row, section.target) for cell in columns[section.time]]
    return codes([cell.text for cell in columns.get(section.target, missing)])


def _refuse_backwards(events: Events, cells: Sequence[Cell]) -> None:
    same = events.entity[1:] == events.entity[:-1]
    found = np.flatnonzero(same & (np.diff(events.time) < 0))
    if len(found):
        before, cell = (cells[found[0] + i] for i in (0, 1))
        raise cell.fault(
            f"{cell.text} is before {before.text} of row {before.row}, the event before of "
            f"{events.entities[events.entity[found[0]]]}; sort the rows of each entity by time"
        )


def _refuse_changing(events: Events, cells: Sequence[Cell]) -> None:
    answers = events.answers if isinstance(events.answers, np.ndarray) else events.answers.codes
    found = np.flatnonzero((events.entity[1:] == events.entity[:-1]) & (answers[1:] != answers[:-1]))
    if len(found):
        before, cell = (cells[found[0] + i] for i in (0, 1))
        raise cell.fault(
            f"{cell.text} is not {before.text} of row {before.row}, and "
            f"{events.entities[events.entity[found[0]]]} has one answer; correct one, or use answer: event"
        )
