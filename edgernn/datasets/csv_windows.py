"""The user's own recordings in CSV: one file, or all `*.csv` files below a folder.

The first row names the columns. Rows are samples in order of time. A new recording starts with another file,
another value of the `series` column, and wherever the label or the group changes.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from edgernn.datasets import holding
from edgernn.datasets.holding import Filled
from edgernn.datasets.sections import CsvData, DataSection
from edgernn.datasets.series import Recordings, Series
from edgernn.errors import InputError

EMPTY, HOLD = "the cell is empty", "; fill it, or let data.hold give it the value before"
STANDARD_INPUT = 0  # the file descriptor
_CHUNK = 50_000  # rows parsed at a time: bounds the memory that cells take as text
LATER = "surrogateescape"  # bytes that are no UTF-8 are refused with their line, and not with a block of lines


@dataclass(frozen=True)
class Columns:
    """Where in a row to look: channels, and the text columns; `names` is the whole header.

    `hold` can give cells of the channels `holdable` a value; with `held` it does, and they may be empty.
    """

    channels: tuple[int, ...]
    text: tuple[int, ...]
    names: tuple[str, ...]
    holdable: frozenset[int] = frozenset()
    held: bool = False

    @property
    def lacking(self) -> frozenset[int]:
        """The channels whose cells may be empty."""
        return self.holdable if self.held else frozenset()

    def holding(self, names: Sequence[str], held: bool) -> Columns:
        """The same, with those channels holdable."""
        return replace(self, holdable=frozenset(i for i in self.channels if self.names[i] in names), held=held)


@dataclass(frozen=True, eq=False)
class Text:
    """A text column: the cell of row i is names[codes[i]]."""

    codes: np.ndarray  # int32 [rows]
    names: tuple[str, ...]

    def at(self, row: int) -> str:
        return self.names[self.codes[row]]


def load(section: DataSection, base: Path) -> Recordings:
    """The recordings of a CSV file or folder; labels in alphabetical order.

    An empty cell of a channel takes the value before for `hold` rows; after more, another recording begins.

    Raises:
        InputError: a file is missing, empty or not CSV, a column is missing, a cell is empty, or a
            channel's cell is not a finite number; with file, row (the header is row 1) and column.
    """
    assert isinstance(section, CsvData)
    root = base / section.path
    found = [one for path in _files(root) for one in _recordings(path, root, section)]
    series = tuple(chain.from_iterable(some for some, _ in found))
    if not series:
        raise InputError(f"{root}: {holding.nothing(section.columns)}")
    return Recordings(
        series=series,
        labels=tuple(sorted({one.label for one in series})),
        channels=section.columns,
        rate_hz=section.rate_hz,
        hold=section.hold,
        left_out=holding.told([filled for _, filled in found], section.hold),
    )


def read(
    path: Path, channels: Sequence[str], text: Sequence[str], holdable: Sequence[str] = (), held: bool = False
) -> tuple[np.ndarray, dict[str, Text]]:
    """Columns of one file: the channels as float32 [rows, channels], and the text columns by name.

    Cells of the channels `holdable` may be empty where they are `held`, which is NaN.

    Raises:
        InputError: as `load`.
    """
    with telling(path), text_file(path) as file:
        rows = table(file, path)
        return _parse(rows, path, header(next(rows, []), path, channels, text).holding(holdable, held))


def row_of(path: Path, sample: int) -> int:
    """The row of a file, the header being row 1, that `read` gave as its row `sample`, without blank lines."""
    with telling(path), text_file(path) as file:
        filled = (number for number, row in enumerate(table(file, path), 1) if row)
        return next(islice(filled, sample + 1, None))


class Cells(NamedTuple):
    """What one row of a file says: its number, float32 [channels], and the cells of text."""

    row: int
    values: np.ndarray
    text: tuple[str, ...]


class Rows:
    """The rows of a CSV file, each as soon as its line is there; `bare` ones may lack a header."""

    def __init__(self, read: Iterator[list[str]], name: Path, bare: bool) -> None:
        self.read, self.name, self.bare = read, name, bare

    def first(self) -> list[str]:
        """The row that comes next, which comes again; empty where there is none."""
        row = next(self.read, [])
        self.read = chain([row], self.read)
        return row

    def headless(self, channels: Sequence[str]) -> bool:
        """Whether there is no header: the row that comes next is a frame, its cells the channels."""
        first = self.first()
        frame = bool(first) and first != list(channels) and _numbers([first], _all(channels)) is not None
        return self.bare and frame


@contextmanager
def opened(path: Path) -> Iterator[Rows]:
    """The rows of a file, or with `-` of standard input; what is wrong with it is told as InputError."""
    live = str(path) == "-"
    name = Path("standard input") if live else path
    with telling(name), text_file(STANDARD_INPUT if live else path) as file:
        yield Rows(table(file, name), name, live)


def cells_of(
    rows: Rows, channels: Sequence[str], text: Sequence[str] = (), lacking: Sequence[str] = ()
) -> Iterator[Cells]:
    """The channels of every row and its cells of text, each as soon as its line is there.

    Of `bare` rows the header may be missing: the first row is then a frame, its cells the channels. Cells of the
    channels `lacking` may be empty, which is NaN.

    Raises InputError as `load`, at the row with the fault, when the rows before it were given.
    """
    bare = rows.headless(channels)
    columns = _all(channels) if bare else header(next(rows.read, []), rows.name, channels, text)
    columns = columns.holding(lacking, held=True)
    empty = not bare
    for number, row in enumerate(rows.read, 1 if bare else 2):
        if not row:
            continue
        yield _cells(row, number, columns, rows.name, bare)
        empty = False
    if empty:
        raise InputError(f"{rows.name}: has a header and no rows")


def _all(channels: Sequence[str]) -> Columns:
    """Where the cells of a row without a header are: they are the channels."""
    return Columns(tuple(range(len(channels))), (), tuple(channels))


def _cells(row: list[str], number: int, columns: Columns, path: Path, bare: bool) -> Cells:
    values = _numbers([row], columns)
    if values is None and bare and len(row) != len(columns.names):
        raise InputError(
            f"{path}, row {number}: has {len(row)} cells, and the network has {len(columns.names)} channels"
        )
    if values is None or any(not row[i].strip() for i in columns.text):
        raise InputError(f"{path}, {_first_fault([row], number, columns)}")
    return Cells(number, values[0], tuple(row[i].strip() for i in columns.text))


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise InputError(f"{root}: no such file or folder; correct data.path")
    files = sorted(path for path in root.rglob("*.csv") if path.is_file())
    if not files:
        raise InputError(f"{root}: the folder holds no .csv file")
    return files


def _recordings(path: Path, root: Path, section: CsvData) -> Iterator[tuple[list[Series], Filled]]:
    """Of each recording what was made of it: more than one where values are missing for too long."""
    wanted = (section.label, section.group, section.series)
    columns = [c for c in wanted if c not in (None, "file", "folder")]
    values, text = read(path, section.columns, columns, section.columns, section.hold > 0)
    name = path.name if path == root else path.relative_to(root).as_posix()
    same = np.zeros(len(values), np.int32)
    text = {**text, "file": Text(same, (name,)), "folder": Text(same, (path.resolve().parent.name,))}
    label, group = text[section.label], text[section.group]
    series = text[section.series] if section.series else text["file"]
    for number, rows in enumerate(_runs(series.codes, label.codes, group.codes), 1):
        filled = holding.fill(values[rows], [], 0.0, section.hold)
        about = (label.at(rows[0]), group.at(rows[0]), f"{name}, recording {number}")
        parts = np.split(filled.values, np.flatnonzero(filled.begins)[1:])
        yield [Series(part, *about) for part in parts if len(part)], filled


def _runs(series: np.ndarray, label: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
    """The rows of each recording in order of time: those of one series, cut where label or group changes."""
    order = np.argsort(series, kind="stable")
    changed = np.zeros(len(order) - 1, bool)
    for key in (series, label, group):
        changed |= key[order][1:] != key[order][:-1]
    return np.split(order, np.flatnonzero(changed) + 1)


def _parse(reader: Iterator[list[str]], path: Path, columns: Columns) -> tuple[np.ndarray, dict[str, Text]]:
    books: list[dict[str, int]] = [{} for _ in columns.text]  # cell -> code
    values: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    for first in count(2, _CHUNK):
        rows = list(islice(reader, _CHUNK))
        if not rows:
            break
        filled = [row for row in rows if row]  # a blank line is no sample
        parsed = _numbers(filled, columns)
        if parsed is None or any(not row[i].strip() for row in filled for i in columns.text):
            raise InputError(f"{path}, {_first_fault(rows, first, columns)}")
        values.append(parsed)
        codes.append(_codes(filled, columns, books))
    if not sum(map(len, values)):
        raise InputError(f"{path}: has a header and no rows")
    table = np.concatenate(codes, axis=1)
    found = {columns.names[i]: Text(table[k], tuple(books[k])) for k, i in enumerate(columns.text)}
    return np.concatenate(values), found


def text_file(source: Path | int) -> TextIO:
    """A file open for `checked`, or a file descriptor, which stays open."""
    closes = not isinstance(source, int)
    return open(source, encoding="utf-8-sig", newline="", errors=LATER, closefd=closes)


def checked(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file; InputError at one that is not UTF-8, when those before it were given."""
    for number, line in enumerate(file, 1):
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                raise not_utf8(path, number) from None
        yield line


