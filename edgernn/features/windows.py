"""Cutting recordings into windows of equal length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from edgernn.datasets.series import Series


class Windows(NamedTuple):
    """x float32 [windows, steps, channels], label and group str [windows], `lengths` int32 [windows].

    Of a window, `lengths` steps are of the recording; zeros follow.
    """

    x: np.ndarray
    label: np.ndarray
    group: np.ndarray
    lengths: np.ndarray


def cut(series: Sequence[Series], window: int, hop: int, every: int = 1, pad: bool = False) -> Windows:
    """Windows of `window` samples that start `hop` samples apart, each thinned to every `every`-th sample.

    Windows have ceil(window / every) steps and come in the order of `series` and of time. A recording shorter than
    a window gives none, or with `pad` one; without any window x has zero rows.
    """
    parts = [_windows(one.values, window, hop, every, pad) for one in series]
    channels = series[0].values.shape[1] if series else 0
    empty = np.zeros((0, -(-window // every), channels), np.float32)
    x = np.concatenate([empty, *parts])
    counts = [len(part) for part in parts]
    label = np.repeat(np.array([one.label for one in series], dtype=np.str_), counts)
    group = np.repeat(np.array([one.group for one in series], dtype=np.str_), counts)
    steps = np.array([-(-min(len(one.values), window) // every) for one in series], np.int32)
    return Windows(x, label, group, np.repeat(steps, counts))


def _windows(values: np.ndarray, window: int, hop: int, every: int, pad: bool) -> np.ndarray:
    """A view, [windows, steps, channels], but of what is padded."""
    steps = -(-window // every)
    if len(values) < window:
        padded = np.zeros((int(pad), steps, values.shape[1]), np.float32)
        padded[:, : -(-len(values) // every)] = values[::every]
        return padded
    views = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)  # [starts, channels, window]
    return views[::hop, :, ::every].transpose(0, 2, 1)
