"""Arrays and JSON in one .npz file: no pickle, written atomically, the same bytes for the same content."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from edgernn.errors import InputError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's oldest date: a clock must not change the bytes
_HEADER = "header.json"
_NPY_HEADER = 4096  # bytes before an array's own, at most
PARTIAL = ".partial"  # ends the name of a file that is still being written


def save(path: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write `arrays` and the JSON object `header` to `path`, so that numpy.load reads the arrays too."""
    with _whole(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_HEADER, _EPOCH), json.dumps(header, sort_keys=True, indent=1).encode())
        for name in sorted(arrays):
            array = np.asarray(arrays[name])
            info = zipfile.ZipInfo(name + ".npy", _EPOCH)
            info.file_size = array.nbytes + _NPY_HEADER  # tells whether sizes need 64 bits
            with archive.open(info, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a file that `save` wrote.

    Raises InputError when the file is missing, damaged or not such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read(_HEADER))
            names = [name for name in archive.namelist() if name != _HEADER]
            arrays = {name.removesuffix(".npy"): _array(archive, name) for name in names}
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run `edgernn build` to make it") from None
    except (OSError, KeyError, ValueError, EOFError, NotImplementedError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it and build again") from None
    return header, arrays


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises InputError when the folder cannot be written or the disk is full.
    """
    with _whole(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for text in UTF-8."""
    write_bytes(path, text.encode())


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` once all is in it.

    Raises InputError when the folder cannot be written or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another folder with --out") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; free space or choose --out") from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        found = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):  # the end of a member is where its checksum is compared
            raise ValueError(f"{name} goes on after its array")
    return found
