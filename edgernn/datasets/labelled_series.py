"""Series with labelled anomalies, as aeon 1.6.0 holds them: a CSV file with a time, a value and a label a row."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import DataSection
from edgernn.errors import InputError

PRESSURE_NORMAL = 1200  # frames of blood pressure before the test: what the archive's file _TRAIN repeats


def ecg(section: DataSection, base: Path) -> Frames:
    """The normal recording, and after it the one with anomalies, which is the test."""
    test, normal = read(fetch(CATALOG["ecg"]), 2)
    values, labels = np.concatenate([normal, test]).T
    return _frames("ecg", values, labels, len(normal))


def blood_pressure(section: DataSection, base: Path) -> Frames:
    """The whole recording; the test begins where the archive's normal part ends."""
    values, labels = read(fetch(CATALOG["blood_pressure"]), 1)[0].T
    return _frames("blood_pressure", values, labels, PRESSURE_NORMAL)


def read(path: Path, count: int) -> list[np.ndarray]:
    """The recordings in a file, each with a header of its own: values and labels, float64 [frames, 2].

    Raises:
        InputError: the file has not so many, or is not such a file.
    """
    found: list[list[list[str]]] = []
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if row[:1] == ["timestamp"]:
                found.append([])
            elif not found or len(row) != 3:
                raise _damaged(path)
            else:
                found[-1].append(row)
    if len(found) != count or not all(found):
        raise _damaged(path)
    return [np.array(rows, np.float64)[:, 1:] for rows in found]


def _frames(name: str, values: np.ndarray, labels: np.ndarray, test_from: int) -> Frames:
    channel = values[:, None].astype(np.float32)
    return Frames(channel, (CATALOG[name].series,), anomaly=labels == 1, test_from=test_from)


def _damaged(path: Path) -> InputError:
    return InputError(f"{path}: not a series with labels; delete it and fetch it again")
