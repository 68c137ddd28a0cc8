"""The windows of a recipe, split by group; one file on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from edgernn import archive
from edgernn.errors import InputError
from edgernn.network import Channel, Task, Times, Vocabulary

NOT_ASKED = -1  # in `y`, of what comes next: nothing is asked there

_FIELDS = ("x", "y", "group", "lengths", "text", "shares", "taken")


@dataclass(frozen=True)
class LeftOut:
    """What a reader left out of the data, or with `cut` read a part of, or `filled`: how many of what, and why."""

    count: int
    what: str
    why: str
    cut: bool = False
    filled: bool = False

    @property
    def became(self) -> str:
        return "filled" if self.filled else "cut" if self.cut else "left out"

    def __str__(self) -> str:
        return f"{self.count} {self.what} {self.became} ({self.why})"


def counted(*found: LeftOut) -> tuple[LeftOut, ...]:
    """What there is any of."""
    return tuple(one for one in found if one.count)


def ends_of(lengths: np.ndarray, frames_per_step: int) -> np.ndarray:
    """After how many steps examples of so many frames end, int32 [examples]."""
    return np.maximum(lengths // frames_per_step, 1)


@dataclass(frozen=True, eq=False)
class Split:
    """Windows: x float32 [examples, steps, inputs], y, group str [examples].

    `y` are classes, int64 [examples], for a regression quantities, float32 [examples, outputs], or of what comes
    next the class after every step, int64 [examples, steps], -1 where nothing is asked. `lengths` int32 [examples]
    are the steps of each example where they differ: what follows in `x` is padding. None: all are whole.
    `text` str [examples] are the texts that `x` was made of, where it was; `shares` float32 [examples, classes] how
    much of each class an example is, where people did not agree. `taken` int64 [examples, steps] is `x` where what
    comes next is none of what an example has already.
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray
    lengths: np.ndarray | None = None
    text: np.ndarray | None = None
    shares: np.ndarray | None = None
    taken: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: np.ndarray) -> Split:
        """The examples at `index` (int or bool, [examples])."""
        given = {name: array for name in _FIELDS if (array := getattr(self, name)) is not None}
        return Split(**{name: array[index] for name, array in given.items()})

    def followed_by(self, other: Split) -> Split:
        """The examples of both, which have the same fields and as many steps."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in _FIELDS}
        return Split(**{name: np.concatenate(pair) for name, pair in pairs.items() if pair[0] is not None})

    @property
    def real(self) -> np.ndarray:
        """The frames of each example that are no padding, int32 [examples]."""
        return np.full(len(self), self.x.shape[1], np.int32) if self.lengths is None else self.lengths

    def ends(self, frames_per_step: int = 1) -> np.ndarray | None:
        """After how many steps of a network each example ends, int32 [examples]; None where all are whole."""
        return None if self.lengths is None else ends_of(self.lengths, frames_per_step)

    def frames(self) -> np.ndarray:
        """All frames but padding, [frames, inputs]."""
        whole = self.x.reshape(-1, self.x.shape[-1])
        return whole if self.lengths is None else whole[self._inside().ravel()]

    def filled(self) -> np.ndarray:
        """`x` with each example's own frames from its start again in place of its padding."""
        if self.lengths is None:
            return self.x
        steps = np.arange(self.x.shape[1]) % self.lengths[:, None]
        return np.take_along_axis(self.x, steps[:, :, None], axis=1)

    def _inside(self) -> np.ndarray:
        assert self.lengths is not None
        return np.arange(self.x.shape[1]) < self.lengths[:, None]


@dataclass(frozen=True, eq=False)
class Splits:
    """No group is in two of train, validation and test, but for events split in order of time.

    Calibration is drawn from train.

    `labels` names the classes or the quantities, `channels` the inputs; `rate_hz` is the steps a second, 0 without
    a clock. `vocabulary` is what made `x` of texts, `encoding` says what the channels are made of where frames are
    made of events or of a series with its times and its past, `times` which column has these times. Of a recording,
    one row in `every` is a frame; of a series, what is missing takes the value before for `hold` rows. `left_out`
    counts what of the data is in no split, or not as it was.
    """

    train: Split
    validation: Split
    calibration: Split
    test: Split
    labels: tuple[str, ...]
    channels: tuple[str, ...]
    rate_hz: float = 0.0
    task: Task = "classify"
    vocabulary: Vocabulary | None = None
    encoding: tuple[Channel, ...] = ()
    times: Times | None = None
    every: int = 1
    hold: int = 0
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def known(self) -> Split:
        """The examples of train and validation: all that a model may be made of once its settings are chosen."""
        return self.train.followed_by(self.validation)

    def without_validation(self) -> Splits:
        """Train has the examples of validation, too, and validation has none."""
        return replace(self, train=self.known, validation=self.validation.take(np.zeros(0, np.int64)))


_PARTS = ("train", "validation", "calibration", "test")


def save(splits: Splits, path: Path) -> None:
    """Write `splits` to a .npz file, whole or not at all; the same splits give the same bytes."""
    header = {name: getattr(splits, name) for name in ("labels", "channels", "rate_hz", "task")}
    header["vocabulary"] = asdict(splits.vocabulary) if splits.vocabulary else None
    header["encoding"] = [asdict(one) for one in splits.encoding]
    header |= {"times": asdict(splits.times) if splits.times else None, "every": splits.every}
    header["hold"] = splits.hold
    header["left_out"] = [asdict(one) for one in splits.left_out]
    parts = {part: getattr(splits, part) for part in _PARTS}
    fields = [(name, key, getattr(part, key)) for name, part in parts.items() for key in _FIELDS]
    arrays = {f"{name}_{key}": array for name, key, array in fields if array is not None}
    archive.save(path, header, arrays)


def load(path: Path) -> Splits:
    """What `save` wrote.

    Raises:
        InputError: the file is missing, damaged or something else.
    """
    header, arrays = archive.load(path)
    try:
        parts = {name: _part(arrays, name) for name in _PARTS}
        spec = header["vocabulary"]
        return Splits(
            **parts,
            labels=tuple(header["labels"]),
            channels=tuple(header["channels"]),
            rate_hz=float(header["rate_hz"]),
            task=header["task"],
            vocabulary=Vocabulary(**spec | {"entries": tuple(spec["entries"])}) if spec else None,
            encoding=tuple(Channel(**one) for one in header["encoding"]),
            times=Times(**header["times"]) if header.get("times") else None,  # absent from older files
            every=int(header.get("every", 1)),
            hold=int(header.get("hold", 0)),
            left_out=tuple(LeftOut(**one) for one in header.get("left_out", ())),  # absent in earlier builds
        )
    except KeyError as error:
        raise InputError(f"{path} holds no {error.args[0]}; delete it and build again") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} does not hold splits ({error}); delete it and build again") from None


def _part(arrays: Mapping[str, np.ndarray], name: str) -> Split:
    x, y, group = (arrays[f"{name}_{key}"] for key in _FIELDS[:3])
    return Split(x, y, group, *(arrays.get(f"{name}_{key}") for key in _FIELDS[3:]))
