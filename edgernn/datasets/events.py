"""Sequences of events, split by entity or in order of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.event_sections import EventsSection
from edgernn.datasets.event_table import Events
from edgernn.datasets.splits import LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.features import events as frames

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Questions:
    """Sequences that have an answer: events `start` up to and without `end`, int64 [examples] each.

    `answer` are numbers of `labels`, int64 [examples], or float32 [examples, 1] for a quantity. What is asked is
    known to be asked at event `last`, int64 [examples]: the entity's last event, or the one that is asked about.
    `left_out` are entities and events that nothing is asked about, and sequences that lack earlier or later events.
    """

    start: np.ndarray
    end: np.ndarray
    last: np.ndarray
    answer: np.ndarray
    labels: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    def __len__(self) -> int:
        return len(self.end)


def split(events: Events, data: EventsSection, seed: int) -> Splits:
    """Train, validation and test; what is fitted is fitted to events of training alone.

    Raises InputError when an entity has too few events and the recipe does not skip it, or when there are too few
    entities, one class only, or a class that train or test has no example of.
    """
    questions = _questions(events, data)
    parts, training = (_by_time if data.split.by == "time" else _by_entity)(events, questions, data, seed)
    _refuse_missing(questions, parts, events)
    channels = frames.fit(events, training, data.gaps, data.masks, data.known_after)
    made = frames.encode(events, channels)
    train, validation, test = (_split(made, events, questions, part, data.steps) for part in parts)
    kinds = train.y if data.predict == "class" else np.zeros(len(train), np.int64)
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(splitting.calibration(kinds, data.split.calibration, seed)),
        test=test,
        labels=questions.labels,
        channels=tuple(channel.name for channel in channels),
        task=data.task,
        encoding=channels,
        left_out=questions.left_out,
    )


def _questions(events: Events, data: EventsSection) -> Questions:
    spans = np.array(frames.spans(events))  # [entities, 2]
    sizes = spans[:, 1] - spans[:, 0]
    few = np.flatnonzero(sizes < data.least)
    if len(few) and data.short == "refuse":
        raise InputError(
            f"{events.where}, row {events.row[spans[few[0], 0]]}: {events.entities[few[0]]} has "
            f"{sizes[few[0]]} events, and data.least is {data.least}; remove it, or set data.short: skip"
        )
    if data.answer == "entity":
        start, end = spans[sizes >= data.least].T
        last = end - 1
        if data.keep == "start":
            end = np.minimum(end, start + data.steps)
        start = np.maximum(start, end - data.steps)
    else:
        last = np.flatnonzero(events.asked & (_so_far(events) >= data.least))
        start, end = np.maximum(events.first[last], last + 1 - data.steps), last + 1
    if not len(last):
        raise InputError(f"{events.where}: no entity has {data.least} events and an answer; lower data.least")
    return Questions(start, end, last, *_answers(events, last, data), _left_out(events, last, len(few), data))


def _so_far(events: Events) -> np.ndarray:
    """The events of its entity up to each event, int64 [events]."""
    return np.arange(len(events)) - events.first + 1


def _left_out(events: Events, last: np.ndarray, few: int, data: EventsSection) -> tuple[LeftOut, ...]:
    so_far = _so_far(events)
    early = int(np.sum(events.asked & (so_far < data.least))) if data.answer == "event" else 0
    return counted(
        LeftOut(few, "entities", f"fewer than {data.least} events"),
        LeftOut(int(np.sum(~events.asked)), "answers", "the data has none"),
        LeftOut(early, "answers", f"before event {data.least} of their entity"),
        LeftOut(int(np.sum(so_far[last] > data.steps)), "sequences", f"more than {data.steps} events", cut=True),
    )


def _answers(events: Events, last: np.ndarray, data: EventsSection) -> tuple[np.ndarray, tuple[str, ...]]:
    if isinstance(events.answers, np.ndarray):
        quantity = events.answers[last, None].astype(np.float32)
        return np.minimum(quantity, np.float32(data.cap)) if data.cap else quantity, (events.target,)
    names, codes = events.answers.names, events.answers.codes[last]
    labels = sorted({names[code] for code in codes}, key=_in_order)
    number = np.array([labels.index(name) if name in labels else -1 for name in names], np.int64)
    return number[codes], tuple(labels)


def _in_order(name: str) -> tuple[float, str]:
    """Numbers by their size, and texts after them by the alphabet."""
    try:
        return float(name), name
    except ValueError:
        return np.inf, name


def _by_entity(
    events: Events, questions: Questions, data: EventsSection, seed: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Which examples are of train, validation and test, and which events of training entities."""
    owner = events.entity[questions.last]
    kinds = _kinds(events, questions, owner)
    rng = np.random.default_rng(seed)
    share = data.split
    if share.by == "given":
        test = frozenset(kinds) & events.held_out
    else:
        test = splitting.draw(kinds, share.test * len(kinds), 2, rng)
    rest = {name: kind for name, kind in kinds.items() if name not in test}
    validation = splitting.draw(rest, share.validation * len(kinds), 1, rng)
    train = frozenset(rest) - validation
    if not (train and validation and test):
        raise InputError(
            f"{events.where}: has {len(kinds)} entities with an answer, too few to split into train, "
            "validation and test; give it three at least, or use data.split.by: time"
        )
    members = [np.array([name in part for name in events.entities]) for part in (train, validation, test)]
    return [member[owner] for member in members], members[0][events.entity]


