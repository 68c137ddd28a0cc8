"""Windows that are already cut, in a NumPy archive; nothing in it is unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgernn.datasets.sections import DataSection, NpzData
from edgernn.datasets.series import Recordings, Series
from edgernn.errors import InputError


def load(section: DataSection, base: Path) -> Recordings:
    """One recording for each window, without its padding; labels in order (of their numbers, if `y` has numbers).

    Raises:
        InputError: the file is missing, damaged or pickled, or an array is missing or has the wrong shape,
            type, length or values.
    """
    assert isinstance(section, NpzData)
    path = base / section.path
    arrays = _read(path)
    lengths = _lengths(arrays, path)
    x = _windows(arrays["x"], lengths, path)
    y, group = (_names(arrays[key], key, len(x), path) for key in ("y", "group"))
    labels = tuple(str(label) for label in np.unique(arrays["y"]))
    series = tuple(
        Series(values[:length], str(label), str(owner), f"example {i}")
        for i, (values, length, label, owner) in enumerate(zip(x, lengths, y, group, strict=True))
    )
    return Recordings(series, labels, tuple(f"x{i}" for i in range(x.shape[2])), section.rate_hz)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"{path}: is a single array; save x and y with numpy.savez")
            return _members(archive, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise InputError(f"{path}: holds pickled objects; save plain arrays of numbers or text") from None
        raise InputError(f"{path}: is damaged or no npz file: {error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError) as error:
        raise InputError(f"{path}: is damaged or no npz file: {error}") from None


def _members(archive: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    missing = [key for key in ("x", "y") if key not in archive]
    if missing:
        raise InputError(f"{path}: has no array {missing[0]}; it has: {', '.join(archive) or 'none'}")
    arrays = {key: archive[key] for key in ("x", "y", "group", "lengths") if key in archive}
    foreign = [key for key, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise InputError(f"{path}: {foreign[0]} is not an array; save it with numpy.savez")
    return {"group": np.arange(np.size(arrays["y"])), **arrays}


def _lengths(arrays: Mapping[str, np.ndarray], path: Path) -> np.ndarray:
    """The steps of each window that are no padding, [examples]; all where nothing is said."""
    x = arrays["x"]
    if x.ndim != 3 or 0 in x.shape:
        raise InputError(f"{path}: x has shape {x.shape}; it must be [examples, steps, inputs], none of them 0")
    found = arrays.get("lengths", np.full(len(x), x.shape[1]))
    if found.shape != (len(x),) or found.dtype.kind not in "iu":
        raise InputError(
            f"{path}: lengths has shape {found.shape} and type {found.dtype}; it must be ({len(x)},), whole numbers"
        )
    bad = np.flatnonzero((found < 1) | (found > x.shape[1]))
    if len(bad):
        raise InputError(
            f"{path}: lengths[{bad[0]}] is {found[bad[0]]}; it must be from 1 to the {x.shape[1]} of x"
        )
    return found


def _windows(x: np.ndarray, lengths: np.ndarray, path: Path) -> np.ndarray:
    """`x` as float32 [examples, steps, inputs], 0 where it is padding."""
    if x.dtype.kind not in "fiu":
        raise InputError(f"{path}: x has type {x.dtype}; it must hold real numbers")
    with np.errstate(over="ignore"):
        values = x.astype(np.float32)
    values[np.arange(x.shape[1]) >= lengths[:, None]] = 0
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        example, step, channel = bad[0]
        cell = f"x[{example}, {step}, {channel}]"
        raise InputError(f"{path}: {cell} is {x[example, step, channel]}, not a finite 32-bit number")
    return values


def _names(array: np.ndarray, key: str, examples: int, path: Path) -> np.ndarray:
    """Classes or groups as text, [examples]."""
    if array.shape != (examples,):
        raise InputError(
            f"{path}: {key} has shape {array.shape}; x has {examples} examples, so it must be ({examples},)"
        )
    if array.dtype.kind not in "iuU":
        raise InputError(f"{path}: {key} has type {array.dtype}; it must hold whole numbers or text")
    return array.astype(np.str_)
