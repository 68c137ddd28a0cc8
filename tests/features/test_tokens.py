"""Words, against a walk over bytes in Python's own words and against scikit-learn's counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from edgernn.features import tokens
from edgernn.network import Keep, Vocabulary

TEXTS = st.text(st.one_of(st.sampled_from("aZ9'!? \n\t-é😀\x00"), st.characters(codec="utf-8")))
LETTERS = set(b"abcdefghijklmnopqrstuvwxyz0123456789'")


def walked(text: str) -> list[str]:
    """The definition, byte by byte."""
    words: list[bytes] = []
    inside = False
    for byte in text.encode():
        low = byte + 32 if 65 <= byte <= 90 else byte
        belongs = low in LETTERS or low >= 128
        if belongs and inside:
            words[-1] += bytes([low])
        elif belongs or low in b"!?":
            words.append(bytes([low]))
        inside = belongs
    return [word.decode() for word in words]


@given(TEXTS)
def test_words_are_those_of_a_walk_over_bytes(text: str) -> None:
    assert tokens.split(text, "words") == walked(text)


@given(TEXTS)
def test_characters_are_pythons_own_in_lower_case(text: str) -> None:
    lower = [c.lower() if c.isascii() else c for c in text]
    assert tokens.split(text, "characters") == [c for c in lower if c != "\0"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GREAT!", ["it's", "great", "!"]),
        ("well-made -- really?!", ["well", "made", "really", "?", "!"]),
        ("Amélie, 2001", ["amélie", "2001"]),
        ("ÉTÉ", ["ÉtÉ"]),  # only ASCII letters have a case that C knows
        (" ...", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert tokens.split(text, "words") == words


@given(TEXTS)
def test_capital_letters_stay_where_they_are_to(text: str) -> None:
    assert tokens.split(text, "characters", "keep") == [c for c in text if c != "\0"]
    words = tokens.split(text, "words", "keep")
    assert [word.encode().lower().decode() for word in words] == tokens.split(text, "words")
    assert all(word in text for word in words)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        tokens.split("\ud800", "words")


@given(st.lists(st.lists(st.sampled_from(["a", "b", "é", "z", "'"]))), st.integers(2, 7))
def test_the_commonest_come_first_and_the_size_is_kept(texts: list[list[str]], size: int) -> None:
    found = tokens.learn(texts, "words", size)
    counts = Counter(word for text in texts for word in text)
    order = [(-counts[word], word.encode()) for word in found.entries[1:]]
    left_out = set(counts) - set(found.entries)
    assert found.entries[0] == "<unk>"
    assert order == sorted(order)
    assert len(found.entries) == min(size, 1 + len(counts))
    assert all((-counts[word], word.encode()) > order[-1] for word in left_out)


def test_counts_of_numbers_are_those_of_scikit_learn() -> None:
    texts = ["the cat's hat", "The dog! the DOG", "a hat?", "the the the"]
    words = [tokens.split(text, "words") for text in texts]
    vocabulary = tokens.learn(words, "words", 5)
    counter = CountVectorizer(token_pattern=r"[a-z0-9']+|[!?]", vocabulary=vocabulary.entries)
    numbers = [tokens.encode(vocabulary, text, 99) for text in words]
    found = np.array([np.bincount(row, minlength=5) for row in numbers])
    np.testing.assert_array_equal(found[:, 1:], counter.transform(texts).toarray()[:, 1:])
    np.testing.assert_array_equal(found.sum(axis=1), [len(text) for text in words])


@pytest.mark.parametrize(("keep", "numbers"), [("start", [1, 0]), ("end", [2, 1])])
def test_a_longer_text_is_cut(keep: Keep, numbers: list[int]) -> None:
    vocabulary = Vocabulary("words", ("<unk>", "a", "b"), keep)
    assert tokens.encode(vocabulary, ["a", "c", "b", "a"], 2).tolist() == numbers
    assert tokens.encode(vocabulary, ["<unk>"], 2).tolist() == [0]


@pytest.mark.parametrize("keep", ["start", "end"])
def test_a_padded_text_ends_with_the_last_step(keep: Keep) -> None:
    vocabulary = Vocabulary("words", ("<unk>", "a", "b", "c"), keep, padded=True)
    assert tokens.encode(vocabulary, ["a", "x", "c"], 5).tolist() == [0, 0, 1, 0, 3]
    assert len(tokens.encode(vocabulary, ["a", "b", "c"], 2)) == 2
    assert tokens.encode(vocabulary, [], 2).tolist() == [0, 0]