def _kinds(events: Events, questions: Questions, owner: np.ndarray) -> dict[str, frozenset[str]]:
    """The classes of each entity that is asked about; of quantities none."""
    found: dict[int, set[str]] = {int(one): set() for one in owner}
    if questions.answer.ndim == 1:
        for one, answer in zip(owner.tolist(), questions.answer.tolist(), strict=True):
            found[one].add(questions.labels[answer])
    return {events.entities[one]: frozenset(kinds) for one, kinds in found.items()}


def _by_time(
    events: Events, questions: Questions, data: EventsSection, seed: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """The same in order of time: all events of training are before any that validation or test asks about."""
    del seed
    times = events.time[questions.last]
    ordered = np.sort(times)
    shares = (1 - data.split.validation - data.split.test, 1 - data.split.test)
    ends = [ordered[max(0, round(len(ordered) * share) - 1)] for share in shares]
    parts = [times <= ends[0], (times > ends[0]) & (times <= ends[1]), times > ends[1]]
    empty = next((name for name, part in zip(PARTS, parts, strict=True) if not part.any()), None)
    if empty:
        raise InputError(
            f"{events.where}: data.split by time leaves {empty} no example: too many have the same time; use "
            "data.split.by: entity"
        )
    return parts, events.time <= ends[0]


def _refuse_missing(questions: Questions, parts: list[np.ndarray], events: Events) -> None:
    """A class that there is no example of to learn from, or to be held to."""
    if questions.answer.ndim == 2:
        return
    if len(questions.labels) < 2:
        raise InputError(
            f"{events.where}, column {events.target}: has one class only ({questions.labels[0]}); "
            "a classifier needs two"
        )
    for name, part in zip(PARTS, parts, strict=True):
        counts = np.bincount(questions.answer[part], minlength=len(questions.labels))
        if name != "validation" and not counts.all():
            missing = questions.labels[int(counts.argmin())]
            raise InputError(
                f"{events.where}, column {events.target}: the class {missing} has no example in {name}; give it "
                "more entities, or change data.split"
            )


def _split(made: np.ndarray, events: Events, questions: Questions, part: np.ndarray, steps: int) -> Split:
    start, end = questions.start[part], questions.end[part]
    lengths = (end - start).astype(np.int32)
    steps = min(steps, int((questions.end - questions.start).max()))
    place = np.arange(steps)
    inside = place < lengths[:, None]
    x = made[np.where(inside, start[:, None] + place, 0)] * inside[:, :, None]
    group = np.array(events.entities)[events.entity[questions.last[part]]]
    return Split(x.astype(np.float32), questions.answer[part], group, lengths)
