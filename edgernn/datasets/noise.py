"""Noise behind speech: the user's recordings of it, or made - white, pink, and the babble of other speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

VOICES = 6  # in babble
SPREAD_DB = 6.0  # how much softer than the loudest the others are, at most
KINDS = ("white", "pink", "babble")


@dataclass(frozen=True, eq=False)
class Noise:
    """Where noise comes from: `recorded` int16 backgrounds, and `speech` int16 clips to make babble of.

    Backgrounds are used where there are any; else noise is made.
    """

    recorded: tuple[np.ndarray, ...]
    speech: tuple[np.ndarray, ...]
    groups: tuple[str, ...]  # of `speech`
    _others: dict[str, list[np.ndarray]] = field(default_factory=dict)  # filled when asked for

    def draw(self, samples: int, rng: np.random.Generator, but: str = "") -> np.ndarray:
        """Noise of mean square 1, float64 [samples], of a drawn kind; no babble has a voice of the group `but`."""
        if self.recorded:
            return _unit(_part(self.recorded[int(rng.integers(len(self.recorded)))], samples, rng))
        kind = KINDS[int(rng.integers(len(KINDS)))]
        if kind == "babble":
            others = self._of_others(but)
            if others:
                return _unit(babble(others, samples, rng))
        return _unit(pink(samples, rng) if kind == "pink" else rng.standard_normal(samples))

    def _of_others(self, group: str) -> list[np.ndarray]:
        """The speech of all groups but one."""
        if group not in self._others:
            self._others[group] = [one for one, own in zip(self.speech, self.groups, strict=True) if own != group]
        return self._others[group]


def pink(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with 1 / frequency, float64 [samples]."""
    count = 1 << (samples - 1).bit_length()  # a fast size of the FFT
    spectrum = rng.standard_normal(count // 2 + 1) + 1j * rng.standard_normal(count // 2 + 1)
    spectrum /= np.sqrt(np.maximum(np.arange(count // 2 + 1), 1))
    return np.fft.irfft(spectrum, count)[:samples]


def babble(clips: Sequence[np.ndarray], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Six voices at once, each saying clip after clip, float64 [samples]."""
    total = np.zeros(samples)
    for _ in range(VOICES):
        total += _voice(clips, samples, rng) * 10 ** (-rng.uniform(0, SPREAD_DB) / 20)
    return total


def _voice(clips: Sequence[np.ndarray], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Clips of mean square 1 one after the other, from somewhere in the first."""
    said: list[np.ndarray] = []
    while sum(map(len, said)) < samples:
        clip = _unit(clips[int(rng.integers(len(clips)))])
        said.append(clip if said else clip[rng.integers(len(clip)) :])
    return np.concatenate(said)[:samples]


def _part(recorded: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A drawn part of a recording, repeated where that is too short."""
    start = int(rng.integers(max(1, len(recorded) - samples + 1)))
    return np.resize(recorded[start:] if len(recorded) - start >= samples else recorded, samples)


def _unit(samples: np.ndarray) -> np.ndarray:
    wide = samples.astype(np.float64)
    return wide / np.sqrt(max(float(np.mean(wide**2)), 1e-12))
