"""Words and their numbers in C, bit for bit those of Python: over any bytes, with undefined behaviour stopped."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vector_paths import library

from edgernn.features import tokens
from edgernn.network import Tokens
from edgernn.targets.c.kernels import FIND_CODE, FIND_TOKEN, NEXT_TOKEN

BYTES = st.one_of(
    st.text(st.characters(codec="utf-8")).map(str.encode),
    st.binary(),
    st.lists(
        st.sampled_from([b"a", b"Zed", b"'", b"!", b"?", b" ", b"\xc3\xa9", b"\x00", b"@", b"[", b"`", b"{"])
    ).map(b"".join),
)


class Token(ctypes.Structure):
    _fields_ = (("text", ctypes.c_char_p), ("number", ctypes.c_int16))


@pytest.fixture(scope="module", params=["native", "native, undefined"])
def runtime(request: pytest.FixtureRequest) -> ctypes.CDLL:
    found = library(request.param)
    for name in NEXT_TOKEN.values():
        getattr(found, name).restype = ctypes.c_void_p
    for name in (FIND_TOKEN, FIND_CODE):
        getattr(found, name).restype = ctypes.c_int16
    return found


def read(runtime: ctypes.CDLL, kind: Tokens, text: bytes) -> Iterator[bytes]:
    """The tokens of a text that ends where its memory does, as C walks through it."""
    memory = (ctypes.c_char * max(1, len(text))).from_buffer_copy(text or b"x")
    at, end, length = ctypes.addressof(memory), ctypes.addressof(memory) + len(text), ctypes.c_size_t()
    following = getattr(runtime, NEXT_TOKEN[kind])
    while token := following(ctypes.c_void_p(at), ctypes.c_void_p(end), ctypes.byref(length)):
        yield ctypes.string_at(token, length.value)
        at = token + length.value
    assert length.value == 0


def number(runtime: ctypes.CDLL, known: Sequence[tuple[str, int]], token: bytes) -> int:
    table = (Token * max(1, len(known)))(*((text.encode(), number) for text, number in known))
    return int(getattr(runtime, FIND_TOKEN)(table, ctypes.c_size_t(len(known)), token, ctypes.c_size_t(len(token))))


@pytest.mark.parametrize("kind", ["words", "characters"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(text=BYTES)
def test_tokens_are_those_of_python(runtime: ctypes.CDLL, kind: Tokens, text: bytes) -> None:
    assert [token.lower() for token in read(runtime, kind, text)] == tokens.PATTERNS[kind].findall(text.lower())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    texts=st.lists(st.text(st.sampled_from("abAB' !?éÉ\U0001f600"), max_size=9), max_size=8),
    size=st.integers(2, 9),
)
def test_numbers_are_those_of_python(runtime: ctypes.CDLL, texts: list[str], size: int) -> None:
    """Of tokens that are known and of those that are not, in any case."""
    split = [tokens.split(text, "words") for text in texts]
    vocabulary = tokens.learn(split[::2], "words", size)
    known = sorted(vocabulary.numbers.items(), key=lambda pair: pair[0].encode())
    found = [[number(runtime, known, token) for token in read(runtime, "words", text.encode())] for text in texts]
    assert found == [tokens.encode(vocabulary, text, 99).tolist() for text in split]


@pytest.mark.parametrize("token", [b"", b"a\x00", b"\x00", b"ab", b"\xff"])
def test_what_is_nearly_a_token_is_not_known(runtime: ctypes.CDLL, token: bytes) -> None:
    assert number(runtime, [("a", 5), ("abc", 6)], token) == 0
    assert number(runtime, [("a", 5), ("abc", 6)], b"ABC") == 6
    assert number(runtime, [], token) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    codes=st.lists(st.text(st.sampled_from("abAB1é"), min_size=1, max_size=4), unique=True, max_size=9),
    code=st.text(st.sampled_from("abAB1é"), max_size=4),
)
def test_a_code_has_its_number_as_it_is_written(runtime: ctypes.CDLL, codes: list[str], code: str) -> None:
    table = (ctypes.c_char_p * (len(codes) + 1))(b"<unk>", *(one.encode() for one in codes))
    by_bytes = sorted(range(1, len(codes) + 1), key=lambda number: codes[number - 1].encode())
    order = (ctypes.c_int16 * max(1, len(codes)))(*by_bytes)
    told = code.encode()
    memory = (ctypes.c_char * max(1, len(told))).from_buffer_copy(told or b"x")
    found = getattr(runtime, FIND_CODE)(
        table, order, ctypes.c_size_t(len(codes)), memory, ctypes.c_size_t(len(told))
    )
    assert found == (codes.index(code) + 1 if code in codes else 0)
