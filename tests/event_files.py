"""Events in a CSV file, and sections for them."""

from __future__ import annotations

from pathlib import Path

from edgernn.datasets import events_csv
from edgernn.datasets.event_sections import EventsData
from edgernn.datasets.event_table import Events

STATES = ("bad", "ok")
GOOD = "who,when,heat,load,kind,state\n" + "".join(
    f"m{who},{when},{who + when},{who * when if when != 1 else ''},{'abc'[(who + when) % 3]},{STATES[who % 2]}\n"
    for who in range(12)
    for when in range(4)
)


def section(**changes: object) -> EventsData:
    keys = {
        "path": "e.csv",
        "entity": "who",
        "time": "when",
        "columns": ["heat", "load"],
        "categories": ["kind"],
        "target": "state",
        "predict": "class",
        "steps": 3,
    }
    return EventsData.model_validate({"source": "events", **keys, **changes})


def read(folder: Path, content: str = GOOD, **changes: object) -> Events:
    (folder / "e.csv").write_text(content)
    return events_csv.load(section(**changes), folder)
