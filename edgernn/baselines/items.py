"""Baselines for what is taken next: what all take, and what is taken together with what is there.

They give scores [examples, steps, items]; that of `<unk>`, which is never asked for, is below all others.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.splits import NOT_ASKED, Split
from edgernn.metric import METRICS, decisive

NEVER = -1.0  # below all other scores, which are 0 and more


class Settings(NamedTuple):
    """How items taken together count.

    A pair that is n items apart counts `near` to the power of n - 1; counts are divided by how often the candidate
    is taken, to the power of `rarity` (0: the share of sequences that go on with it; 0.5: the cosine); of the items
    that a sequence has, the one n before the last counts `fading` to the power of n.
    """

    near: float
    rarity: float
    fading: float


NEAR = (0.4, 0.6, 0.8, 1.0)
RARITY = (0.0, 0.25, 0.5)
FADING = (0.2, 0.4, 0.6, 0.8)


def most_popular(problem: Problem) -> np.ndarray:
    """How many sequences each item continues."""
    counts = taken(problem.y, len(problem.splits.labels))
    counts[0] = NEVER
    return np.tile(counts, (*problem.splits.test.y.shape, 1))


def item_to_item(problem: Problem) -> np.ndarray:
    """Items taken together with those that a sequence has, the latest of these most.

    The settings are those with the best recall on validation; the counts are then those of train and validation.
    """
    train, validation, test = problem.splits.train, problem.splits.validation, problem.splits.test
    size, found = len(problem.splits.labels), {}
    for near in NEAR:
        pairs = together(train, size, near)
        for one in (Settings(near, *others) for others in product(RARITY, FADING)):
            found[one] = _recall(scores(pairs, taken(train.y, size), validation, one), validation)
    best = max(found, key=lambda one: found[one])
    return scores(together(problem.splits.known, size, best.near), taken(problem.y, size), test, best)


def scores(pairs: np.ndarray, often: np.ndarray, asked: Split, settings: Settings) -> np.ndarray:
    """What each item scores after each step of `asked`, float32 [examples, steps, items].

    `pairs` [items, items] are how often two are taken together, `often` [items] how often each is.
    """
    often = np.maximum(often, 1)
    table = (pairs / np.sqrt(often)[:, None] / often**settings.rarity).astype(np.float32)
    found = np.empty((*asked.y.shape, len(often)), np.float32)
    total = np.zeros((len(asked), len(often)), np.float32)
    for step, item in enumerate(asked.x[:, :, 0].astype(np.int64).T):
        total = settings.fading * total + table[item]
        found[:, step] = total
    found[:, :, 0] = NEVER
    return found


def together(split: Split, size: int, near: float) -> np.ndarray:
    """How often items are in one sequence, float64 [items, items]; see `Settings`. `<unk>` is with nothing."""
    sequence = np.concatenate([split.x[:, :, 0].astype(np.int64), np.zeros((len(split), 1), np.int64)], axis=1)
    last = np.take_along_axis(split.y, split.real[:, None].astype(np.int64) - 1, axis=1)[:, 0]
    sequence[np.arange(len(split)), split.real] = np.maximum(last, 0)  # what nothing is asked after
    counts = np.zeros(size * size)
    for apart in range(1, sequence.shape[1]):
        pairs = (sequence[:, :-apart] * size + sequence[:, apart:]).ravel()
        counts += near ** (apart - 1) * np.bincount(pairs, minlength=size * size)
    table = counts.reshape(size, size)
    table = table + table.T
    table[0], table[:, 0] = 0, 0  # <unk>, and padding
    return table


def taken(y: np.ndarray, size: int) -> np.ndarray:
    """How often each item is what comes next, float64 [items]."""
    return np.bincount(y[y != NOT_ASKED], minlength=size).astype(np.float64)


def _recall(found: np.ndarray, split: Split) -> float:
    return METRICS["recall_at_20"].of(*decisive(found, split.y, taken=split.taken))
