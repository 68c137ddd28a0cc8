"""Windows laid end to end: long streams, as a device that is never switched off sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

import numpy as np

ORDER_SEED = 0  # of the order of recordings: not the recipe's, so that two builds of one split share their stream


@dataclass(frozen=True, eq=False)
class Stream:
    """Raw frames, float32 [streams, frames, channels], and where in them each whole window ends.

    `windows` int64 [ends] are indices of windows, `streams` int64 [ends] the stream that each lies in, and `ends`
    int64 [ends] the frames of that stream up to and with the window's last one.
    """

    frames: np.ndarray
    windows: np.ndarray
    streams: np.ndarray
    ends: np.ndarray


def lay(x: np.ndarray, frames: int, streams: int, lengths: np.ndarray | None = None) -> Stream:
    """`streams` streams of `frames` frames from windows x [windows, steps, channels] in order of time.

    Of a window that overlaps the one before it, only the new frames are taken; with `lengths` [windows], the first
    so many of each. Recordings follow each other in a drawn order, so that a stream shorter than all of them meets
    every kind; a stream longer repeats them.
    """
    hop = shift(x) if lengths is None else x.shape[1]
    found = recordings(x, hop)
    ends = np.full(len(x), x.shape[1]) if lengths is None else lengths
    order = np.random.default_rng(ORDER_SEED).permutation(len(found))
    runs = cycle([found[i] for i in order])
    laid = [_one(x, ends, hop, runs, frames) for _ in range(streams)]
    table = np.array(
        [(stream, window, end) for stream, (_, places) in enumerate(laid) for window, end in places], np.int64
    ).reshape(-1, 3)
    return Stream(np.stack([part for part, _ in laid]), table[:, 1], table[:, 0], table[:, 2])


def shift(x: np.ndarray) -> int:
    """The frames by which a window begins after the one before it, where the two overlap: the most common number.

    Told by equal frames alone, so that it serves every source; the length of a window where none overlaps.
    """
    shifts = [found for a, b in pairwise(x) if (found := _overlap(a, b))]
    return int(np.bincount(shifts).argmax()) if shifts else x.shape[1]


def recordings(x: np.ndarray, hop: int) -> list[range]:
    """The runs of windows of which each goes on with the one before it, `hop` frames later."""
    if hop == x.shape[1]:
        return [range(i, i + 1) for i in range(len(x))]
    same = (x[:-1, hop:] == x[1:, : x.shape[1] - hop]).all(axis=(1, 2))
    starts = [0, *(np.flatnonzero(~same) + 1), len(x)]
    return [range(int(a), int(b)) for a, b in pairwise(starts)]


def _overlap(first: np.ndarray, second: np.ndarray) -> int:
    """The smallest shift at which two windows [steps, channels] show the same frames; 0 for none."""
    places = np.flatnonzero((first[1:] == second[0]).all(axis=1)) + 1
    return next((int(i) for i in places if np.array_equal(first[i:], second[: len(first) - i])), 0)


def _one(
    x: np.ndarray, ends: np.ndarray, hop: int, runs: Iterable[Sequence[int]], frames: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """One stream [frames, channels], and the index and the end of every window that is whole in it."""
    pieces: list[np.ndarray] = []
    places: list[tuple[int, int]] = []
    total = 0
    for run in runs:
        for index in run:
            piece = x[index, : ends[index]] if index == run[0] else x[index, -hop:]
            pieces.append(piece)
            total += len(piece)
            if total <= frames:
                places.append((index, total))
            if total >= frames:
                return np.concatenate(pieces)[:frames].astype(np.float32), places
    raise ValueError("there is no window to lay")
