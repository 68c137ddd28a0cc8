"""Sines: the smallest data that a recurrent network can learn something from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import DataSection, SineData

PERIODS = (20.0, 40.0)  # frames
AMPLITUDES = (0.5, 1.5)
PIECE = 500  # frames in which period and amplitude go from one drawn value to the next
SEED = 0  # the data is a fixed one; a recipe's seed decides what is drawn from it


def load(section: DataSection, base: Path) -> Frames:
    """`section.frames` frames of a sine whose period and amplitude change slowly between drawn values."""
    assert isinstance(section, SineData)
    rng = np.random.default_rng(SEED)
    frame, drawn = np.arange(section.frames), PIECE * np.arange(-(-section.frames // PIECE) + 1)
    period, amplitude = (
        np.interp(frame, drawn, rng.uniform(*limits, len(drawn))) for limits in (PERIODS, AMPLITUDES)
    )
    clean = amplitude * np.sin(np.cumsum(2 * np.pi / period))
    noisy = clean + section.noise * rng.standard_normal(section.frames)
    return Frames(noisy[:, None].astype(np.float32), ("sine",))
