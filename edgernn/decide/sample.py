"""From scores of the next token to a token that is drawn.

A token is drawn with the softmax of its score divided by the temperature, among the `top_k` likeliest; the first
token, which stands for all that have no name, never is. `draw` is the definition, in integers; the C kernel
`ernn_sample_s16` repeats it bit for bit. Its random numbers are those of PCG32 (O'Neill 2014, pcg-random.org), so
that a seed gives the same text everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgernn import fixed_point

INTERVALS = 64  # of the table of powers, over an octave
POWERS = np.floor(2**16 * 2 ** (-np.arange(INTERVALS + 1) / INTERVALS) + 0.5).astype(np.int64)  # Q0.16
REST_BITS = 10  # of 16 below the octave, which the table leaves over
UNITS = 17  # octaves below the largest after which a weight is 0

MULTIPLIER = 6364136223846793005
INCREMENT = 2 * 54 + 1  # of the stream 54, whose numbers pcg-random.org shows
STATE = 2**64 - 1

TEMPERATURES = (0.05, 5.0)


@dataclass(frozen=True)
class SampleRule:
    """The `top_k` likeliest tokens can be drawn, 0: all; scores are divided by `temperature` before."""

    NAME: ClassVar[str] = "sample"

    temperature: float
    top_k: int

    @property
    def factor(self) -> int:
        """What takes a score to octaves, in Q16: log2(e) / temperature."""
        return round(math.log2(math.e) / self.temperature * 2**16)

    def candidates(self, classes: int) -> int:
        """How many of so many classes can be drawn."""
        return min(self.top_k or classes, classes - 1)


def weights(outputs: np.ndarray, bits: int, rule: SampleRule) -> np.ndarray:
    """How likely each token is, in units of 2**-16 of the likeliest, int64 [classes].

    `outputs` int16 [classes] have `bits` fraction bits, 0..15. Of equally likely tokens the first ones are among
    the `top_k`.
    """
    scores = outputs.astype(np.int64)
    below = scores[1:].max() - scores
    octaves = (np.maximum(below, 0) * rule.factor) >> bits  # Q16
    whole, rest = octaves >> 16, octaves & 0xFFFF
    index, over = rest >> REST_BITS, rest & (2**REST_BITS - 1)
    power = POWERS[index] - (((POWERS[index] - POWERS[index + 1]) * over) >> REST_BITS)
    shift = np.minimum(whole, UNITS)
    found = np.where(whole > UNITS, 0, (power + ((np.int64(1) << shift) >> 1)) >> shift)
    drawn = np.zeros(len(outputs), bool)
    drawn[1 + np.argsort(-scores[1:], kind="stable")[: rule.candidates(len(outputs))]] = True
    return np.where(drawn, found, 0)


def seeded(seed: int) -> int:
    """The state of the random numbers that `seed`, 0..2**64 - 1, begins."""
    return following((seed + following(0)[0]) & STATE)[0]


def following(state: int) -> tuple[int, int]:
    """The next state, and a random number of 32 bits."""
    mixed = (((state >> 18) ^ state) >> 27) & 0xFFFFFFFF
    turn = state >> 59
    number = ((mixed >> turn) | (mixed << ((32 - turn) & 31))) & 0xFFFFFFFF
    return (state * MULTIPLIER + INCREMENT) & STATE, number


def draw(outputs: np.ndarray, bits: int, rule: SampleRule, state: int) -> tuple[int, int]:
    """The next token and the next state of the random numbers; `outputs` and `bits` are those of `weights`."""
    sums = np.cumsum(weights(outputs, bits, rule))
    state, number = following(state)
    target = (int(sums[-1]) * number) >> 32
    return int(np.searchsorted(sums, target, side="right")), state


def integers(outputs: np.ndarray, bits: int) -> np.ndarray:
    """Real outputs as `weights` reads them: int16 with `bits` fraction bits, saturated."""
    return fixed_point.saturate(np.floor(np.asarray(outputs, np.float64) * 2**bits + 0.5), "int16").astype(np.int16)
