"""Sines: the smallest data that a recurrent network can learn something from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import DataSection, SineData

PERIODS = (20.0, 40.0)  # frames
AMPLITUDES = (0.5, 1.5)
PIECE = 500  # frames of one sine
SEED = 0  # the data is a fixed one; a recipe's seed decides what is drawn from it


def load(section: DataSection, base: Path) -> Frames:
    """`section.frames` frames of pieces, each a sine of its own period and amplitude; the phase goes on."""
    assert isinstance(section, SineData)
    rng = np.random.default_rng(SEED)
    pieces = -(-section.frames // PIECE)
    periods, amplitudes = (rng.uniform(*limits, pieces) for limits in (PERIODS, AMPLITUDES))
    phase = np.cumsum(np.repeat(2 * np.pi / periods, PIECE)[: section.frames])
    clean = np.repeat(amplitudes, PIECE)[: section.frames] * np.sin(phase)
    noisy = clean + section.noise * rng.standard_normal(section.frames)
    return Frames(noisy[:, None].astype(np.float32), ("sine",))
