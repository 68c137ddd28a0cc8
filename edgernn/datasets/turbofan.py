"""Remaining life of turbofan engines: NASA's C-MAPSS FD001 as himap 1.4.0 holds it.

Saxena et al. 2008, "Damage propagation modeling for aircraft engine run-to-failure simulation". himap keeps one
sensor of 21, and 20 of the 100 engines of NASA's training set as its test set. All of them, test engines too, run
until they fail, so that every cycle is a question with a true answer; NASA's own test set, of histories that end
early, is not in it. `s_discretized` is the same sensor in steps and is left out.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.event_table import Events
from edgernn.datasets.sections import DataSection
from edgernn.errors import InputError

HEADER = ["unit_nr", "time_cycles", "s_11", "s_discretized", "RUL"]
UNIT = 0.01  # psia in a unit of s_11


def load(section: DataSection, base: Path) -> Events:
    """Every cycle of every engine."""
    return read(fetch(CATALOG["turbofan"]))


def read(path: Path) -> Events:
    """The cycles in the dataset's file: the test engines, then under a header of its own the others.

    Values are the pressure in psia and the number of the cycle, from 1; answers the cycles until the engine fails.

    Raises:
        InputError: the file is not such a file.
    """
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    headers = [number for number, row in enumerate(rows) if row == HEADER]
    if len(headers) != 2 or headers[0] != 0:
        raise InputError(f"{path}: not the turbofan dataset; delete it and fetch it again")
    table = np.array([row for row in rows if row != HEADER], np.float64)
    order = np.lexsort((table[:, 1], table[:, 0]))
    engine, cycle, sensor, _, left = table[order].T
    names, entity = np.unique(engine, return_inverse=True)
    test = {row[0] for row in rows[1 : headers[1]]}
    return Events(
        entity=entity,
        entities=tuple(str(int(name)) for name in names),
        time=cycle,
        unit="cycles",
        values=np.stack([UNIT * sensor, cycle], axis=1).astype(np.float32),
        columns=("s_11", "cycle"),
        texts={},
        answers=left,
        target="cycles left",
        asked=np.ones(len(left), bool),
        row=order + 2,
        where=str(path),
        held_out=frozenset(test),
    )
