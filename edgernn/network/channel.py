"""What a channel of a frame means, where not all of it is measured: it is made of events, times, the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChannelKind = Literal["value", "mask", "category", "gap", "answer", "measured", "calendar", "lag"]
Cycle = Literal["day", "week", "year"]
Wave = Literal["sin", "cos"]

_BEGINS = {  # of the part of a cycle that has gone by
    "day": "since 0:00",
    "week": "since Monday 0:00",
    "year": "since 1 January 0:00, of its own 365 or 366 days",
}


@dataclass(frozen=True)
class Channel:
    """One channel of the frame that an event, or a row of a series, becomes.

    `value` is a number of the event; where it is missing the last known one, and before any `missing`, the mean in
    training. `mask` is 1 where the number is there. `category` is 1 where the text is `text`. `gap` is the
    logarithm of 1 + the time since the event before, in `unit`. `answer` is 1 where the latest answer known by
    then, which takes `after` of `unit`, is `text`. What is not 1 is 0.

    Of a series, `measured` is the number in the column. `calendar` is `wave` of the part of `cycle` that has gone
    by at the time in the column (`edgernn.features.calendar` has the definition). `lag` is what the channel
    `column` was `frames` frames before.
    """

    name: str
    kind: ChannelKind
    column: str
    text: str = ""
    missing: float = 0.0
    unit: str = ""
    after: float = 0.0
    cycle: Cycle | None = None
    wave: Wave | None = None
    frames: int = 0

    @property
    def flag(self) -> bool:
        """Whether it is 0 or 1."""
        return self.kind in ("mask", "category", "answer")

    @property
    def derived(self) -> bool:
        """Whether it is made of the times or the past of a series, which a sensor does not give."""
        return self.kind in ("calendar", "lag")

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
            "measured": "as measured" if self.column == self.name else f"as measured, the column {self.column}",
            "calendar": f"{self.wave}(2 pi p), p the part of the {self.cycle} of {self.column} that has gone by "
            f"{_BEGINS.get(self.cycle or '')}",
            "lag": f"{self.column} {self.frames} frames before",
        }[self.kind]


@dataclass(frozen=True)
class Times:
    """The column of the times of a series, whose rows are `spacing` seconds apart; 0: any time apart.

    No window that trained reaches across a gap: after a row that comes much later, a stream begins anew.
    """

    column: str
    spacing: float = 0.0
