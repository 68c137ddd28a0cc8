"""From scores of what comes next to the few that are likeliest.

`top` is the definition; the C kernel `ernn_top_s16` gives the same for integer scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

NOTHING = -1  # in a list that is longer than there are candidates


@dataclass(frozen=True)
class TopRule:
    """The `count` classes with the largest scores, of equal ones the first.

    Class 0, which stands for what is not known, is none of them; with `exclude_seen` nor is what came before.
    """

    NAME: ClassVar[str] = "top"

    count: int
    exclude_seen: bool = True


def top(scores: np.ndarray, rule: TopRule, seen: np.ndarray) -> np.ndarray:
    """What comes next after every step, as `top_after` gives it, int64 [steps, count].

    `scores` are [steps, classes], `seen` int [steps] is the class that each step read.
    """
    return np.stack([top_after(own, rule, seen[: step + 1]) for step, own in enumerate(scores)])


def top_after(scores: np.ndarray, rule: TopRule, seen: np.ndarray) -> np.ndarray:
    """The best classes, the best first, int64 [count]; NOTHING where there are fewer.

    `scores` [classes] are int16 or float32, `seen` int [any] are the classes that came before.
    """
    able = np.arange(len(scores)) > 0
    if rule.exclude_seen:
        able[seen] = False
    candidates = np.flatnonzero(able)
    best = candidates[np.argsort(-scores[candidates].astype(np.float64), kind="stable")[: rule.count]]
    return np.pad(best, (0, rule.count - len(best)), constant_values=NOTHING)