def table(file: TextIO, path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV file; InputError at one with a fault, as is a quote that is never closed."""
    reader = csv.reader(checked(file, path), delimiter=delimiter, strict=True)
    for number in count(1):
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, row {number}: not CSV: {error}; is each quote closed?") from None
        if row is None:
            return
        yield row


def not_utf8(path: Path, line: int) -> InputError:
    return InputError(f"{path}, line {line}: not UTF-8 text; save it as UTF-8")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Tells that a file cannot be read as InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def header(row: Sequence[str], path: Path, channels: Sequence[str], text: Sequence[str]) -> Columns:
    """Where the columns are; raises InputError for one that is missing or there twice."""
    names = tuple(name.strip() for name in row)
    if not any(names):
        raise InputError(f"{path}: is empty; the first row must name the columns")
    for name in (*channels, *text):
        if names.count(name) != 1:
            fault = "there twice" if name in names else f"not in the header, which has: {', '.join(names)}"
            raise InputError(f"{path}: the column {name} is {fault}{_separator(names)}")
    return Columns(
        channels=tuple(map(names.index, channels)),
        text=tuple(dict.fromkeys(map(names.index, text))),
        names=names,
    )


def _separator(names: Sequence[str]) -> str:
    """A hint for a header that no comma divides, and something else seems to."""
    for mark, told in ((";", "';'"), ("\t", "a tab")):
        if len(names) == 1 and mark in names[0]:
            return f"; is the separator {told}? edgernn reads commas"
    return ""


def _numbers(rows: list[list[str]], columns: Columns) -> np.ndarray | None:
    """float32 [rows, channels], NaN where a cell may be empty and is.

    None if a row has the wrong length or a cell is not a finite number.
    """
    width = len(columns.names)
    if any(len(row) != width for row in rows):
        return None
    try:
        if columns.lacking:
            flat = [_number(row[i], i in columns.lacking) for row in rows for i in columns.channels]
        else:
            flat = [float(row[i]) for row in rows for i in columns.channels]
    except ValueError:
        return None
    with np.errstate(over="ignore"):
        values = np.array(flat).astype(np.float32).reshape(len(rows), len(columns.channels))
    wrong = len(flat) - int(np.isfinite(values).sum())
    return values if wrong == 0 or wrong == _empty(rows, columns) else None


def _number(cell: str, lacking: bool) -> float:
    return math.nan if lacking and not cell.strip() else float(cell)


def _empty(rows: list[list[str]], columns: Columns) -> int:
    """How many cells may be empty and are."""
    return sum(not row[i].strip() for row in rows for i in columns.channels if i in columns.lacking)


def _codes(rows: list[list[str]], columns: Columns, books: list[dict[str, int]]) -> np.ndarray:
    """int32 [text columns, rows]; new cells are added to `books`."""
    codes = [
        [book.setdefault(row[i].strip(), len(book)) for row in rows]
        for i, book in zip(columns.text, books, strict=True)
    ]
    return np.array(codes, dtype=np.int32).reshape(len(books), len(rows))


def _first_fault(rows: list[list[str]], first: int, columns: Columns) -> str:
    """Row, column and what is wrong there, for a chunk that has a fault."""
    width = len(columns.names)
    for number, row in enumerate(rows, first):
        if row and len(row) != width:
            return f"row {number}: has {len(row)} cells, and the header has {width}"
        for index in (*columns.channels, *columns.text) if row else ():
            fault = _cell_fault(row[index], index in columns.channels, index in columns.lacking)
            if fault:
                hint = HOLD if fault == EMPTY and index in columns.holdable else ""
                return f"row {number}, column {columns.names[index]}: {fault}{hint}"
    raise AssertionError("a chunk was refused although every cell of it is good")


def _cell_fault(cell: str, number: bool, lacking: bool) -> str:
    if not cell.strip():
        return "" if lacking else EMPTY
    try:
        value = float(cell) if number else 0.0
    except ValueError:
        return f"{cell[:40]!r} is not a number"
    with np.errstate(over="ignore"):
        return "" if np.isfinite(np.float32(value)) else f"{cell[:40]} is not a finite 32-bit number"
