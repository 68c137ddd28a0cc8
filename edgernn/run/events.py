"""What the network says after every event of machines, patients or cards, from the events so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgernn.datasets import csv_windows, events_csv
from edgernn.datasets.event_sections import EventsData
from edgernn.datasets.events_csv import Cell
from edgernn.features.events import encode
from edgernn.folder import BuildFolder
from edgernn.network import Network
from edgernn.run.frames import after_every_step
from edgernn.run.meaning import told
from edgernn.run.model import whole


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
        known: dict[str, list[Mapping[str, Cell]]] = {}
        for row in events_csv.rows(read, section):
            entity = row[section.entity].text
            own = known.setdefault(entity, [])
            own.append(row)
            columns = {name: [one[name] for one in own] for name in row}
            events = events_csv.made(columns, section, str(read.name), answered=False)
            _refuse_clock(network, events.unit, row[section.time])
            if len(own) >= section.least:
                frames = encode(events, network.encoding)
                kept = frames[: section.steps] if section.keep == "start" else frames[-section.steps :]
                yield {"row": row[section.entity].row, "entity": entity} | told(network, run(kept))


def _refuse_clock(network: Network, unit: str, cell: Cell) -> None:
    """Gaps between times of another kind than in training would mean something else."""
    trained = next((channel.unit for channel in network.encoding if channel.unit), unit)
    if unit != trained:
        raise cell.fault(f"{cell.text!r} counts in {unit}, and the network was trained on {trained}; write it so")
