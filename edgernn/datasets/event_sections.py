"""The recipe's `data` section for events by entity: a machine's cycles, a patient's visits, a card's payments."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from edgernn.datasets.catalog import CATALOG
from edgernn.datasets.split_sections import SharesSection
from edgernn.network import Task
from edgernn.section import NULL_IS_EMPTY, Flag, Number, Section, Whole

Column = Annotated[str, Field(min_length=1)]
Predict = Literal["class", "quantity"]
Answer = Literal["entity", "event"]


class EventSplitSection(SharesSection):
    """Who is held out: entities drawn with the recipe's seed, or the latest events.

    By `entity` no entity is in two splits; where classes are asked for, every kind of entity (the set of classes
    that it has) is drawn in proportion. By `time` an example belongs to the split in whose span its last event
    lies, and may know earlier events of its entity. With `given` the data's own test entities are the test. Shares
    are of the entities, by time of the examples.
    """

    by: Literal["entity", "time", "given"] = "entity"


class EventOptions(Section):
    """How events become sequences of frames, whatever they are read from."""

    source: str
    steps: Annotated[Whole, Field(gt=0, le=100_000)]  # events of the longest sequence; shorter ones stay shorter
    keep: Literal["end", "start"] = "end"  # which events of an entity that has more than `steps`
    least: Annotated[Whole, Field(gt=0)] = 1  # events that a sequence needs
    short: Literal["refuse", "skip"] = "refuse"  # what happens to an entity that has fewer
    gaps: Flag = False  # a channel more: log(1 + time since the event before)
    masks: Flag = False  # a channel more for each number that is missing somewhere: 1 where it is there
    split: Annotated[EventSplitSection, NULL_IS_EMPTY] = EventSplitSection()

    @model_validator(mode="after")
    def _reaches(self) -> EventOptions:
        if self.least > self.steps:
            raise ValueError(
                f"has least {self.least}, which is more than steps {self.steps}; lengthen steps or ask for less"
            )
        return self


class EventsData(EventOptions):
    """Events of the user's own, in one CSV file, a row an event; those of an entity are in order of time."""

    source: Literal["events"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    entity: Column  # whose event it is: a machine, a patient, a card
    time: Column  # a number, or a time as in 2026-01-31 13:00:00
    columns: tuple[Column, ...] = ()  # numbers; an empty cell is a missing value
    categories: tuple[Column, ...] = ()  # texts; a channel for each that training has
    target: Column  # what is predicted
    predict: Predict
    # one answer for each entity, or one for each event, told after it from the events so far
    answer: Answer = "entity"
    cap: Annotated[Number, Field(gt=0)] | None = None  # of a quantity: larger ones count as this
    # channels more, one a class: the latest answer that is known, which takes this long after its event (in days,
    # or in the unit of a `time` that is a number)
    known_after: Annotated[Number, Field(ge=0)] | None = None

    @property
    def task(self) -> Task:
        return task_of(self.predict)

    @model_validator(mode="after")
    def _consistent(self) -> EventsData:
        named = (*self.columns, *self.categories)
        if not named:
            raise ValueError("has neither columns nor categories; name what the network is to read")
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"has the column {twice[0]} twice in columns and categories")
        if self.target in (*named, self.entity, self.time):
            raise ValueError(f"has the target {self.target} among what the network reads; it would know the answer")
        if self.entity in named:
            raise ValueError(
                f"has the entity {self.entity} in columns or categories; held-out ones were never seen"
            )
        if self.split.by == "given":
            raise ValueError("has split.by: given, which only data of the catalog can have; use entity or time")
        return refuse_misfit(self)


class CatalogEvents(EventOptions):
    """Events of the catalog, by its name; the entry knows the channels and the question."""

    cap: Annotated[Number, Field(gt=0)] | None = None
    known_after: Annotated[Number, Field(ge=0)] | None = None

    @property
    def answer(self) -> Answer:
        return "event"

    @property
    def predict(self) -> Predict:
        return "class" if CATALOG[self.source].events == "class" else "quantity"

    @property
    def task(self) -> Task:
        return task_of(self.predict)

    @model_validator(mode="after")
    def _consistent(self) -> CatalogEvents:
        if self.split.by == "given" and not CATALOG[self.source].held_out:
            raise ValueError(f"has split.by: given, and {self.source} names no test entities; use entity or time")
        return refuse_misfit(self)


EventsSection = EventsData | CatalogEvents
Own = TypeVar("Own", EventsData, CatalogEvents)


def task_of(predict: Predict) -> Task:
    return "classify" if predict == "class" else "regress"


def refuse_misfit(data: Own) -> Own:
    """`data`, unless options for one kind of answer meet the other; then ValueError."""
    if data.predict == "class" and data.cap is not None:
        raise ValueError(f"has cap {data.cap:g}, and a class has no size; remove it")
    if data.known_after is not None and data.predict == "quantity":
        raise ValueError("has known_after, which is for classes; remove it, or predict a class")
    if data.known_after is not None and data.answer == "entity":
        raise ValueError("has known_after, and an entity has one answer; use answer: event, or remove it")
    if data.keep == "start" and data.answer == "event":
        raise ValueError("has keep: start, and a sequence ends with the event that is asked for; use keep: end")
    return data
