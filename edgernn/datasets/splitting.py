"""Who is held out: groups for test and validation, and the training windows that calibrate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from edgernn.datasets.series import Series
from edgernn.datasets.split_sections import SplitSection
from edgernn.errors import InputError

SHARE = 0.15  # of the groups, for test and for validation each, where the recipe names none

Kinds = Mapping[str, frozenset[str]]  # group -> its classes


def assign(
    series: Sequence[Series],
    split: SplitSection,
    seed: int,
    remedy: str = "use another data.group, or name fewer groups",
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The groups of train, validation and test; every group is in exactly one.

    Raises:
        InputError: the recipe names a group that is not there, or too few groups are left for a split, which
            `remedy` mends.
    """
    kinds = _kinds(series)
    _refuse_unknown((*split.test, *split.validation, *split.exclude), kinds)
    kinds = _without(kinds, split.exclude)
    rng = np.random.default_rng(seed)
    wanted = SHARE * len(kinds)
    free = _without(kinds, (*split.test, *split.validation))
    test = frozenset(split.test) or draw(free, wanted, 1 if split.validation else 2, rng)
    free = _without(free, test)
    validation = frozenset(split.validation) or draw(free, wanted, 1, rng)
    train = frozenset(free) - validation
    if not (train and validation and test):
        raise InputError(
            f"data.split leaves train {len(train)}, validation {len(validation)} and test {len(test)} of "
            f"{len(kinds)} groups; each needs one: {remedy}"
        )
    return train, validation, test


def calibration(y: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of up to `count` windows, int64, increasing, with each class in proportion to `y` [windows].

    Windows are shuffled within their class, laid end to end, and taken at equal distances.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(y))
    ordered = shuffled[np.argsort(y[shuffled], kind="stable")]
    count = min(count, len(y))
    places = (2 * np.arange(count) + 1) * len(y) // (2 * count)
    return np.sort(ordered[places])


def _kinds(series: Iterable[Series]) -> Kinds:
    classes: dict[str, set[str]] = defaultdict(set)
    for one in series:
        classes[one.group].add(one.label)
    return {group: frozenset(classes[group]) for group in sorted(classes)}


def _without(kinds: Kinds, groups: Iterable[str]) -> Kinds:
    gone = set(groups)
    return {group: classes for group, classes in kinds.items() if group not in gone}


def _refuse_unknown(named: Iterable[str], kinds: Kinds) -> None:
    unknown = next((group for group in named if group not in kinds), None)
    if unknown is not None:
        names = list(kinds)
        known = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise InputError(f"data.split names the group {unknown!r}, which is not in the data; it has: {known}")


def draw(kinds: Kinds, wanted: float, leave: int, rng: np.random.Generator) -> frozenset[str]:
    """About `wanted` groups, of every kind in proportion and at least one where `leave` others remain.

    Drawing by kind keeps a class whose groups are few (files of one class each) out of no split. Kinds with
    too few groups of their own are drawn from together.
    """
    buckets: dict[frozenset[str], list[str]] = defaultdict(list)
    for group, classes in kinds.items():
        buckets[classes].append(group)
    large = [names for names in buckets.values() if len(names) > leave]
    rest = [group for names in buckets.values() if len(names) <= leave for group in names]
    share = wanted / max(1, len(kinds))
    drawn: list[str] = []
    for names in (*large, rest):
        if len(names) > leave:
            count = min(max(1, round(share * len(names))), len(names) - leave)
            drawn += [names[i] for i in rng.permutation(len(names))[:count]]
    return frozenset(drawn)
