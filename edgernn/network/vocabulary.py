"""What makes tokens for a network that reads them: of a text, or of items by their codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Tokens = Literal["words", "characters"]  # of a text
TokenKind = Literal[Tokens, "items"]
Keep = Literal["start", "end"]
Case = Literal["fold", "keep"]

UNKNOWN = "<unk>"  # the first entry: no text has such a word, and no item such a code
# of parallel text: after a text, and after what it becomes. No text has such a word: `<` separates words, and is a
# character alone
TO = "<to>"
END = "<end>"


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a network knows: entry i is the token of number i, and the first is `<unk>`, for all others.

    `kind` says what a token is: a word or a character (`edgernn.features.tokens` has the definition), or the code
    of an item, as it is written. `keep` is which end is kept of a text with more tokens than the network has steps,
    `case` whether capital letters of ASCII are read as small ones; `padded` whether `<unk>` stands in front of a
    text with fewer tokens than the network has steps, so that all are equally long and end with the last step.
    """

    kind: TokenKind
    entries: tuple[str, ...]
    keep: Keep = "start"
    case: Case = "fold"
    padded: bool = False

    @property
    def exact(self) -> bool:
        """Whether a token is known only as it is written: the code of an item, or text that keeps its case."""
        return self.kind == "items" or self.case == "keep"

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of every token but `<unk>`."""
        return {token: number for number, token in enumerate(self.entries) if number}
