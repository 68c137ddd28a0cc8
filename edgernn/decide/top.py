"""From scores of what comes next to the few that are likeliest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class TopRule:
    """The `count` classes with the largest scores."""

    NAME: ClassVar[str] = "top"

    count: int
