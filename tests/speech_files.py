"""Folders of recordings as a user would have them, written with soundfile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

TONES = {"go": 500.0, "stop": 900.0, "left": 1500.0}  # Hz; each label has its own


def tone(hertz: float, rate_hz: int, seconds: float, level: float = 0.3) -> np.ndarray:
    """A tone between half as much silence on either side, float32 [samples]."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    inside = np.abs(time / seconds - 0.5) < 0.25
    return (level * np.sin(2 * np.pi * hertz * time) * inside).astype(np.float32)


def write_folder(
    root: Path, labels: Sequence[str], speakers: int = 8, rates: Sequence[int] = (8000, 16000), ending: str = "wav"
) -> Path:
    """`<root>/<label>/s<speaker>_nohash_0.<ending>`, the rates in turn, every third one stereo."""
    for index, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        for speaker in range(speakers):
            rate = rates[speaker % len(rates)]
            sound = tone(TONES.get(label, 2000.0 + 300 * index), rate, 0.8 + 0.1 * (speaker % 5))
            both = np.stack([sound, sound], axis=1) if speaker % 3 == 0 else sound
            soundfile.write(root / label / f"s{speaker}_nohash_0.{ending}", both, rate)
    return root
