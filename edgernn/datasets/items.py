"""Baskets of items, and the splits that they become: after each item, which one is taken next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.splits import NOT_ASKED, LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.network import UNKNOWN, Vocabulary

PARTS = ("train", "validation", "test")
HELD_OUT = "baskets of validation and test"


@dataclass(frozen=True)
class Basket:
    """Items in the order in which they were taken, the last one at `time`; `place` is where it comes from."""

    name: str
    time: float
    items: tuple[str, ...]
    place: str


def split(baskets: Sequence[Basket], data: ItemOptions, seed: int) -> Splits:
    """Train, validation and test in order of time; the vocabulary is of the training baskets alone.

    A frame is an item's number. `y` int64 [examples, steps] is the number of the item that comes next, -1 where
    that is none of the vocabulary's. Training reads a basket of more than `data.steps` items in pieces, each from
    a fresh start, with `data.backwards` in both directions; validation and test ask about the first piece, which
    knows all that was taken before.

    Raises InputError when a basket has too few items and the recipe does not skip it, and when a split has none.
    """
    kept = _kept(baskets, data)
    train, validation, test = _by_time(kept, data)
    vocabulary = learn((one.items for one in train), data.vocabulary)
    made = [_encoded(part, vocabulary, data, whole=part is train) for part in (train, validation, test)]
    parts = [made[0][0], *(_sampled(part, data) for part, _ in made[1:])]
    for name, part in zip(PARTS, parts, strict=True):
        if not len(part):
            raise InputError(
                f"{kept[0].place}: no basket of {name} has a next item that training knows; give more baskets, or "
                "raise data.vocabulary"
            )
    drawn = splitting.calibration(np.zeros(len(parts[0]), np.int64), data.split.calibration, seed)
    return Splits(
        train=parts[0],
        validation=parts[1],
        calibration=parts[0].take(drawn),
        test=parts[2],
        labels=vocabulary.entries,
        channels=(data.item,),
        task="next",
        vocabulary=vocabulary,
        left_out=_left_out(baskets, kept, (train, validation, test), data)
        + counted(
            LeftOut(sum(silent for _, silent in made), "sequences", "no next item that is in the vocabulary"),
            LeftOut(sum(len(part) for part, _ in made) - sum(map(len, parts)), HELD_OUT, "data.split.at_most"),
        ),
    )


def learn(baskets: Iterable[Sequence[str]], size: int) -> Vocabulary:
    """The commonest items: `size` entries with `<unk>`, or fewer where there are.

    The commonest comes first, and of those that are equally common the first by its bytes.
    """
    counts = Counter(item for items in baskets for item in items)
    common = sorted(counts, key=lambda item: (-counts[item], item.encode()))
    return Vocabulary("items", (UNKNOWN, *common[: size - 1]))


def _kept(baskets: Sequence[Basket], data: ItemOptions) -> list[Basket]:
    """Those that are long enough, without repeats where the recipe says so."""
    if data.repeats == "drop":
        baskets = [replace(one, items=tuple(dict.fromkeys(one.items))) for one in baskets]
    few = next((one for one in baskets if len(one.items) < data.least), None)
    if few and data.short == "refuse":
        raise InputError(
            f"{few.place}: {few.name} has {len(few.items)} of the {data.least} items that data.least asks for; "
            "remove it, or set data.short: skip"
        )
    kept = [one for one in baskets if len(one.items) >= data.least]
    if not kept:
        raise InputError(f"data: no basket has {data.least} items; lower data.least, or correct data.basket")
    return kept


def _left_out(
    baskets: Sequence[Basket], kept: Sequence[Basket], parts: Sequence[Sequence[Basket]], data: ItemOptions
) -> tuple[LeftOut, ...]:
    """What of `baskets` is not in the `parts` in time, or has more items than are asked about there."""
    repeated = sum(len(one.items) - len({*one.items}) for one in baskets) if data.repeats == "drop" else 0
    longer = sum(len(one.items) > data.steps + 1 for part in parts[1:] for one in part)
    return counted(
        LeftOut(repeated, "items", "their basket has them already"),
        LeftOut(len(baskets) - len(kept), "baskets", f"fewer than {data.least} items"),
        LeftOut(len(kept) - sum(map(len, parts)), "baskets", "earlier than the share data.split.train"),
        LeftOut(longer, HELD_OUT, f"more than {data.steps + 1} items", cut=True),
    )


def _by_time(baskets: Sequence[Basket], data: ItemOptions) -> list[list[Basket]]:
    """Train, validation and test: every basket of one ends before any of the next does."""
    ordered = sorted(baskets, key=lambda one: one.time)
    before = 1 - data.split.validation - data.split.test
    shares = (before, before + data.split.validation)
    ends = [ordered[max(0, round(len(ordered) * share) - 1)].time for share in shares]
    part = np.searchsorted(ends, [one.time for one in ordered])  # baskets of the same time stay together
    parts = [[one for one, own in zip(ordered, part, strict=True) if own == i] for i in range(len(PARTS))]
    parts[0] = parts[0][-max(1, round(len(ordered) * (data.split.train or 1))) :]
    empty = next((name for name, own in zip(PARTS, parts, strict=True) if not own), None)
    if empty:
        raise InputError(
            f"{ordered[0].place}: {len(ordered)} baskets in order of time leave {empty} none; give more, at "
            "different times, or change data.split"
        )
    return parts


def _encoded(
    baskets: Sequence[Basket], vocabulary: Vocabulary, data: ItemOptions, whole: bool
) -> tuple[Split, int]:
    """The pieces of baskets, all (and backwards, too, where the recipe says so) or the first of each.

    Those that ask for nothing are left out; the number says how many.
    """
    pieces, names, silent = [], [], 0
    for one in baskets:
        numbers = [vocabulary.numbers.get(item, 0) for item in one.items]
        orders = (numbers, numbers[::-1]) if whole and data.backwards else (numbers,)
        made = [piece for order in orders for piece in _pieces(order, data.steps, whole)]
        asking = [piece for piece in made if any(piece[1:])]
        silent += len(made) - len(asking)
        pieces += asking
        names += [one.name] * len(asking)
    return _padded(pieces, names, data), silent


def _padded(pieces: Sequence[Sequence[int]], names: Sequence[str], data: ItemOptions) -> Split:
    x = np.zeros((len(pieces), data.steps, 1), np.float32)
    y = np.full((len(pieces), data.steps), NOT_ASKED, np.int64)
    for frames, answers, piece in zip(x, y, pieces, strict=True):
        frames[: len(piece) - 1, 0] = piece[:-1]
        answers[: len(piece) - 1] = [number or NOT_ASKED for number in piece[1:]]
    lengths = np.array([len(piece) - 1 for piece in pieces], np.int32)
    taken = x[:, :, 0].astype(np.int64) if data.repeats == "drop" else None
    return Split(x, y, np.array(names, dtype=np.str_), lengths, taken=taken)


def _pieces(numbers: Sequence[int], steps: int, whole: bool) -> list[Sequence[int]]:
    """Of `steps` items and the one that comes after them, all or the first."""
    return [numbers[start : start + steps + 1] for start in range(0, len(numbers) - 1 if whole else 1, steps)]


def _sampled(part: Split, data: ItemOptions) -> Split:
    count = min(data.split.at_most, len(part))
    return part.take((2 * np.arange(count) + 1) * len(part) // (2 * max(1, count)))
