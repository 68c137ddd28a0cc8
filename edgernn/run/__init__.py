"""Streaming inference with the integer step model of a build: decisions on what it reads, or text it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgernn import generation, recipe
from edgernn import network as networks
from edgernn.datasets.event_sections import EventsData
from edgernn.errors import InputError
from edgernn.folder import BuildFolder
from edgernn.run import events, frames, items, sound, texts, writing
from edgernn.run.writing import opening, text, unknown

__all__ = ["decisions", "line", "opening", "text", "unknown"]


def decisions(folder: Path, source: Path) -> Iterator[dict[str, Any]]:
    """The label and the largest output, or all quantities of a regression, after every step of `source`.

    Of a network with a rule for alarms it is how far the last frames are from their forecasts, and `alarm`; with
    one for words it is each word that is decided for, and when.

    Each is given as soon as its frames are there.

    `source` is a CSV file with the network's channels as columns, or `-` for standard input. Of a series, calendar
    and lags are made of its times and earlier rows as in training, unless they are columns, and after a gap the
    network begins anew; of a recording, one row in `every` is a frame. Then an answer has the `row` of its last
    frame, the header being row 1. A step is a frame, or as many as the network's strides make of it; what is left
    at the end is too few for one. Where C cannot run,
    another engine decides, when it has all frames. For a network that reads sound it is a sound file, or on
    standard input int16 samples at its rate. For a network that reads texts it is plain UTF-8, and each line that
    is not blank gets one decision, or an answer from a network of parallel text. Of a line without a word the
    recipe's `data.empty` decides: `skip` leaves it out, `refuse` ends a file there and on standard input answers
    the line with its `error` and goes on. For one that reads items it is a
    CSV file with the recipe's columns of baskets and items, and every row gets what comes next in its basket. For
    one of the user's own events it is a CSV file with the recipe's columns, but for the target, and every row gets
    what follows from its entity's events so far. Rows of baskets and entities may be mixed; the last of each
    count, as many as `data.steps`, and no more is kept of it.

    Raises InputError for a network without a step form, and for a bad row, when the rows before it are decided;
    MissingToolError when no engine can run the build's int8 step model.
    """
    paths = BuildFolder(folder)
    network = networks.load(paths.network)
    vocabulary = network.vocabulary
    if not network.streams and not (vocabulary and vocabulary.padded):
        raise InputError(f"{folder}: a bidirectional network decides whole windows, it cannot run frame by frame")
    if vocabulary and generation.answers(vocabulary):
        return writing.decisions(paths, network, vocabulary, source)
    if vocabulary:
        read = items if vocabulary.kind == "items" else texts
        return read.decisions(paths, network, vocabulary, source)
    of_events = network.encoding and not any(one.derived for one in network.encoding)
    section = recipe.load(paths.recipe).data if of_events else None
    if isinstance(section, EventsData):
        return events.decisions(paths, network, section, source)
    heard = "log_mel" in (network.features or {})
    return (sound if heard else frames).decisions(paths, network, source)


def line(decision: Mapping[str, Any]) -> str:
    """A decision as a person reads it."""
    (_, place), *others = decision.items()  # a step, the line of a text, the row of an item, or seconds
    first = f"{place:6d}" if isinstance(place, int) else f"{place:8.2f} s"
    return "  ".join([first, *(_shown(name, value) for name, value in others if name != "step")]).rstrip()


def _shown(name: str, value: str | bool | float | Sequence[str]) -> str:
    if isinstance(value, bool):
        return name if value else ""
    if isinstance(value, str):
        return f"error: {value}" if name == "error" else value
    return f"{value:.4g}" if isinstance(value, float) else " ".join(value)
