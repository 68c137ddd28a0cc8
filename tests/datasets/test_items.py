"""Baskets as sequences: what comes next, and what belongs to which split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_files import GOOD, read, section

from edgernn.datasets import items
from edgernn.datasets.items import Basket, split
from edgernn.datasets.splits import LeftOut, Split, load, save
from edgernn.errors import InputError

CODES = "abcdefgh"
BASKETS = st.lists(
    st.tuples(st.integers(0, 30), st.lists(st.sampled_from(CODES), min_size=1, max_size=12)),
    min_size=20,
    max_size=60,
)


def baskets(rows: list[tuple[int, list[str]]]) -> list[Basket]:
    return [Basket(f"b{i}", float(time), tuple(codes), f"row {i}") for i, (time, codes) in enumerate(rows)]


def written(part: Split, entries: tuple[str, ...]) -> list[tuple[list[str], list[str]]]:
    """What is read and what is asked, by codes; `-` where nothing is asked."""
    return [
        ([entries[int(x)] for x in frames[:length, 0]], [entries[y] if y >= 0 else "-" for y in answers[:length]])
        for frames, answers, length in zip(part.x, part.y, part.real, strict=True)
    ]


@given(BASKETS, st.sampled_from(["drop", "keep"]), st.integers(2, 9), st.integers(1, 6), st.booleans())
def test_what_comes_next_is_the_next_item(
    rows: list[tuple[int, list[str]]], repeats: str, vocabulary: int, steps: int, backwards: bool
) -> None:
    """Written another way: basket by basket, by codes; and no basket of a split ends after one of the next does."""
    made = baskets(rows)
    options = {"repeats": repeats, "vocabulary": vocabulary, "steps": steps, "backwards": backwards}
    data = section(short="skip", split={"test": 0.2}, **options)
    try:
        found = split(made, data, 0)
    except InputError:
        return
    entries = found.labels
    ends = []
    for name, part in zip(items.PARTS, (found.train, found.validation, found.test), strict=True):
        own = [one for one in made if one.name in part.group]
        ends.append([one.time for one in own])
        wanted = []
        for one in sorted(own, key=lambda one: one.time):
            codes = list(dict.fromkeys(one.items)) if repeats == "drop" else list(one.items)
            told = [code if code in entries else "<unk>" for code in codes]
            for known in [told, told[::-1]][: 1 + (backwards and name == "train")]:
                for start in range(0, len(known) - 1, steps):
                    read, asked = known[start : start + steps], known[start + 1 : start + 1 + steps]
                    if set(asked) - {"<unk>"} and (name == "train" or start == 0):
                        wanted.append((read[: len(asked)], ["-" if code == "<unk>" else code for code in asked]))
        assert sorted(written(part, entries)) == sorted(wanted)
    assert max(ends[0]) <= min(ends[1])
    assert max(ends[1]) <= min(ends[2])


def test_what_is_left_out_is_counted() -> None:
    rows = [(time, [*"abcd"]) for time in range(40)]
    rows += [(40, ["a"]), (41, ["a", "a", "b"]), (42, ["x", "y"]), (43, [*"abcdef"])]
    split_as = {"train": 0.25, "validation": 0.25, "test": 0.25, "at_most": 5}
    found = split(baskets(rows), section(short="skip", steps=3, split=split_as), 0)
    assert found.left_out == (
        LeftOut(1, "items", "their basket has them already"),
        LeftOut(1, "baskets", "fewer than 2 items"),
        LeftOut(11, "baskets", "earlier than the share data.split.train"),
        LeftOut(1, items.HELD_OUT, "more than 4 items", cut=True),
        LeftOut(1, "sequences", "no next item that is in the vocabulary"),
        LeftOut(10, items.HELD_OUT, "data.split.at_most"),
    )
    assert split(baskets(rows[:40]), section(steps=3), 0).left_out == ()


def test_the_vocabulary_is_of_training_alone(tmp_path: Path) -> None:
    made = read(tmp_path)
    late = [replace(one, items=(*one.items, "new")) if one.time > 30 else one for one in made]
    assert "new" in {item for one in late for item in one.items}
    assert split(late, section(), 0).labels == split(made, section(), 0).labels
    assert split(made, section(vocabulary=4), 0).labels == ("<unk>", "A1", "C", "b1")


def test_items_that_come_once_are_no_candidates(tmp_path: Path) -> None:
    made = read(tmp_path)
    dropped, kept = (split(made, section(repeats=repeats), 0).test for repeats in ("drop", "keep"))
    np.testing.assert_array_equal(dropped.taken, dropped.x[:, :, 0])
    assert kept.taken is None


def test_splits_of_items_are_saved(tmp_path: Path) -> None:
    found = split(read(tmp_path), section(), 0)
    save(found, tmp_path / "s.npz")
    again = load(tmp_path / "s.npz")
    assert (again.vocabulary, again.task, again.labels) == (found.vocabulary, "next", found.labels)
    np.testing.assert_array_equal(again.test.taken, found.test.taken)


def test_shares_are_of_the_baskets_and_the_oldest_can_be_left_out(tmp_path: Path) -> None:
    made = read(tmp_path)
    found = split(made, section(split={"validation": 0.2, "test": 0.1}), 0)
    assert [len(part) for part in (found.train, found.validation, found.test)] == [28, 8, 4]
    late = split(made, section(split={"validation": 0.2, "test": 0.1, "train": 0.25}), 0)
    assert late.train.group.tolist() == [f"o{i}" for i in range(18, 28)]
    few = split(made, section(split={"validation": 0.2, "test": 0.1, "at_most": 2}), 0)
    assert few.validation.group.tolist() == ["o30", "o34"]


@pytest.mark.parametrize(
    ("content", "changes", "told"),
    [
        (
            GOOD + "late,99,A1\n",
            {},
            r"row 162: late has 1 of the 2 items that data\.least asks for; remove it, or set",
        ),
        (GOOD, {"least": 9, "short": "skip"}, r"no basket has 9 items; lower data\.least"),
        ("order,when,article\n" + "a,1,x\na,1,y\n" * 3, {}, "1 baskets in order of time leave"),
        (GOOD.replace("o38,38", "o38,39"), {"split": {"test": 0.02}}, "leave test none"),
        (
            GOOD + "late,99,new\nlate,99,newer\n",
            {"split": {"test": 0.02}},
            "no basket of test has a next item that training knows",
        ),
    ],
)
def test_what_makes_no_splits_is_refused(
    content: str, changes: dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        split(read(tmp_path, content), section(**changes), 0)
