"""Frames of events against a plain loop over each entity's events."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgernn.datasets.event_table import Events, Texts, codes
from edgernn.features import events

AFTER = 2.5


def made(seed: int) -> Events:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 8, 12)
    count = int(sizes.sum())
    numbers = rng.normal(size=(count, 2))
    return Events(
        entity=np.repeat(np.arange(12), sizes),
        entities=tuple(map(str, range(12))),
        time=np.concatenate([np.sort(rng.integers(0, 10, size)) for size in sizes]).astype(float),
        unit="days",
        values=np.where(rng.random((count, 2)) < [0.4, 0], np.nan, numbers).astype(np.float32),
        columns=("a", "b"),
        texts={"kind": codes([["", "x", "y"][i] for i in rng.integers(0, 3, count)])},
        answers=Texts(rng.integers(0, 2, count).astype(np.int32), ("no", "yes")),
        target="sick",
        asked=rng.random(count) < 0.8,
        row=np.arange(count),
        where="made",
    )


@pytest.mark.parametrize("seed", range(5))
def test_frames_are_those_of_a_plain_loop(seed: int) -> None:
    table = made(seed)
    training = table.entity < 8
    channels = events.fit(table, training, gaps=True, masks=True, known_after=AFTER)
    assert [one.name for one in channels] == [
        *("a", "a known", "b", "kind=x", "kind=y", "gap", "known sick=no", "known sick=yes")
    ]
    mean = float(np.nanmean(table.values[training, 0].astype(np.float64)))
    assert channels[0].missing == pytest.approx(mean, rel=1e-12)

    wanted = []
    for entity in range(12):
        own = np.flatnonzero(table.entity == entity)
        value, before = np.float32(mean), None
        for i in own:
            a, b = table.values[i]
            value = value if math.isnan(a) else a
            kind = table.texts["kind"].codes[i]
            text = table.texts["kind"].names[kind] if kind >= 0 else ""
            gap = 0.0 if before is None else math.log(1 + table.time[i] - table.time[before])
            known = [j for j in own if j < i and table.asked[j] and table.time[j] <= table.time[i] - AFTER]
            answer = table.answers.names[table.answers.codes[known[-1]]] if known else ""  # type: ignore[union-attr]
            row = [value, not math.isnan(a), b, text == "x", text == "y", gap, answer == "no", answer == "yes"]
            wanted.append(row)
            before = i
    np.testing.assert_allclose(events.encode(table, channels), np.array(wanted, np.float32), rtol=1e-6)


def test_an_answer_is_never_known_at_its_own_event() -> None:
    table = made(0)
    channels = events.fit(table, np.ones(len(table), bool), gaps=False, masks=False, known_after=0)
    known = events.encode(table, channels)[:, -2:]
    first = np.diff(table.entity, prepend=-1) > 0
    assert not known[first].any()
    assert known[~first].any()


def test_a_frame_depends_on_no_later_event() -> None:
    table = made(1)
    channels = events.fit(table, np.ones(len(table), bool), gaps=True, masks=True, known_after=0)
    whole = events.encode(table, channels)
    last = np.flatnonzero(np.diff(table.entity, append=99))
    rest = np.setdiff1d(np.arange(len(table)), last)
    values = table.values.copy()
    values[last] = 1e6
    changed = Events(
        **{**vars(table), "values": values, "time": np.where(np.isin(range(len(table)), last), 1e3, table.time)}
    )
    after = events.encode(changed, channels)
    np.testing.assert_array_equal(after[rest], whole[rest])
    assert not np.array_equal(after[last], whole[last])
