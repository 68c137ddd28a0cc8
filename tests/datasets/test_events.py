"""Sequences of events: what they hold, who is held out, and what must not leak."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from event_files import GOOD, read, section

from edgernn.datasets import events
from edgernn.datasets.event_table import Events, Texts, codes
from edgernn.datasets.splits import LeftOut, Splits
from edgernn.errors import InputError

PARTS = ("train", "validation", "test")


def made(seed: int, entities: int = 40) -> Events:
    """Entities with 1 to 9 events at drawn times; every value is its own, so that it shows where it went."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 10, entities)
    entity = np.repeat(np.arange(entities), sizes)
    count = len(entity)
    time = np.concatenate([np.sort(rng.uniform(0, 100, size)) for size in sizes])
    values = np.arange(count, dtype=np.float32)[:, None] + 1
    return Events(
        entity=entity,
        entities=tuple(f"e{i}" for i in range(entities)),
        time=time,
        unit="days",
        values=np.where(rng.random((count, 1)) < 0.2, np.nan, values).astype(np.float32),
        columns=("value",),
        texts={"kind": codes([f"k{rng.integers(4)}" for _ in range(count)])},
        answers=Texts(rng.integers(0, 2, count).astype(np.int32), ("no", "yes")),
        target="answer",
        asked=rng.random(count) < 0.9,
        row=np.arange(count) + 2,
        where="made",
    )


def split(table: Events, seed: int = 0, **changes: object) -> Splits:
    keys = {"answer": "event", "short": "skip", "gaps": True, "masks": True, **changes}
    return events.split(table, section(**keys), seed)


@pytest.mark.parametrize("answer", ["entity", "event"])
@pytest.mark.parametrize("seed", range(5))
def test_no_entity_is_in_two_splits(seed: int, answer: str) -> None:
    found = split(made(seed), seed, answer=answer)
    groups = [set(getattr(found, name).group) for name in PARTS]
    assert all(groups)
    assert sum(map(len, groups)) == len(set.union(*groups))


@pytest.mark.parametrize("seed", range(5))
def test_nothing_of_test_entities_reaches_training(seed: int) -> None:
    """Whatever held-out entities hold, values, texts and answers, training and its constants stay the same."""
    table = made(seed)
    before = split(table, seed, known_after=5)
    held = np.isin(np.array(table.entities)[table.entity], [*before.test.group, *before.validation.group])
    kinds = table.texts["kind"]
    leaking = replace(
        table,
        values=np.where(held[:, None], np.float32(1e6), table.values),
        texts={"kind": Texts(np.where(held, 4, kinds.codes), (*kinds.names, "only in test"))},
    )
    after = split(leaking, seed, known_after=5)
    assert after.encoding == before.encoding
    np.testing.assert_array_equal(after.train.x, before.train.x)
    assert not np.array_equal(after.test.x, before.test.x)


@pytest.mark.parametrize("seed", range(5))
def test_by_time_nothing_later_reaches_training(seed: int) -> None:
    table = made(seed)
    by_time = {"split": {"by": "time", "validation": 0.2, "test": 0.2}}
    before = split(table, seed, **by_time)
    asked = np.sort(table.time[table.asked])
    cut = asked[round(0.6 * len(asked)) - 1]
    later = table.time > cut
    leaking = replace(
        table,
        values=np.where(later[:, None], np.float32(1e6), table.values),
        answers=Texts(np.where(later, 1 - table.answers.codes, table.answers.codes), table.answers.names),  # type: ignore[union-attr]
    )
    after = split(leaking, seed, **by_time)
    assert after.encoding == before.encoding
    np.testing.assert_array_equal(after.train.x, before.train.x)
    np.testing.assert_array_equal(after.train.y, before.train.y)
    assert len(before.train) == np.sum(table.asked & ~later)
    assert len(before.train) + len(before.validation) + len(before.test) == table.asked.sum()


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_a_sequence_is_the_events_so_far_and_ends_with_the_one_asked_about(steps: int) -> None:
    table = replace(made(0), values=np.arange(len(made(0)), dtype=np.float32)[:, None])
    found = split(table, steps=steps, least=1)
    seen = []
    for part in (found.train, found.validation, found.test):
        for x, length, group in zip(part.x, part.real, part.group, strict=True):
            rows = x[:length, found.channels.index("value")].astype(int)
            own = np.flatnonzero(np.array(table.entities)[table.entity] == group)
            end = rows[-1]
            assert rows.tolist() == own[own <= end][-steps:].tolist()
            assert not x[length:].any()
            seen.append(end)
    assert sorted(seen) == np.flatnonzero(table.asked).tolist()


