"""Normalising frames by channel: (x - mean) / std."""

from __future__ import annotations

import numpy as np


def fit(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation by channel, float32 [channels], of frames [..., channels].

    A channel that never changes gets the deviation 1, so that it becomes 0 instead of a division by zero.
    """
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=axes, dtype=np.float64)
    std = x.std(axis=axes, dtype=np.float64).astype(np.float32)
    constant = (x.max(axis=axes) == x.min(axis=axes)) | (std == 0)
    return mean.astype(np.float32), np.where(constant, np.float32(1), std)


def identity(channels: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and deviation that leave frames as they are."""
    return np.zeros(channels, np.float32), np.ones(channels, np.float32)


def apply(x: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Normalised frames, float32, in the shape of `x` ([..., channels])."""
    return ((x - mean) / std).astype(np.float32)
