"""Labelled texts, and the splits that they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.sections import TextData, TextSplitSection
from edgernn.datasets.splits import LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.network import Vocabulary

LEAST = 3  # texts of a label: one for each split
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Text:
    """One example. `group` is what must not be in two splits, empty where nothing is said of it.

    `place` says where it comes from, for messages; `shares` how much of each label it is, where that is known.
    """

    text: str
    label: str
    group: str
    place: str
    shares: Mapping[str, float] | None = None


def split(texts: Sequence[Text], data: TextData, seed: int) -> Splits:
    """Train, validation and test; the vocabulary is of the training texts alone, `seed` draws the calibration.

    Labels are in alphabetical order. A text with more tokens than `data.steps` is cut.

    Raises InputError when a text has no token, when there is one label only, and when a label has too few texts for
    every split to get one.
    """
    read = [(one, tokens.split(one.text, data.tokens)) for one in texts]
    found = [pair for pair in read if pair[1] or not _empty(pair[0], data)]
    labels = tuple(sorted({one.label for one, _ in found}))
    _refuse_few([one for one, _ in found], labels)
    owners = _owners([one for one, _ in found], [" ".join(words) for _, words in found])
    held = assign([one.label for one, _ in found], owners, data.split)
    seen = [words for (_, words), part in zip(found, held, strict=True) if part == "train"]
    vocabulary = replace(tokens.learn(seen, data.tokens, data.vocabulary, data.keep), padded=data.pad)
    whole = _encoded(found, owners, vocabulary, labels, data.steps)
    train, validation, test = (whole.take(held == name) for name in PARTS)
    _refuse_missing({"train": train, "validation": validation, "test": test}, labels)
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(splitting.calibration(train.y, data.split.calibration, seed)),
        test=test,
        labels=labels,
        channels=("token",),
        vocabulary=vocabulary,
        left_out=counted(
            LeftOut(len(read) - len(found), "texts", f"no {data.tokens.removesuffix('s')}"),
            LeftOut(
                count=sum(len(own) > data.steps for _, own in found),
                what="texts",
                why=f"more than {data.steps} {data.tokens}",
                cut=True,
            ),
        ),
    )


def assign(labels: Sequence[str], owners: np.ndarray, section: TextSplitSection) -> np.ndarray:
    """The split of every text, str [texts]: whole owners (int [texts]), drawn by kind.

    A kind is the set of labels that an owner's texts have. Shares are of the owners.
    """
    kinds: dict[int, frozenset[str]] = {}
    for label, owner in zip(labels, owners.tolist(), strict=True):
        kinds[owner] = kinds.get(owner, frozenset()) | {label}
    rng = np.random.default_rng(section.seed)
    named = {str(owner): kind for owner, kind in kinds.items()}
    test = splitting.draw(named, section.test * len(named), 2, rng)
    rest = {owner: kind for owner, kind in named.items() if owner not in test}
    validation = splitting.draw(rest, section.validation * len(named), 1, rng)
    place = dict.fromkeys(named, "train") | dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
    return np.array([place[str(owner)] for owner in owners])


def _empty(one: Text, data: TextData) -> bool:
    """Whether a text without a token is to be left out."""
    if data.empty == "refuse":
        what = "word" if data.tokens == "words" else "character"
        raise InputError(
            f"{one.place}: the text has no {what}; mend it, or leave such texts out with data.empty: skip"
        )
    return True


def _refuse_few(texts: Sequence[Text], labels: Sequence[str]) -> None:
    if not texts:
        raise InputError("data: no text has a word; correct data.path or data.text")
    if len(labels) == 1:
        raise InputError(f"the data has one class only ({labels[0]}); a classifier needs two")
    for label in labels:
        own = [one.place for one in texts if one.label == label]
        if len(own) < LEAST:
            raise InputError(
                f"{own[0]}: the label {label} has {len(own)} of the {LEAST} texts that it needs, one for each "
                "split; add some, or correct the label"
            )


def _owners(texts: Sequence[Text], content: Sequence[str]) -> np.ndarray:
    """What must stay together, int [texts]: texts of one group, and texts with the same tokens, however linked."""
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, (one, same) in enumerate(zip(texts, content, strict=True)):
        for key in _keys(one, same):
            parent[root(index)] = root(first.setdefault(key, index))
    return np.array([root(index) for index in range(len(texts))])


def _keys(one: Text, content: str) -> Iterator[tuple[str, str]]:
    yield "text", content
    if one.group:
        yield "group", one.group


def _encoded(
    found: Sequence[tuple[Text, list[str]]],
    owners: np.ndarray,
    vocabulary: Vocabulary,
    labels: Sequence[str],
    steps: int,
) -> Split:
    """All texts; `x` is padded with 0 behind a text's end."""
    number = {label: index for index, label in enumerate(labels)}
    encoded = [tokens.encode(vocabulary, words, steps) for _, words in found]
    x = np.zeros((len(found), steps, 1), np.float32)
    for row, numbers in zip(x, encoded, strict=True):
        row[: len(numbers), 0] = numbers
    return Split(
        x=x,
        y=np.array([number[one.label] for one, _ in found], np.int64),
        group=np.array([one.group or str(owner) for (one, _), owner in zip(found, owners, strict=True)]),
        lengths=None if vocabulary.padded else np.array([len(numbers) for numbers in encoded], np.int32),
        text=np.array([one.text for one, _ in found]),
        shares=_shares([one for one, _ in found], labels),
    )


def _shares(texts: Sequence[Text], labels: Sequence[str]) -> np.ndarray | None:
    """float32 [texts, labels]; None where the source has none."""
    rows = [[one.shares[label] for label in labels] for one in texts if one.shares]
    return np.array(rows, np.float32) if rows else None


def _refuse_missing(parts: dict[str, Split], labels: Sequence[str]) -> None:
    """Groups of several labels may leave a split without one."""
    for name, part in parts.items():
        missing = next((label for index, label in enumerate(labels) if not np.any(part.y == index)), None)
        if missing is not None:
            raise InputError(
                f"the class {missing} has no text in {name}; use smaller groups (data.group), or another "
                "data.split.seed"
            )
