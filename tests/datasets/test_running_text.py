"""Running text as windows: what comes next is the next character, and no text is in two splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.datasets import running_text
from edgernn.datasets.running_text import Work
from edgernn.datasets.running_text_sections import FileRunningText
from edgernn.datasets.splits import Splits
from edgernn.errors import InputError

PARTS = ("train", "validation", "test")


def section(**changes: object) -> FileRunningText:
    return FileRunningText.model_validate({"source": "running_text", "path": "x.txt", "steps": 10, **changes})


def counting(title: str, length: int) -> Work:
    """A text that says where it is: no ten characters of it are anywhere else."""
    return Work(title, "".join(f"{title}{i:05d}," for i in range(length // 7 + 1))[:length])


def said(splits: Splits, name: str) -> list[str]:
    """What the windows of a split say, with the character after each; <unk> as a dash."""
    part = getattr(splits, name)
    names = ("-", *splits.labels[1:])
    numbers = np.concatenate([part.x[:, :, 0].astype(int), np.maximum(part.y[:, -1:], 0)], axis=1)
    return ["".join(names[number] for number in row) for row in numbers]


def test_what_comes_next_is_the_next_character() -> None:
    found = running_text.split([counting("A", 1000)], section(), 0)
    for name in PARTS:
        part = getattr(found, name)
        assert part.x.shape[1:] == (10, 1)
        assert part.y.dtype == np.int64
        np.testing.assert_array_equal(part.y[:, :-1], part.x[:, 1:, 0])
        assert all(one in counting("A", 1000).text for one in said(found, name))
    assert found.task == "next"
    assert found.labels == found.vocabulary.entries  # type: ignore[union-attr]


def test_one_text_is_split_in_its_order() -> None:
    work = counting("A", 1000)
    found = running_text.split([work], section(split={"validation": 0.2, "test": 0.1}), 0)
    places = {name: [work.text.index(one) for one in said(found, name)] for name in PARTS}
    assert places["train"] == list(range(0, 690, 10))  # a window ends with the character after it
    assert places["validation"] == list(range(700, 890, 10))
    assert places["test"] == list(range(900, 990, 10))


def test_of_several_texts_whole_ones_are_held_out() -> None:
    works = [counting(chr(65 + i), 200 + 100 * i) for i in range(12)]
    found = running_text.split(works, section(split={"validation": 0.2, "test": 0.2}), 0)
    groups = {name: set(getattr(found, name).group) for name in PARTS}
    assert sum(map(len, groups.values())) == len(works) == len(set.union(*groups.values()))
    for name in PARTS:
        assert {one for text in said(found, name) for one in text if one.isalpha()} <= groups[name] | {"-"}
    total = sum(len(work.text) for work in works)
    for name in ("validation", "test"):
        assert sum(len(work.text) for work in works if work.title in groups[name]) >= 0.2 * total


def test_who_is_held_out_has_a_seed_of_its_own() -> None:
    works = [counting(chr(65 + i), 300) for i in range(9)]
    drawn = [
        [set(running_text.split(works, section(split={"seed": own}), seed).test.group) for seed in (0, 1)]
        for own in range(4)
    ]
    assert all(first == second for first, second in drawn)
    assert len({frozenset(first) for first, _ in drawn}) > 1


def test_windows_are_taken_at_equal_distances() -> None:
    few = {"train_windows": 5, "validation_windows": 3, "test_windows": 2}
    every = running_text.split([counting("A", 2000)], section(test_windows=99, validation_windows=99), 0)
    found = running_text.split([counting("A", 2000)], section(**few), 0)
    for name in PARTS:
        own, rows = said(found, name), said(every, name)
        assert len(own) == few[f"{name}_windows"]
        places = [rows.index(one) for one in own]
        assert np.ptp(np.diff(places)) <= 1 if len(places) > 2 else places[0] < places[1]
    assert len(found.calibration) == 5
    left = {one.why: one.count for one in found.left_out}
    assert left == {f"data.{name}_windows": len(said(every, name)) - few[f"{name}_windows"] for name in PARTS}
    assert every.left_out == ()


def test_a_character_that_training_lacks_is_not_asked_for() -> None:
    """Nor one that is not common enough; it is read as <unk>."""
    text = "ab" * 400 + "c" + "ab" * 400 + "abéb" * 50
    found = running_text.split([Work("A", text)], section(vocabulary=3), 0)
    assert found.labels == ("<unk>", "a", "b")
    part = found.test
    assert (part.x == 0).any()
    np.testing.assert_array_equal(part.y[:, :-1] == -1, part.x[:, 1:, 0] == 0)
    assert set(np.unique(part.y)) == {-1, 1, 2}


def test_capital_letters_stay_unless_they_are_to_be_folded() -> None:
    work = Work("A", "Aa " * 100)
    assert "A" in running_text.split([work], section(), 0).labels
    folded = running_text.split([work], section(case="fold"), 0)
    assert "A" not in folded.labels
    assert folded.vocabulary is not None
    assert folded.vocabulary.case == "fold"


@pytest.mark.parametrize(
    ("works", "changes", "fault"),
    [
        ([counting("A", 60)], {}, "validation has 9 characters in a row, and a window with the next one has 11"),
        ([counting("A", 5)], {}, "train has 4 characters in a row"),
        ([counting("A", 900), counting("B", 900)], {}, "has 2 texts, and whole ones are held out; give 3 and more"),
        ([counting("A", 900), counting("B", 8), counting("C", 900)], {"split": {"seed": 1}}, "characters in a row"),
        ([Work("A", "a" * 420 + "я" * 180)], {}, "no character of validation is in the vocabulary"),
    ],
)
def test_what_is_too_little_is_refused(works: list[Work], changes: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        running_text.split(works, section(**changes), 0)
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30), st.integers(2, 12))
def test_any_text_of_enough_characters_has_windows(text: str, steps: int) -> None:
    found = running_text.split([Work("A", text * (400 // len(text)))], section(steps=steps), 0)
    assert all(0 <= getattr(found, name).y.max() < len(found.labels) for name in PARTS)
