"""What the network says after every event of machines, patients or cards, from the events so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets import csv_windows, events_csv
from edgernn.datasets.event_sections import EventsData
from edgernn.datasets.event_table import Events, Texts
from edgernn.datasets.events_csv import Cell
from edgernn.features.events import encode
from edgernn.folder import BuildFolder
from edgernn.network import Network
from edgernn.run.frames import after_every_step
from edgernn.run.meaning import told
from edgernn.run.model import whole

Row = Mapping[str, Cell]


@dataclass
class Entity:
    """What counts of an entity's events: its last `frames`, and the `rows` that the next frame depends on.

    Both are bounded: frames by the recipe's `steps`, rows by what became of the last `known_after`.
    """

    frames: deque[np.ndarray]
    rows: list[Row] = field(default_factory=list)


def decisions(paths: BuildFolder, network: Network, section: EventsData, source: Path) -> Iterator[dict[str, Any]]:
    """What the network says after every row, of the last `steps` events of the row's entity.

    A file without the column of entities has frames, as for any other network. An entity's first answer comes with
    event `least`.
    """
    with csv_windows.opened(source) as read:
        if section.entity not in [name.strip() for name in read.first()]:
            yield from after_every_step(paths, network, read)
            return
        run = whole(paths)
        known: dict[str, Entity] = {}
        for row in events_csv.rows(read, section):
            name = row[section.entity].text
            own = known.setdefault(name, Entity(deque(maxlen=section.steps)))
            _push(own, row, network, section, str(read.name))
            if len(own.frames) >= section.least:
                yield {"row": row[section.entity].row, "entity": name} | told(network, run(np.stack(own.frames)))


def _push(own: Entity, row: Row, network: Network, section: EventsData, where: str) -> None:
    """One event more: its frame, and what the next one depends on."""
    rows = [*own.rows, row]
    columns = {name: [one[name] for one in rows] for name in row}
    events = events_csv.made(columns, section, where, answered=False)
    _refuse_clock(network, events.unit, row[section.time])
    if section.keep == "end" or len(own.frames) < section.steps:
        own.frames.append(encode(events, network.encoding)[-1])
    answers = [] if section.known_after is None else _answers(events, section.known_after)
    carried = {name: row[name] for name in section.columns if row[name].text}
    before = {name: own.rows[-1][name] for name in section.columns} if own.rows else {}
    own.rows = [*(rows[i] for i in answers), {**row, **before, **carried}]


def _answers(events: Events, after: float) -> list[int]:
    """Events before the last one whose answer a later one may be the first to know, or has to know still.

    That is the latest one whose answer is known by now, and those after it; of equal answers in a row the first.
    """
    assert isinstance(events.answers, Texts)
    asked = np.flatnonzero(events.asked)
    known = np.count_nonzero(events.time[asked] <= events.time[-1] - after)
    pending = asked[max(0, known - 1) :]
    changes = pending[np.diff(events.answers.codes[pending], prepend=-1) != 0]
    return changes[changes < len(events) - 1].tolist()


def _refuse_clock(network: Network, unit: str, cell: Cell) -> None:
    """Gaps between times of another kind than in training would mean something else."""
    trained = next((channel.unit for channel in network.encoding if channel.unit), unit)
    if unit != trained:
        raise cell.fault(f"{cell.text!r} counts in {unit}, and the network was trained on {trained}; write it so")
