"""Parallel text as sequences: what a text becomes is asked for, the text is not, and no text is in two splits."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.datasets import parallel_text
from edgernn.datasets.parallel_text import Pair
from edgernn.datasets.parallel_text_sections import FileParallelText
from edgernn.datasets.splits import LeftOut
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.network import END, TO

PARTS = ("train", "validation", "test")


def section(**changes: object) -> FileParallelText:
    keys = {"source": "parallel_text", "path": "x.csv", "text": "en", "becomes": "fr", "steps": 12}
    return FileParallelText.model_validate({**keys, **changes})


def pairs(*rows: tuple[str, str]) -> list[Pair]:
    return [Pair(text, becomes, f"row {number}") for number, (text, becomes) in enumerate(rows, start=1)]


def numbered(count: int) -> list[Pair]:
    return pairs(*((f"t{i}", f"b{i}") for i in range(count)))


def test_what_a_text_becomes_is_asked_for_and_the_text_is_not() -> None:
    """By hand; the seed is one with which the pair that is there twice trains, so that all of it is known."""
    rows = pairs(("ab", "BAB"), ("ab", "BAB"), ("c", "C"), ("d", "D"))
    found = parallel_text.split(rows, section(split={"seed": 3}), 0)
    part = found.train
    number = {entry: i for i, entry in enumerate(found.labels)}
    assert found.labels == ("<unk>", TO, END, "B", "A", "a", "b")
    frames = [number[one] for one in ("a", "b", TO, "B", "A", "B")]
    answers = [-1, -1, *(number[one] for one in ("B", "A", "B", END))]
    for x, y in zip(part.x, part.y, strict=True):
        assert x[:, 0].tolist() == [*frames, *[0] * 6]
        assert y.tolist() == [*answers, *[-1] * 6]
    assert part.lengths.tolist() == [6, 6]
    assert (part.x.dtype, part.y.dtype) == (np.float32, np.int64)
    assert (found.task, found.channels) == ("next", ("token",))


def test_what_training_does_not_have_is_read_as_unknown_and_not_asked_for() -> None:
    found = parallel_text.split(pairs(*((one, one.upper()) for one in "abc")), section(), 0)
    for part in (found.validation, found.test):
        assert part.x[0, :4, 0].tolist() == [0, 1, 0, 0]
        assert part.y[0, :4].tolist() == [-1, -1, 2, -1]


@pytest.mark.parametrize("kind", ["words", "characters"])
@pytest.mark.parametrize("case", ["keep", "fold"])
def test_no_text_has_a_mark(kind: str, case: str) -> None:
    assert not {TO, END} & set(tokens.split(f"{TO} {END} a{TO}{END}", kind, case))  # type: ignore[arg-type]


def test_words_are_tokens_where_the_recipe_says_so() -> None:
    rows = pairs(*(("The black cat", "le chat noir") for _ in range(8)), ("a", "b"), ("c", "d"))
    found = parallel_text.split(rows, section(tokens="words", case="fold", vocabulary=6, split={"seed": 3}), 0)
    assert len(found.labels) == 6
    assert set(found.labels[3:]) < {"the", "black", "cat", "le", "chat", "noir"}
    assert found.train.lengths is not None
    assert set(found.train.lengths.tolist()) == {7}


def test_no_text_is_in_two_splits_whatever_it_becomes() -> None:
    rows = pairs(*((f"text {i % 40}", f"{i}") for i in range(200)))
    found = parallel_text.split(rows, section(vocabulary=99, steps=20, split={"test": 0.2, "validation": 0.1}), 0)
    texts = {name: {bytes(x[: list(x[:, 0]).index(1)]) for x in getattr(found, name).x} for name in PARTS}
    groups = {name: set(getattr(found, name).group) for name in PARTS}
    for held in (texts, groups):
        assert [len(held[name]) for name in PARTS] == [28, 4, 8]
        assert len(set.union(*held.values())) == 40
    assert sum(len(getattr(found, name)) for name in PARTS) == 200


def test_texts_that_case_folds_to_one_are_one() -> None:
    rows = pairs(("Go", "x"), ("go", "y"), ("GO", "z"), *((one, one) for one in "abcdefgh"))
    found = parallel_text.split(rows, section(case="fold"), 0)
    held = [name for name in PARTS for group in getattr(found, name).group if group == "0"]
    assert len(held) == 3
    assert len(set(held)) == 1


def test_who_is_held_out_has_a_seed_of_its_own() -> None:
    drawn = [
        [set(parallel_text.split(numbered(60), section(split={"seed": own}), seed).test.group) for seed in (0, 1)]
        for own in range(4)
    ]
    assert all(first == second for first, second in drawn)
    assert len({frozenset(first) for first, _ in drawn}) > 1


def test_long_pairs_are_left_out_where_the_recipe_says_so() -> None:
    rows = [*numbered(9), Pair("long", "x" * 8, "row 10")]
    found = parallel_text.split(rows, section(long="skip"), 0)
    assert sum(len(getattr(found, name)) for name in PARTS) == 9
    steps = section().steps
    assert found.left_out == (LeftOut(1, "pairs", f"more than {steps} characters with <to>"),)
    kept = parallel_text.split([*numbered(9), Pair("long", "x" * 7, "row 10")], section(), 0)
    assert sum(len(getattr(kept, name)) for name in PARTS) == 10
    assert kept.left_out == ()


@pytest.mark.parametrize(
    ("rows", "changes", "fault"),
    [
        ([*numbered(9), Pair("long", "x" * 8, "row 10")], {}, "row 10: the pair has 13 characters with <to>, and"),
        (
            [*numbered(9), Pair("...", "a", "row 10")],
            {"tokens": "words"},
            "row 10: its data.text has no word; mend",
        ),
        ([*numbered(9), Pair("a", "\0", "row 10")], {}, "row 10: its data.becomes has no character; mend"),
        (pairs(("a", "x"), ("a", "y"), ("b", "z")), {}, "data: 2 different texts have 12 steps at most, and each"),
        (numbered(9), {"steps": 4, "long": "skip"}, "data: 0 different texts have 4 steps at most"),
    ],
)
def test_what_cannot_be_split_is_refused(rows: list[Pair], changes: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        parallel_text.split(rows, section(**changes), 0)
    assert str(caught.value).startswith(fault)
    assert "\n" not in str(caught.value)
