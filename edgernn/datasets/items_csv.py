"""The user's own items in a CSV file: a row an item, those of a basket in order of time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgernn.datasets.event_table import codes
from edgernn.datasets.events_csv import Cell, columns_of, there, times_of
from edgernn.datasets.item_sections import ItemOptions, ItemsData
from edgernn.datasets.items import Basket
from edgernn.network import UNKNOWN


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
    columns = columns_of(path, (section.basket, section.time, section.item))[1]
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


def _item(cell: Cell) -> str:
    if there(cell, "name the item").text == UNKNOWN:
        raise cell.fault(f"{UNKNOWN} stands for items that are not known; give the item another code")
    return cell.text


def _refuse_backwards(owner: np.ndarray, times: np.ndarray, cells: list[Cell]) -> None:
    found = np.flatnonzero((owner[1:] == owner[:-1]) & (np.diff(times) < 0))
    if len(found):
        before, cell = (cells[found[0] + i] for i in (0, 1))
        raise cell.fault(
            f"{cell.text} is before {before.text} of row {before.row}, the item before of its basket; sort the rows "
            "of each basket by time"
        )
