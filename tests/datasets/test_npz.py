"""NPZ windows: what NumPy saved comes back, and anything else is refused in one line."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgernn.datasets import npz
from edgernn.datasets.sections import NpzData
from edgernn.datasets.series import Recordings
from edgernn.errors import InputError

X = np.arange(24, dtype=np.float64).reshape(4, 3, 2)
Y = np.array([10, 2, 10, 2])
SECTION = NpzData(source="npz", path="d.npz")


def load(folder: Path, content: bytes) -> Recordings:
    (folder / "d.npz").write_bytes(content)
    return npz.load(SECTION, folder)


def saved(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def single_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, X)
    return buffer.getvalue()


def test_windows_classes_and_groups(tmp_path: Path) -> None:
    recordings = load(tmp_path, saved(x=X, y=Y, group=["a", "b", "b", "c"]))
    np.testing.assert_array_equal([one.values for one in recordings.series], X)
    assert [one.label for one in recordings.series] == ["10", "2", "10", "2"]
    assert [one.group for one in recordings.series] == ["a", "b", "b", "c"]
    assert recordings.labels == ("2", "10")  # in the order of the numbers
    assert recordings.series[0].values.dtype == np.float32


def test_without_groups_every_example_is_one(tmp_path: Path) -> None:
    recordings = load(tmp_path, saved(x=X, y=["u", "v", "u", "v"]))
    assert [one.group for one in recordings.series] == ["0", "1", "2", "3"]
    assert recordings.labels == ("u", "v")


def test_lengths_leave_padding_out(tmp_path: Path) -> None:
    padded = np.where(np.arange(3)[:, None] >= np.array([3, 1, 2, 3])[:, None, None], np.nan, X)
    recordings = load(tmp_path, saved(x=padded, y=Y, lengths=np.array([3, 1, 2, 3], np.uint8)))
    assert [len(one.values) for one in recordings.series] == [3, 1, 2, 3]
    for one, values in zip(recordings.series, X, strict=True):
        np.testing.assert_array_equal(one.values, values[: len(one.values)])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.array([3, 0, 2, 3]), r"lengths\[1\] is 0; it must be from 1 to the 3 of x"),
        (np.array([3, 3, 4, 3]), r"lengths\[2\] is 4; it must be"),
        (np.array([3, 3]), r"lengths has shape \(2,\) and type int64; it must be \(4,\), whole numbers"),
        (np.ones(4), r"lengths has shape \(4,\) and type float64"),
    ],
)
def test_wrong_lengths(lengths: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path, saved(x=X, y=Y, lengths=lengths))


WITH_NAN = np.where(np.arange(24).reshape(4, 3, 2) == 15, np.nan, X)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged or no npz file: No data left in file"),
        (b"PK\x03\x04 not a zip", "is damaged or no npz file: File is not a zip file"),
        (b"x,y\n1,2\n", "holds pickled objects; save plain arrays of numbers or text"),
        (saved(x=X, y=Y)[:-30], "is damaged or no npz file: File is not a zip file"),
        (single_array(), "is a single array; save x and y with numpy.savez"),
        (saved(x=X), "has no array y; it has: x"),
        (zipped(), "has no array x; it has: none"),
        (zipped(**{"x.npy": b"text", "y.npy": b"text"}), "x is not an array; save it with numpy.savez"),
        (
            saved(x=X, y=np.array([1, "a", None, {}], dtype=object)),
            "holds pickled objects; save plain arrays of numbers or text",
        ),
        (saved(x=X[0], y=Y), "x has shape (3, 2); it must be [examples, steps, inputs], none of them 0"),
        (saved(x=X[:0], y=Y), "x has shape (0, 3, 2); it must be [examples, steps, inputs], none of them 0"),
        (saved(x=X.astype(complex), y=Y), "x has type complex128; it must hold real numbers"),
        (saved(x=X.astype(str), y=Y), "x has type <U32; it must hold real numbers"),
        (saved(x=WITH_NAN, y=Y), "x[2, 1, 1] is nan, not a finite 32-bit number"),
        (saved(x=X * 1e38, y=Y), "x[0, 2, 0] is 4e+38, not a finite 32-bit number"),
        (saved(x=X, y=Y[:3]), "y has shape (3,); x has 4 examples, so it must be (4,)"),
        (saved(x=X, y=Y[:, None]), "y has shape (4, 1); x has 4 examples, so it must be (4,)"),
        (saved(x=X, y=Y + 0.5), "y has type float64; it must hold whole numbers or text"),
        (saved(x=X, y=Y, group=Y[:2]), "group has shape (2,); x has 4 examples, so it must be (4,)"),
        (saved(x=X, y=Y, group=Y > 3), "group has type bool; it must hold whole numbers or text"),
    ],
)
def test_faults(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, content)
    assert str(caught.value) == f"{tmp_path / 'd.npz'}: {message}"


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"d\.npz: cannot be read: No such file or directory$"):
        npz.load(SECTION, tmp_path)
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(InputError, match=r"d\.npz: cannot be read: Is a directory$"):
        npz.load(SECTION, tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_damage_anywhere_is_refused_or_harmless(tmp_path: Path, place: float, byte: int, cut: bool) -> None:
    content = saved(x=X, y=Y)
    at = int(place * len(content))
    damaged = content[:at] if cut else content[:at] + bytes([byte]) + content[at + 1 :]
    try:
        recordings = load(tmp_path, damaged)
    except InputError:
        return
    # A byte that nothing depends on, such as a date.
    np.testing.assert_array_equal([one.values for one in recordings.series], X)
