from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgernn import archive
from edgernn.errors import InputError

DTYPES = st.sampled_from([np.float32, np.float64, np.int8, np.int16, np.int32, np.int64])


@given(arrays.arrays(DTYPES, arrays.array_shapes(max_dims=3, max_side=4)))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, value: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("archive") / "a.npz"
    archive.save(path, {"note": "x"}, {"value": value})
    header, loaded = archive.load(path)
    assert header == {"note": "x"}
    assert loaded["value"].dtype == value.dtype
    np.testing.assert_array_equal(loaded["value"], value)


def test_numpy_reads_it_too(tmp_path: Path) -> None:
    archive.save(tmp_path / "a.npz", {}, {"value": np.arange(3)})
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["value"], [0, 1, 2])


def test_equal_content_has_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        archive.save(tmp_path / name, {"k": 1}, {"x": np.ones(3), "y": np.zeros(2)})
        os.utime(tmp_path / name, (0, 0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, value=np.array([{}], dtype=object))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("header.json", "{}")
    with pytest.raises(InputError, match="cannot be read"):
        archive.load(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="delete it and build again"):
        archive.load(tmp_path / "a.npz")


@given(st.data())
def test_a_changed_byte_of_an_array_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path, value = tmp_path_factory.mktemp("archive") / "a.npz", np.arange(200_000, dtype=np.float32)
    archive.save(path, {}, {"value": value})
    content = bytearray(path.read_bytes())
    start = content.index(value.tobytes()[:64])
    content[start + data.draw(st.integers(0, value.nbytes - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    with pytest.raises(InputError, match="delete it and build again"):
        archive.load(path)


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        archive.save(tmp_path / "a.npz", {}, {"a": np.zeros(9), "b": np.array([{}], dtype=object)})
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        archive.load(tmp_path / "a.npz")


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    archive.write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left on device; free space"):
        archive.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder with --out"):
        archive.write_text(tmp_path / "file" / "a.txt", "x")
