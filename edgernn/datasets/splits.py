"""The windows of a recipe, split by group; one file on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgernn import archive
from edgernn.errors import InputError
from edgernn.network import Task


@dataclass(frozen=True, eq=False)
class Split:
    """Windows: x float32 [examples, steps, inputs], y, group str [examples].

    `y` are classes, int64 [examples], or for a regression quantities, float32 [examples, outputs].
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: np.ndarray) -> Split:
        """The examples at `index` (int or bool, [examples])."""
        return Split(self.x[index], self.y[index], self.group[index])


@dataclass(frozen=True, eq=False)
class Splits:
    """No group is in two of train, validation and test; calibration is drawn from train.

    `labels` names the classes or the quantities, `channels` the inputs; `rate_hz` is the steps a second, 0 without
    a clock.
    """

    train: Split
    validation: Split
    calibration: Split
    test: Split
    labels: tuple[str, ...]
    channels: tuple[str, ...]
    rate_hz: float = 0.0
    task: Task = "classify"


_PARTS = ("train", "validation", "calibration", "test")


def save(splits: Splits, path: Path) -> None:
    """Write `splits` to a .npz file, whole or not at all; the same splits give the same bytes."""
    header = {name: getattr(splits, name) for name in ("labels", "channels", "rate_hz", "task")}
    parts = {part: getattr(splits, part) for part in _PARTS}
    arrays = {f"{name}_{key}": getattr(part, key) for name, part in parts.items() for key in ("x", "y", "group")}
    archive.save(path, header, arrays)


def load(path: Path) -> Splits:
    """What `save` wrote.

    Raises:
        InputError: the file is missing, damaged or something else.
    """
    header, arrays = archive.load(path)
    try:
        parts = {name: Split(*(arrays[f"{name}_{key}"] for key in ("x", "y", "group"))) for name in _PARTS}
        return Splits(
            **parts,
            labels=tuple(header["labels"]),
            channels=tuple(header["channels"]),
            rate_hz=float(header["rate_hz"]),
            task=header["task"],
        )
    except KeyError as error:
        raise InputError(f"{path} holds no {error.args[0]}; delete it and build again") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} does not hold splits ({error}); delete it and build again") from None
