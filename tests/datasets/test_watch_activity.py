"""The watch dataset: a file in its format, and the real one where it can be fetched."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn.datasets import catalog, watch_activity
from edgernn.errors import EdgernnError, InputError


def write(path: Path, content: Any) -> Path:
    """As NumPy writes an object array of no dimensions: its header, then a pickle."""
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.array(content, dtype=object), allow_pickle=True)
    return path


@pytest.fixture(scope="module")
def real() -> Path:
    try:
        return catalog.fetch(catalog.CATALOG["watch_activity"])
    except EdgernnError as error:
        pytest.skip(str(error))


def test_reads_the_format(tmp_path: Path) -> None:
    values = [np.ones((5, 6)), np.zeros((7, 6))]
    content = {"X": values, "y": np.array([1, 0]), "subject": np.array([3, 10]), "y_labels": ["PEN", "IR"]}
    recordings = watch_activity.read(write(tmp_path / "w.npy", content))
    assert recordings.labels == ("pendulum", "internal rotation")
    assert [(one.label, one.group) for one in recordings.series] == [
        ("internal rotation", "3"),
        ("pendulum", "10"),
    ]
    np.testing.assert_array_equal(recordings.series[1].values, values[1])


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_nothing_but_arrays_is_built(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    path = write(tmp_path / "w.npy", Hostile(marker))
    with pytest.raises(InputError, match=r"w\.npy: not the watch dataset: \w+\.mkdir is not allowed"):
        watch_activity.read(path)
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the watch dataset"):
        watch_activity.read(path)


def test_the_real_file_equals_what_numpy_reads(real: Path) -> None:
    recordings = watch_activity.read(real)
    data = np.load(real, allow_pickle=True).item()  # its hash has been checked
    codes = {word: code for code, word in watch_activity.LABELS.items()}
    assert [codes[one.label] for one in recordings.series] == [data["y_labels"][y] for y in data["y"]]
    assert [one.group for one in recordings.series] == [str(subject) for subject in data["subject"]]
    assert recordings.channels == tuple(data["X_labels"])
    for one, values in zip(recordings.series, data["X"], strict=True):
        np.testing.assert_array_equal(one.values, values.astype(np.float32))


def test_the_real_file_is_what_the_catalog_says(real: Path) -> None:
    recordings = watch_activity.read(real)
    assert len(recordings.series) == 140
    assert Counter(one.label for one in recordings.series) == dict.fromkeys(recordings.labels, 20)
    assert {one.group for one in recordings.series} == {str(number) for number in range(1, 11)}


def test_units_are_g_and_radians_a_second(real: Path) -> None:
    """At 1 g gravity outweighs the movement (in m/s^2 it is 9.8); arms turn less than once a second."""
    values = np.concatenate([one.values for one in watch_activity.read(real).series])
    assert np.linalg.norm(values[:, :3], axis=1).mean() == pytest.approx(1, abs=0.2)
    assert 0.5 < np.linalg.norm(values[:, 3:], axis=1).mean() < 2 * np.pi


def test_the_pickle_names_what_is_allowed(real: Path) -> None:
    """Every allowed name is one that the file, or its copy under another NumPy, uses."""
    again = pickle.dumps(np.zeros(1), protocol=2)
    assert b"_reconstruct" in again
    assert {name for _, name in watch_activity._ALLOWED} == {"_reconstruct", "ndarray", "dtype", "encode"}
