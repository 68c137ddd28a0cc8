"""Running text, and the windows that it becomes: after every character the next one is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.datasets.running_text_sections import RunningTextData
from edgernn.datasets.splits import NOT_ASKED, LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.network import Vocabulary

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Work:
    """A whole text, of which no two parts are in two splits where there are others."""

    title: str
    text: str


def split(works: Sequence[Work], data: RunningTextData, seed: int) -> Splits:
    """Train, validation and test; the vocabulary is of the training texts alone, `seed` draws the calibration.

    Frames are the numbers of characters, `labels` the characters of all numbers.

    Raises InputError when there are two texts, and when a split has no whole window or nothing to ask for.
    """
    read = {work.title: tokens.split(work.text, "characters", data.case) for work in works}
    parts = _in_order(read, data) if len(works) == 1 else _whole(read, data)
    _refuse_short(parts, data.steps)
    vocabulary = tokens.learn(parts["train"].values(), "characters", data.vocabulary, case=data.case)
    limits = (data.train_windows, data.validation_windows, data.test_windows)
    made = [_windows(parts[name], vocabulary, data.steps) for name in PARTS]
    train, validation, test = (_spread(one, most) for one, most in zip(made, limits, strict=True))
    _refuse_foreign({"validation": validation, "test": test})
    drawn = np.random.default_rng(seed).permutation(len(train))[: data.split.calibration]
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(np.sort(drawn)),
        test=test,
        labels=vocabulary.entries,
        channels=("token",),
        task="next",
        vocabulary=vocabulary,
        left_out=counted(
            *(
                LeftOut(len(whole) - len(part), f"windows of {name}", f"data.{name}_windows")
                for name, whole, part in zip(PARTS, made, (train, validation, test), strict=True)
            )
        ),
    )


Texts = Mapping[str, Sequence[str]]  # the characters of texts by title


def _in_order(read: Texts, data: RunningTextData) -> dict[str, Texts]:
    """One text, cut where its shares end."""
    ((title, characters),) = read.items()
    count, shares = len(characters), data.split
    ends = [0, round((1 - shares.validation - shares.test) * count), round((1 - shares.test) * count), count]
    pieces = zip(PARTS, ends, ends[1:], strict=False)
    return {name: {title: characters[start:end]} for name, start, end in pieces}


def _whole(read: Texts, data: RunningTextData) -> dict[str, Texts]:
    """Whole texts: first those for test are drawn, then those for validation, and at least one is left."""
    if len(read) < len(PARTS):
        raise InputError(
            f"data: has {len(read)} texts, and whole ones are held out; give {len(PARTS)} and more, or one file"
        )
    drawn = [list(read)[i] for i in np.random.default_rng(data.split.seed).permutation(len(read))]
    total = sum(map(len, read.values()))
    parts: dict[str, Texts] = {}
    for name, share, others in (("test", data.split.test, 2), ("validation", data.split.validation, 1)):
        taken = [drawn.pop()]
        while len(drawn) > others and sum(len(read[title]) for title in taken) < share * total:
            taken.append(drawn.pop())
        parts[name] = {title: read[title] for title in taken}
    return {"train": {title: read[title] for title in read if title in drawn}, **parts}


def _windows(texts: Texts, vocabulary: Vocabulary, steps: int) -> Split:
    """All windows of texts, in order: x [windows, steps, 1], and in y [windows, steps] the character after each."""
    found = [_of_one(tokens.encode(vocabulary, text, len(text)), steps) for text in texts.values()]
    x, y = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    group = np.repeat(np.array(list(texts)), [len(windows) for windows, _ in found])
    return Split(x.astype(np.float32)[:, :, None], np.where(y == 0, NOT_ASKED, y), group)


def _spread(windows: Split, most: int | None) -> Split:
    """Up to `most` windows, at equal distances."""
    count = len(windows)
    taken = min(count, most or count)
    return windows.take((2 * np.arange(taken) + 1) * count // (2 * taken))


def _of_one(numbers: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of one text's numbers and of what comes next, int64 [windows, steps] each; its end is left out."""
    count = max(0, len(numbers) - 1) // steps
    end = count * steps
    return numbers[:end].reshape(count, steps), numbers[1 : end + 1].reshape(count, steps)


def _refuse_short(parts: Mapping[str, Texts], steps: int) -> None:
    for name in PARTS:
        longest = max(map(len, parts[name].values()))
        if longest <= steps:
            raise InputError(
                f"data: {name} has {longest} characters in a row, and a window with the next one has {steps + 1}; "
                f"give more text, a larger share in data.split, or fewer data.steps"
            )


def _refuse_foreign(parts: Mapping[str, Split]) -> None:
    """A text in letters that training does not have leaves nothing to ask for."""
    for name, part in parts.items():
        if not (part.y != NOT_ASKED).any():
            raise InputError(
                f"data: no character of {name} is in the vocabulary of the training text; mix the texts, or raise "
                "data.vocabulary"
            )
