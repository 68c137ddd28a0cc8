"""Cutting recordings into windows of equal length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgernn.datasets.series import Series


def cut(
    series: Sequence[Series], window: int, hop: int, every: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of `window` samples that start `hop` samples apart, each thinned to every `every`-th sample.

    Returns x float32 [windows, ceil(window / every), channels], label str [windows], group str [windows], in
    the order of `series` and of time. A recording shorter than a window gives none; without any window x has
    zero rows.
    """
    parts = [_windows(one.values, window, hop, every) for one in series]
    channels = series[0].values.shape[1] if series else 0
    empty = np.zeros((0, -(-window // every), channels), np.float32)
    x = np.concatenate([empty, *parts])
    counts = [len(part) for part in parts]
    label = np.repeat(np.array([one.label for one in series], dtype=np.str_), counts)
    group = np.repeat(np.array([one.group for one in series], dtype=np.str_), counts)
    return x, label, group


def _windows(values: np.ndarray, window: int, hop: int, every: int) -> np.ndarray:
    """A view, [windows, steps, channels]."""
    if len(values) < window:
        return np.zeros((0, -(-window // every), values.shape[1]), np.float32)
    views = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)  # [starts, channels, window]
    return views[::hop, :, ::every].transpose(0, 2, 1)
