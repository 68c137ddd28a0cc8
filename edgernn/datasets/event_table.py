"""Events by entity: what every source of them yields, before frames are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Texts:
    """A text column: that of event i is names[codes[i]]; codes int32 [events], -1 where it is missing."""

    codes: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Events:
    """Events, those of an entity next to each other and in order of time.

    `entity` int64 [events] is the number of the entity in `entities`, increasing; `time` float64 [events] in
    `unit`. `values` float32 [events, columns] are the numbers, not a number where missing. `answers` are what is
    predicted: texts, or float64 [events] for a quantity; `asked` bool [events] says where there is an answer.
    `held_out` are entities that the data itself keeps for the test. `row` int64 [events] is where an event stands
    in `where`.
    """

    entity: np.ndarray
    entities: tuple[str, ...]
    time: np.ndarray
    unit: str
    values: np.ndarray
    columns: tuple[str, ...]
    texts: dict[str, Texts]
    answers: Texts | np.ndarray
    target: str
    asked: np.ndarray
    row: np.ndarray
    where: str
    held_out: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.entity)

    @property
    def first(self) -> np.ndarray:
        """The first event of the entity of each event, int64 [events]."""
        starts = np.flatnonzero(np.diff(self.entity, prepend=-1))
        return starts[self.entity]


def codes(cells: list[str]) -> Texts:
    """A text column from its cells; an empty one is missing. Names are in the order in which they appear."""
    book = {name: number for number, name in enumerate(dict.fromkeys(cell for cell in cells if cell))}
    return Texts(np.array([book.get(cell, -1) for cell in cells], np.int32), tuple(book))
