"""What a recipe may say of events."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from edgernn.datasets.event_sections import CatalogEvents, EventsData

OWN: dict[str, object] = {
    "source": "events",
    "path": "e.csv",
    "entity": "who",
    "time": "when",
    "columns": ["heat"],
    "target": "state",
    "predict": "class",
    "steps": 3,
}


@pytest.mark.parametrize(
    ("predict", "task"),
    [("class", "classify"), ("quantity", "regress")],
)
def test_the_task_follows_what_is_predicted(predict: str, task: str) -> None:
    assert EventsData.model_validate(OWN | {"predict": predict}).task == task


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"columns": []}, "has neither columns nor categories"),
        ({"categories": ["heat"]}, "has the column heat twice"),
        ({"columns": ["heat", "state"]}, "has the target state among what the network reads"),
        ({"target": "when"}, "has the target when among what the network reads"),
        ({"categories": ["who"]}, "has the entity who in columns or categories"),
        ({"split": {"by": "given"}}, "has split.by: given, which only data of the catalog can have"),
        ({"split": {"validation": 0.5, "test": 0.5}}, "which leave train too little"),
        ({"cap": 3}, "has cap 3, and a class has no size"),
        ({"known_after": 1}, "has known_after, and an entity has one answer"),
        ({"known_after": 1, "predict": "quantity", "answer": "event"}, "has known_after, which is for classes"),
        ({"keep": "start", "answer": "event"}, "has keep: start, and a sequence ends with the event"),
        ({"least": 4}, "has least 4, which is more than steps 3"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EventsData.model_validate(OWN | changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"source": "pbc2", "split": {"by": "given"}}, "pbc2 names no test entities"),
        ({"source": "pbc2", "cap": 3}, "a class has no size"),
        ({"source": "turbofan", "known_after": 3}, "which is for classes"),
        ({"source": "turbofan", "keep": "start"}, "a sequence ends with the event"),
    ],
)
def test_what_does_not_fit_the_catalog_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CatalogEvents.model_validate({"steps": 3} | changes)
