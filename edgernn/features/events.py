"""From events to frames: what is fitted to training events, and the frames that it makes of all.

A frame depends on its own event and on earlier ones of its entity, never on later ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgernn.errors import InputError
from edgernn.network import Channel

if TYPE_CHECKING:
    from edgernn.datasets.event_table import Events, Texts

VALUES_MAX = 64  # different texts of a column: each is a channel


def fit(
    events: Events, training: np.ndarray, gaps: bool, masks: bool, known_after: float | None
) -> tuple[Channel, ...]:
    """The channels of a frame, from the events that `training` bool [events] marks alone.

    Raises InputError when a column has no value in training, or more different texts than channels can be.
    """
    return (
        *_numbers(events, training, masks),
        *_categories(events, training),
        *([Channel("gap", "gap", "", unit=events.unit)] if gaps else []),
        *(_answers(events, training, known_after) if known_after is not None else []),
    )


def encode(events: Events, channels: tuple[Channel, ...]) -> np.ndarray:
    """The frames of all events, float32 [events, channels]."""
    return np.stack([_encoded(events, one) for one in channels], axis=1).astype(np.float32)


def _numbers(events: Events, training: np.ndarray, masks: bool) -> Iterator[Channel]:
    for name, values in zip(events.columns, events.values.T, strict=True):
        known = values[training & ~np.isnan(values)]
        if not len(known):
            raise InputError(f"{events.where}, column {name}: has no value in training; leave the column out")
        yield Channel(name, "value", name, missing=float(np.mean(known, dtype=np.float64)))
        if masks and len(known) < training.sum():
            yield Channel(f"{name} known", "mask", name)


def _categories(events: Events, training: np.ndarray) -> Iterator[Channel]:
    for name, texts in events.texts.items():
        found = _seen(texts, training)
        if len(found) > VALUES_MAX:
            raise InputError(
                f"{events.where}, column {name}: has {len(found)} different texts in training; each is a channel, "
                f"so it may have {VALUES_MAX}: put them into groups, or leave the column out"
            )
        yield from (Channel(f"{name}={text}", "category", name, text) for text in found)


def _answers(events: Events, training: np.ndarray, after: float) -> Iterator[Channel]:
    for text in _seen(_classes(events), training & events.asked):
        yield Channel(f"known {events.target}={text}", "answer", events.target, text, unit=events.unit, after=after)


def _seen(texts: Texts, training: np.ndarray) -> list[str]:
    """The texts that training has, in alphabetical order."""
    return sorted(texts.names[code] for code in np.unique(texts.codes[training]) if code >= 0)


def _encoded(events: Events, channel: Channel) -> np.ndarray:
    if channel.kind == "value":
        return _carried(events, events.values[:, events.columns.index(channel.column)], channel.missing)
    if channel.kind == "mask":
        return ~np.isnan(events.values[:, events.columns.index(channel.column)])
    if channel.kind == "category":
        return _is(events.texts[channel.column], channel.text)
    if channel.kind == "gap":
        return np.log1p(np.diff(events.time, prepend=events.time[0]) * (events.first != np.arange(len(events))))
    known = _latest_known(events, channel.after)
    return (known >= 0) & _is(_classes(events), channel.text)[known]


def _is(texts: Texts, text: str) -> np.ndarray:
    return texts.codes == (texts.names.index(text) if text in texts.names else -2)


def _carried(events: Events, values: np.ndarray, missing: float) -> np.ndarray:
    """`values` with the last known one of the entity in place of a missing one, and `missing` before any."""
    known = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(known >= events.first, values[known], np.float32(missing))


def _latest_known(events: Events, after: float) -> np.ndarray:
    """For each event the latest earlier one of its entity whose answer is known by then, -1 for none."""
    found = np.full(len(events), -1)
    for start, end in spans(events):
        time = events.time[start:end]
        some = np.flatnonzero(events.asked[start:end])
        count = np.searchsorted(time[some], time - after, side="right")
        count = np.minimum(count, np.searchsorted(some, np.arange(end - start)))  # before the event itself
        found[start:end] = np.where(count > 0, start + np.append(some, -1)[count - 1], -1)
    return found


def spans(events: Events) -> list[tuple[int, int]]:
    """The first event of each entity, and the one after its last."""
    starts = np.flatnonzero(np.diff(events.entity, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(events)], strict=True))


def _classes(events: Events) -> Texts:
    assert not isinstance(events.answers, np.ndarray)  # a quantity has no known_after
    return events.answers
