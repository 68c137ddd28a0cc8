"""What makes tokens of a text for a network that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Tokens = Literal["words", "characters"]
Keep = Literal["start", "end"]
Case = Literal["fold", "keep"]


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a network knows: entry i is the token of number i, and the first is `<unk>`, for all others.

    `kind` says what a token is (`edgernn.features.tokens` has the definition), `keep` which end is kept of a text
    with more tokens than the network has steps, and `case` whether capital letters of ASCII are read as small ones.
    """

    kind: Tokens
    entries: tuple[str, ...]
    keep: Keep = "start"
    case: Case = "fold"

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of every token but `<unk>`."""
        return {token: number for number, token in enumerate(self.entries) if number}
