"""Parallel text, and the splits that it becomes: a text is read, and then what it becomes is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.parallel_text_sections import ParallelTextData
from edgernn.datasets.splits import NOT_ASKED, LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.network import END, TO, Vocabulary

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Pair:
    """A text and what it becomes; `place` says where it comes from, for messages."""

    text: str
    becomes: str
    place: str


class Read(NamedTuple):
    """The tokens of a pair."""

    text: tuple[str, ...]
    becomes: tuple[str, ...]

    @property
    def steps(self) -> int:
        """What a network reads of it, with `<to>`."""
        return len(self.text) + 1 + len(self.becomes)


def split(pairs: Sequence[Pair], data: ParallelTextData, seed: int) -> Splits:
    """Train, validation and test; the vocabulary is of the training pairs alone, `seed` draws the calibration.

    Frames are the numbers of tokens: those of the text, `<to>`, those of what it becomes. `y` int64 [pairs, steps]
    is from `<to>` on the number of the token after, at last that of `<end>`.

    Raises InputError when a side of a pair has no token, when a pair has more than `data.steps` and the recipe does
    not skip it, and when too few texts differ for three splits.
    """
    read = _kept([(one, _read(one, data)) for one in pairs], data)
    number: dict[tuple[str, ...], int] = {}  # of each text
    owners = np.array([str(number.setdefault(one.text, len(number))) for one in read])
    held = _drawn(owners, data)
    seen = [side for one, part in zip(read, held, strict=True) if part == "train" for side in one]
    vocabulary = learn(seen, data)
    whole = _encoded(read, owners, vocabulary, data.steps)
    train, validation, test = (whole.take(held == name) for name in PARTS)
    drawn = splitting.calibration(np.zeros(len(train), np.int64), data.split.calibration, seed)
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(drawn),
        test=test,
        labels=vocabulary.entries,
        channels=("token",),
        task="next",
        vocabulary=vocabulary,
        left_out=counted(
            LeftOut(len(pairs) - len(read), "pairs", f"more than {data.steps} {data.tokens} with {TO}")
        ),
    )


def learn(texts: Sequence[Sequence[str]], data: ParallelTextData) -> Vocabulary:
    """`<unk>`, `<to>`, `<end>` and the commonest tokens of both sides: `data.vocabulary` entries, or fewer."""
    marks = (TO, END)
    found = tokens.learn(texts, data.tokens, data.vocabulary - len(marks), case=data.case)
    unknown, *common = found.entries
    return replace(found, entries=(unknown, *marks, *common))


def _read(pair: Pair, data: ParallelTextData) -> Read:
    sides = {name: tokens.split(getattr(pair, name), data.tokens, data.case) for name in Read._fields}
    empty = next((name for name, side in sides.items() if not side), None)
    if empty:
        raise InputError(
            f"{pair.place}: its data.{empty} has no {data.tokens.removesuffix('s')}; mend it, or remove the row"
        )
    return Read(**{name: tuple(side) for name, side in sides.items()})


def _kept(read: Sequence[tuple[Pair, Read]], data: ParallelTextData) -> list[Read]:
    """Those that are short enough."""
    long = next(((pair, one) for pair, one in read if one.steps > data.steps), None)
    if long and data.long == "refuse":
        raise InputError(
            f"{long[0].place}: the pair has {long[1].steps} {data.tokens} with {TO}, and data.steps is "
            f"{data.steps}; raise it, or leave such pairs out with data.long: skip"
        )
    return [one for _, one in read if one.steps <= data.steps]


def _drawn(owners: np.ndarray, data: ParallelTextData) -> np.ndarray:
    """The split of every pair, str [pairs]: whole owners (str [pairs]), at least one for each."""
    names = np.unique(owners)
    if len(names) < len(PARTS):
        raise InputError(
            f"data: {len(names)} different texts have {data.steps} steps at most, and each split needs one; give "
            "more, or raise data.steps"
        )
    order = np.random.default_rng(data.split.seed).permutation(names)
    test = max(1, round(data.split.test * len(names)))
    validation = min(max(1, round(data.split.validation * len(names))), len(names) - test - 1)
    drawn = (order[test + validation :], order[test : test + validation], order[:test])
    place = {name: part for part, some in zip(PARTS, drawn, strict=True) for name in some.tolist()}
    return np.array([place[owner] for owner in owners.tolist()])


def _encoded(read: Sequence[Read], owners: np.ndarray, vocabulary: Vocabulary, steps: int) -> Split:
    """All pairs; behind the end of one `x` is padded with 0."""
    x = np.zeros((len(read), steps, 1), np.float32)
    y = np.full((len(read), steps), NOT_ASKED, np.int64)
    for frames, answers, one in zip(x, y, read, strict=True):
        row = tokens.encode(vocabulary, (*one.text, TO, *one.becomes, END), one.steps + 1)
        frames[: one.steps, 0] = row[:-1]
        asked = slice(len(one.text), one.steps)
        answers[asked] = np.where(row[1:] == 0, NOT_ASKED, row[1:])[asked]
    return Split(x, y, owners, np.array([one.steps for one in read], np.int32))
