"""Shoulder exercises on a smart watch: the dataset of seglearn 1.2.5.

Burns et al. 2018, "Shoulder physiotherapy exercise recognition: machine learning the inertial signals from a
smartwatch", arXiv:1802.01489. Subjects wore the watch on the wrist and made sets of 20 repetitions.
"""

from __future__ import annotations

import _codecs
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.sections import DataSection
from edgernn.datasets.series import Recordings, Series
from edgernn.errors import InputError

RATE_HZ = 50.0
CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")  # acceleration in g, angular velocity in rad/s
LABELS = {
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "forward elevation",
    "IR": "internal rotation",
    "ER": "external rotation",
    "TRAP": "trapezius extension",
    "ROW": "upright row",
}

_RECONSTRUCT = np.empty(0).__reduce__()[0]  # numpy's own, wherever this version of numpy keeps it
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _codecs.encode,
}


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays and plain containers; any other name in the file is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return _ALLOWED[module, name]


def load(section: DataSection, base: Path) -> Recordings:
    """All 140 recordings; the group is the subject's number."""
    return read(fetch(CATALOG["watch_activity"]))


def read(path: Path) -> Recordings:
    """The recordings in the dataset's file: a NumPy header, then a pickled dict.

    Raises:
        InputError: the file is not such a file or names anything but arrays.
    """
    try:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            data = _ArraysOnly(file).load().item()
    except (pickle.UnpicklingError, ValueError, EOFError, AttributeError) as error:
        raise InputError(f"{path}: not the watch dataset: {error}; delete it and fetch it again") from None
    series = tuple(
        Series(values.astype(np.float32), LABELS[data["y_labels"][y]], str(subject), f"recording {i}")
        for i, (values, y, subject) in enumerate(zip(data["X"], data["y"], data["subject"], strict=True))
    )
    return Recordings(series, tuple(LABELS[code] for code in data["y_labels"]), CHANNELS, RATE_HZ)
