"""What a channel of a frame means, where frames are made of events rather than measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChannelKind = Literal["value", "mask", "category", "gap", "answer"]


@dataclass(frozen=True)
class Channel:
    """One channel of the frame that an event becomes.

    `value` is a number of the event; where it is missing the last known one, and before any `missing`, the mean in
    training. `mask` is 1 where the number is there. `category` is 1 where the text is `text`. `gap` is the
    logarithm of 1 + the time since the event before, in `unit`. `answer` is 1 where the latest answer known by
    then, which takes `after` of `unit`, is `text`. What is not 1 is 0.
    """

    name: str
    kind: ChannelKind
    column: str
    text: str = ""
    missing: float = 0.0
    unit: str = ""
    after: float = 0.0

    @property
    def flag(self) -> bool:
        """Whether it is 0 or 1."""
        return self.kind in ("mask", "category", "answer")

    @property
    def meaning(self) -> str:
        """A line for whoever has to fill a frame."""
        return {
            "value": f"{self.column}; where missing the last known one, before any {self.missing:.6g}",
            "mask": f"1 where {self.column} is there, else 0",
            "category": f"1 where {self.column} is {self.text}, else 0",
            "gap": f"log(1 + {self.unit} since the event before), 0 for the first",
            "answer": f"1 where {self.column} was {self.text} at the latest event {self.after:g} {self.unit} ago "
            "or longer, else 0",
        }[self.kind]