@pytest.mark.parametrize(("keep", "first"), [("end", [1, 2, 3]), ("start", [0, 1, 2])])
def test_which_events_of_an_entity_are_kept(keep: str, first: list[float], tmp_path: Path) -> None:
    found = events.split(read(tmp_path), section(keep=keep), 0)
    at = found.train.group.tolist().index(sorted(found.train.group)[0])
    who = int(found.train.group[at][1:])
    assert found.train.x[at, :, found.channels.index("heat")].tolist() == [who + when for when in first]


def test_every_kind_of_entity_is_in_every_split(tmp_path: Path) -> None:
    rows = "".join(f"m{i},0,1,1,a,{'bad' if i < 6 else 'ok'}\n" for i in range(60))
    table = read(tmp_path, GOOD.splitlines()[0] + "\n" + rows)
    for seed in range(10):
        found = events.split(table, section(), seed)
        assert [np.bincount(getattr(found, name).y).tolist() for name in PARTS] == [[4, 38], [1, 8], [1, 8]]


def test_given_entities_are_the_test() -> None:
    from edgernn.datasets.event_sections import CatalogEvents

    data = CatalogEvents.model_validate({"source": "turbofan", "steps": 4, "cap": 0.5, "split": {"by": "given"}})
    table = made(1)
    quantity = np.linspace(0, 1, len(table))
    held = frozenset({"e3", "e5"})
    table = replace(table, answers=quantity, asked=np.ones(len(table), bool), held_out=held)
    found = events.split(table, data, 0)
    assert set(found.test.group) == held
    assert found.task == "regress"
    assert found.test.y.shape == (len(found.test), 1)
    assert max(part.y.max() for part in (found.train, found.test)) == 0.5


def test_the_second_class_is_the_later_in_order(tmp_path: Path) -> None:
    numbers = GOOD.replace("bad", "10").replace("ok", "9")
    assert events.split(read(tmp_path, numbers), section(), 0).labels == ("9", "10")


@pytest.mark.parametrize(
    ("content", "changes", "told"),
    [
        (GOOD + "x,0,1,1,a,ok\n", {"least": 2}, "row 50: x has 1 events, and data.least is 2; remove it, or set"),
        (GOOD, {"least": 9, "steps": 9, "short": "skip"}, "no entity has 9 events and an answer; lower data.least"),
        (GOOD.replace("ok", "bad"), {}, "column state: has one class only (bad); a classifier needs two"),
        ("\n".join(GOOD.splitlines()[:9]), {}, "has 2 entities with an answer, too few to split into train, "),
        (
            "\n".join(GOOD.splitlines()[:17]) + "\ny,0,1,1,a,odd\n",
            {},
            "column state: the class odd has no example in",
        ),
        (GOOD, {"split": {"by": "time", "validation": 0.01}, "answer": "event"}, "data.split by time leaves"),
        (
            "\n".join(row.rsplit(",", 3)[0] + ",," + row.split(",", 4)[4] for row in GOOD.splitlines()).replace(
                "heat,,", "heat,load,"
            ),
            {},
            "column load: has no value in training; leave the column out",
        ),
    ],
)
def test_what_cannot_be_split_is_told(content: str, changes: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        events.split(read(tmp_path, content, **changes), section(**changes), 0)
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "e.csv"))


def test_too_many_texts_are_told(tmp_path: Path) -> None:
    rows = "".join(f"m{i},0,1,1,k{i},{'bad' if i % 2 else 'ok'}\n" for i in range(120))
    table = read(tmp_path, GOOD.splitlines()[0] + "\n" + rows)
    with pytest.raises(InputError, match=r"column kind: has \d+ different texts in training; each is a channel"):
        events.split(table, section(), 0)


def test_a_short_entity_is_skipped_where_the_recipe_says_so(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD + "x,0,1,1,a,ok\n")
    found = events.split(table, section(least=2, short="skip"), 0)
    groups = {group for name in PARTS for group in getattr(found, name).group}
    assert groups == {f"m{i}" for i in range(12)}
    longer = LeftOut(12, "sequences", "more than 3 events", cut=True)
    assert found.left_out == (LeftOut(1, "entities", "fewer than 2 events"), longer)
    every = events.split(table, section(least=2, short="skip", answer="event", steps=4), 0)
    early = LeftOut(13, "answers", "before event 2 of their entity")
    assert every.left_out == (LeftOut(1, "entities", "fewer than 2 events"), early)
    unanswered = replace(table, asked=np.arange(len(table)) != 3)
    told = events.split(unanswered, section(answer="event", steps=4), 0).left_out
    assert told == (LeftOut(1, "answers", "the data has none"),)
