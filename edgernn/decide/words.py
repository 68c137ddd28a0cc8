"""From outputs after every step to decisions: which word was said, once each time that it is said.

The posteriors (softmax) of the last `smooth` steps are averaged. When the largest mean of a word reaches the
threshold, that word is decided for, and nothing else for `refractory` steps. `detect` is the definition, in
integers; the C kernel `ernn_detect_s16` repeats it bit for bit.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgernn import fixed_point

NOTHING = -1  # what a step decides for that decides for nothing
QUIET = ("unknown", "silence")  # classes that are never decided for; they come last
LONGEST = 1000  # steps to average, at most: their sum fits an int32
MOST_BITS = 15  # fraction bits of outputs


@dataclass(frozen=True)
class WordRule:
    """`smooth` steps are averaged, `threshold` is a share of 1, `refractory` steps after a decision have none."""

    NAME: ClassVar[str] = "words"

    smooth: int
    threshold: float
    refractory: int

    @property
    def total(self) -> int:
        """What the sum of `smooth` posteriors in Q0.15 must reach."""
        return max(1, math.ceil(self.threshold * self.smooth * 32767))


def words(labels: tuple[str, ...]) -> int:
    """How many of the first labels are words, which can be decided for."""
    return next((i for i, label in enumerate(labels) if label in QUIET), len(labels))


def fraction_bits(scale: float) -> int:
    """The fraction bits of outputs of this scale, 2**-bits.

    Raises ValueError for what is no such scale, or not from 1 to 2**-15.
    """
    bits = -math.log2(scale)
    if not bits.is_integer() or not 0 <= bits <= MOST_BITS:
        raise ValueError(f"outputs of scale {scale:g} have no posteriors in integers")
    return int(bits)


def detect(outputs: np.ndarray, bits: int, count: int, rule: WordRule) -> np.ndarray:
    """The word that each step decides for, int64 [steps], or NOTHING.

    `outputs` int16 [steps, classes] have `bits` fraction bits; the first `count` classes are words. Steps before
    the first one count as posteriors of 0.
    """
    posterior = fixed_point.softmax(outputs.astype(np.int64), bits)[:, :count]
    before = np.zeros((rule.smooth, count), np.int64)
    sums = np.cumsum(np.concatenate([before, posterior]), axis=0)
    sums = sums[rule.smooth :] - sums[: -rule.smooth]  # [steps, count]
    best = sums.argmax(axis=1)  # the first of equals
    reached = np.take_along_axis(sums, best[:, None], axis=1)[:, 0] >= rule.total
    decided = np.full(len(outputs), NOTHING, np.int64)
    free = 0
    for step in np.flatnonzero(reached).tolist():
        if step >= free:
            decided[step] = best[step]
            free = step + rule.refractory + 1
    return decided


class Detector:
    """`detect`, step by step, for a stream that has no end."""

    def __init__(self, bits: int, count: int, rule: WordRule) -> None:
        self.bits, self.count, self.rule = bits, count, rule
        self.past = deque([np.zeros(count, np.int64)] * rule.smooth, rule.smooth)
        self.wait = 0

    def push(self, output: np.ndarray) -> int:
        """The word that the next step decides for, or NOTHING; `output` int16 [classes]."""
        self.past.append(fixed_point.softmax(output.astype(np.int64)[None], self.bits)[0, : self.count])
        if self.wait:
            self.wait -= 1
            return NOTHING
        sums = np.sum(self.past, axis=0)
        best = int(sums.argmax())
        if sums[best] < self.rule.total:
            return NOTHING
        self.wait = self.rule.refractory
        return best
