"""Who is asked about, and that nothing known only later is read."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from edgernn.datasets import pbc2
from edgernn.datasets.event_table import Events, Texts
from edgernn.errors import InputError

VISIT = dict.fromkeys((*pbc2.SKEWED, *pbc2.PLAIN), "1") | dict.fromkeys(pbc2.TEXTS, "No")
PATIENTS = {  # years of the last contact, status2, years of the visits
    "dies": (5.0, "1", [0.0, 2.5, 3.0, 4.9]),
    "is lost": (4.0, "0", [0.0, 1.9, 2.5]),
}


def read(folder: Path, later: str = "") -> Events:
    rows = [
        VISIT
        | {"id": name, "year": str(year), "years": str(years), "status2": status, "status": later, "serChol": "NA"}
        for name, (years, status, visits) in PATIENTS.items()
        for year in visits
    ]
    path = folder / "p.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return pbc2.read(path)


def test_a_visit_is_asked_about_where_two_years_after_it_are_known(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert isinstance(found.answers, Texts)
    answers = [found.answers.names[code] for code in found.answers.codes]
    asked = [answer if known else "" for answer, known in zip(answers, found.asked, strict=True)]
    assert asked == ["alive", "alive", "dead", "dead", "alive", "alive", ""]
    assert found.entities == ("dies", "is lost")


def test_missing_values_and_texts(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert np.isnan(found.values[:, found.columns.index("log serChol")]).all()
    assert not np.isnan(found.values[:, found.columns.index("log serBilir")]).any()


def test_how_it_ended_is_not_among_the_channels(tmp_path: Path) -> None:
    found, other = read(tmp_path, "dead"), read(tmp_path, "transplanted")
    np.testing.assert_array_equal(found.values, other.values)
    assert not {"years", "status", "status2"} & {*found.columns, *found.texts}


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,year\n1,0\n")
    with pytest.raises(InputError, match="not the pbc2 dataset; delete it and fetch it again"):
        pbc2.read(tmp_path / "p.csv")
