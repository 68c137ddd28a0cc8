"""Baselines for what is taken next: what all take, and what is taken together with what is there.

They give scores [examples, steps, items]. An item that a sequence has already is not what comes next where the data
leaves repeats out; then its score is below all others, and so is that of `<unk>`, which is never asked for.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.items import NOT_ASKED
from edgernn.datasets.splits import Split
from edgernn.metric import METRICS

NEVER = -1.0  # below every score, which are 0 and more


class Settings(NamedTuple):
    """How items taken together count.

    A pair that is n items apart counts `near` to the power of n - 1; counts are divided by how often the candidate
    is taken, to the power of `rarity` (0: the share of sequences that go on with it; 0.5: the cosine); of the items
    that a sequence has, the one n before the last counts `fading` to the power of n.
    """

    near: float
    rarity: float
    fading: float


SETTINGS = tuple(Settings(*one) for one in product((0.6, 0.8, 1.0), (0.0, 0.25, 0.5), (0.0, 0.4, 0.5, 0.6, 0.8)))


def most_popular(problem: Problem) -> np.ndarray:
    """What most sequences go on with, but for what each has already."""
    counts = taken(problem.y, len(problem.splits.labels))
    test = problem.splits.test
    return _without_taken(np.tile(counts, (*test.y.shape, 1)), test, problem)


def item_to_item(problem: Problem) -> np.ndarray:
    """Items taken together with those that a sequence has, the latest of these most.

    The settings are those with the best recall on validation; the counts are then those of train and validation.
    """
    train, validation, test = problem.splits.train, problem.splits.validation, problem.splits.test
    best = max(SETTINGS, key=lambda one: _recall(scores(train, validation, problem, one), validation))
    both = Split(problem.x, problem.y, np.concatenate([train.group, validation.group]), problem.lengths)
    return scores(both, test, problem, best)


def scores(seen: Split, asked: Split, problem: Problem, settings: Settings) -> np.ndarray:
    """What each item of `asked` scores after each of its steps, by the counts of `seen`; float32."""
    size = len(problem.splits.labels)
    table = together(seen, size, settings.near)
    often = np.maximum(taken(seen.y, size), 1)
    table = (table / often[:, None] ** 0.5 / often**settings.rarity).astype(np.float32)
    found = np.zeros((*asked.y.shape, size), np.float32)
    total = np.zeros((len(asked), size), np.float32)
    for step, item in enumerate(asked.x[:, :, 0].astype(np.int64).T):
        total = settings.fading * total + table[item]
        found[:, step] = total
    return _without_taken(found, asked, problem)


def together(split: Split, size: int, near: float) -> np.ndarray:
    """How often items are in one sequence, float64 [items, items]; see `Settings`. `<unk>` is with nothing."""
    sequence = np.concatenate([split.x[:, :, 0].astype(np.int64), np.zeros((len(split), 1), np.int64)], axis=1)
    last = np.take_along_axis(split.y, split.real[:, None] - 1, axis=1)[:, 0]
    sequence[np.arange(len(split)), split.real] = np.maximum(last, 0)  # the one that nothing is asked after
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


def _without_taken(found: np.ndarray, split: Split, problem: Problem) -> np.ndarray:
    assert isinstance(problem.data, ItemOptions)
    found[:, :, 0] = NEVER
    if problem.data.repeats == "drop":
        item = split.x[:, :, 0].astype(np.int64)
        for step in range(item.shape[1]):  # from this step on
            found[np.arange(len(item)), step:, item[:, step]] = NEVER
    return found


def _recall(found: np.ndarray, split: Split) -> float:
    asked = split.y != NOT_ASKED
    return METRICS["recall_at_20"].of(found[asked], split.y[asked])
