"""From scores of the next token to a token that is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class SampleRule:
    """The `top_k` likeliest tokens can be drawn, 0: all; scores are divided by `temperature` before."""

    NAME: ClassVar[str] = "sample"

    temperature: float
    top_k: int
