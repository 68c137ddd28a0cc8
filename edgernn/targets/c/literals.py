"""Values as C source text."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgernn.errors import ExportError
from edgernn.lowering import QType

_VALUES_PER_LINE = 20


def identifier(name: str) -> str:
    """A value's or constant's name as a C identifier: `gru/from_x` is `gru_from_x`."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)


def integer(value: int) -> str:
    """`-2147483648` is the negation of a number that fits no int32_t, so it is written as a difference."""
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)


def wide(value: int) -> str:
    """A uint64_t."""
    return f"UINT64_C({value})"


def floating(value: float) -> str:
    """The shortest decimal that a C compiler reads as the same float32.

    Raises ExportError when it is not finite.
    """
    if not np.isfinite(np.float32(value)):
        raise ExportError(f"{value} is not a finite float32; look at the standard deviations of the channels")
    return f"{np.float32(value)!s}f"


def string(text: str) -> str:
    """A string literal in UTF-8; octal escapes end by themselves, and `?` is escaped against trigraphs."""
    plain = set(range(32, 127)) - set(b'"\\?')
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def comment(text: str) -> str:
    """Text that can neither end a comment nor begin another."""
    return " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *")


def lines(values: Iterable[str]) -> list[str]:
    """Array elements in lines of `_VALUES_PER_LINE`."""
    elements = list(values)
    starts = range(0, len(elements), _VALUES_PER_LINE)
    return [", ".join(elements[i : i + _VALUES_PER_LINE]) + "," for i in starts]


def q_format(qtype: QType) -> str:
    """`Q0.15` and the like for power-of-two types, otherwise what the integers mean."""
    fraction = -np.log2(qtype.scale)
    whole = {"int8": 7, "int16": 15}[qtype.dtype] - fraction
    if qtype.zero_point == 0 and fraction == round(fraction) and min(fraction, whole) >= 0:
        return f"Q{round(whole)}.{round(fraction)}"
    zero_point = f" - ({qtype.zero_point})" if qtype.zero_point else ""
    return f"{qtype.dtype}, real = (q{zero_point}) * {np.float32(qtype.scale)}"
