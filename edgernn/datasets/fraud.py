"""Is a card's payment fraud? Made-up payments, the test data of evalml 0.30.0.

Every payment of 90,000 or more is fraud, of whatever currency. Below that, neither amount nor place, time or
currency tell anything: some cards are in thieves' hands, and what tells is whether an earlier payment of less was
fraud. `data.known_after` lets earlier answers be known, that long after their payment.
"""

from __future__ import annotations

import csv
import gzip
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.event_table import Events, codes
from edgernn.datasets.sections import DataSection
from edgernn.errors import InputError

NUMBERS = ("amount", "lat", "lng")
ANSWERS = {"False": "clean", "True": "fraud"}
_START = datetime(2019, 1, 1)


def load(section: DataSection, base: Path) -> Events:
    """Every payment of every card."""
    return read(fetch(CATALOG["fraud"]))


def read(path: Path) -> Events:
    """The payments in the dataset's file, each card's in order of time.

    Values are the amount in thousands (of whatever currency), latitude, longitude, and 1 where the customer was
    present.

    Raises:
        InputError: the file is not such a file.
    """
    try:
        with gzip.open(path, "rt", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, EOFError, UnicodeError) as error:
        raise InputError(f"{path}: not the fraud dataset: {error}; delete it and fetch it again") from None
    if not rows or not {"card_id", "datetime", "fraud", "customer_present", *NUMBERS} <= set(rows[0]):
        raise InputError(f"{path}: not the fraud dataset; delete it and fetch it again")
    card = codes([row["card_id"] for row in rows])
    time = np.array([(datetime.fromisoformat(row["datetime"]) - _START) / timedelta(days=1) for row in rows])
    order = np.lexsort((time, card.codes))
    rows = [rows[i] for i in order]
    numbers = np.array([[float(row[name]) for name in NUMBERS] for row in rows])
    there = np.array([row["customer_present"] == "True" for row in rows])
    return Events(
        entity=card.codes[order].astype(np.int64),
        entities=card.names,
        time=time[order],
        unit="days",
        values=np.column_stack([numbers / (1000, 1, 1), there]).astype(np.float32),
        columns=(*NUMBERS, "customer present"),
        texts={},
        answers=codes([ANSWERS[row["fraud"]] for row in rows]),
        target="payment",
        asked=np.ones(len(rows), bool),
        row=order + 2,
        where=str(path),
    )
