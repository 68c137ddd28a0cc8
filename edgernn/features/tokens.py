"""Texts as the numbers of their words, by a definition that C follows byte by byte (`edgernn_text.h`).

Of a text in UTF-8, ASCII letters count as lower case, unless the vocabulary keeps their case. A word is a run of
ASCII letters, digits, apostrophes and bytes beyond ASCII; `!` and `?` are words of their own; everything else
separates. A character is a byte with the UTF-8 continuation bytes after it; a zero byte is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from edgernn.network.vocabulary import UNKNOWN, Case, Keep, Tokens, Vocabulary

PATTERNS: Mapping[Tokens, re.Pattern[bytes]] = {
    "words": re.compile(rb"[a-zA-Z0-9'\x80-\xff]+|[!?]"),
    "characters": re.compile(rb"[^\x00][\x80-\xbf]*", re.DOTALL),
}


def split(text: str, kind: Tokens, case: Case = "fold") -> list[str]:
    """The words or characters of a text, in order; `case` says whether capital letters stay.

    Raises UnicodeEncodeError for half a surrogate pair, which UTF-8 does not have.
    """
    read = text.encode()
    return [token.decode() for token in PATTERNS[kind].findall(read.lower() if case == "fold" else read)]


def read(vocabulary: Vocabulary, text: str) -> list[str]:
    """The tokens of a text as a network with this vocabulary reads them, known or not."""
    assert vocabulary.kind != "items"  # which are no parts of a text
    return split(text, vocabulary.kind, vocabulary.case)


def learn(
    texts: Iterable[Sequence[str]], kind: Tokens, size: int, keep: Keep = "start", case: Case = "fold"
) -> Vocabulary:
    """The commonest tokens of texts that are split already: `size` entries with `<unk>`, or fewer where there are.

    The commonest comes first, and of those that are equally common the first by its bytes.
    """
    counts = Counter(token for text in texts for token in text)
    common = sorted(counts, key=lambda token: (-counts[token], token.encode()))
    return Vocabulary(kind, (UNKNOWN, *common[: size - 1]), keep, case)


def encode(vocabulary: Vocabulary, tokens: Sequence[str], steps: int) -> np.ndarray:
    """The numbers of a text's tokens, or of its first or last `steps` where it has more: int64 [tokens].

    Of a padded vocabulary int64 [steps], the text at the end.
    """
    kept = tokens[:steps] if vocabulary.keep == "start" else tokens[-steps:]
    numbers = np.array([vocabulary.numbers.get(token, 0) for token in kept], np.int64)
    return np.pad(numbers, (steps - len(numbers), 0)) if vocabulary.padded else numbers
