"""The user's own items in a CSV file: a row an item, those of a basket in order of time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgernn.datasets import csv_windows
from edgernn.datasets.event_table import codes
from edgernn.datasets.events_csv import Cell, columns_of, there, times_of
from edgernn.datasets.item_sections import ItemOptions, ItemsData
from edgernn.datasets.items import Basket
from edgernn.errors import InputError
from edgernn.network import UNKNOWN


class Row(NamedTuple):
    """An item of a basket, and the row that it stands in."""

    number: int
    basket: str
    item: str


def load(section: ItemOptions, base: Path) -> list[Basket]:
    """The baskets of a CSV file; see `read`."""
    assert isinstance(section, ItemsData)
    return read(base / section.path, section)


def read(path: Path, section: ItemsData) -> list[Basket]:
    """The baskets in a file, in the order in which they first appear.

    Raises:
        InputError: the file is missing, empty or not CSV; a column is missing; a basket, a time or an item is
            missing; a cell is not a time; a time is before the one of the basket's item before. With file, row (the
            header is row 1) and column.
    """
    columns = columns_of(path, (section.basket, section.time, section.item))
    owner = codes([there(cell, "name the item's basket").text for cell in columns[section.basket]])
    times = times_of(columns[section.time])[0]
    items = [_item(cell) for cell in columns[section.item]]
    order = np.argsort(owner.codes, kind="stable")
    _refuse_backwards(owner.codes[order], times[order], [columns[section.time][i] for i in order])
    return [
        Basket(
            name=owner.names[owner.codes[rows[0]]],
            time=float(times[rows[-1]]),
            items=tuple(items[i] for i in rows),
            place=f"{path}, row {columns[section.item][rows[0]].row}",
        )
        for rows in np.split(order, np.flatnonzero(np.diff(owner.codes[order])) + 1)
    ]


def rows(source: Path, basket: str, item: str) -> Generator[Row, None, None]:
    """The rows of a file, each as soon as it is there; `-` is standard input.

    Where the column `basket` is missing, all are one basket's. On standard input the header may be missing: a row
    is then an item, or a basket and an item.

    Raises InputError when it cannot be read or has no column `item`, and at a row with a fault.
    """
    with csv_windows.opened(source) as read:
        first = [cell.strip() for cell in read.first()]
        if read.bare and not {basket, item} & {*first} and len(first) in (1, 2):
            header, start = (basket, item)[-len(first) :], 1
        else:
            next(read.read, None)
            csv_windows.header(first, read.name, (), (item,))
            header, start = tuple(first), 2
        yield from _rows(read.read, read.name, header, (basket, item), start)


def _rows(
    read: Iterator[list[str]], path: Path, header: tuple[str, ...], names: tuple[str, str], start: int
) -> Iterator[Row]:
    basket, item = names
    for number, row in enumerate(read, start):
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"{path}, row {number}: has {len(row)} cells, and there are {len(header)} columns")
        own = dict(zip(header, row, strict=True))
        code = _item(Cell(own[item].strip(), path, number, item))
        yield Row(number, own.get(basket, "").strip(), code)


def _item(cell: Cell) -> str:
    if there(cell, "name the item").text == UNKNOWN:
        raise cell.fault(f"{UNKNOWN} stands for items that are not known; give the item another code")
    return cell.text


def _refuse_backwards(owner: np.ndarray, times: np.ndarray, cells: list[Cell]) -> None:
    found = np.flatnonzero((owner[1:] == owner[:-1]) & (np.diff(times) < 0))
    if len(found):
        before, cell = (cells[found[0] + i] for i in (0, 1))
        raise cell.fault(
            f"{cell.text} is before {before.text} of row {before.row}, the item before of its basket; sort the "
            "rows of each basket by time"
        )
