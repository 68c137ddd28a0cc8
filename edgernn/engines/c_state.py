"""The state struct of a generated header: which arrays it holds, and what their integers mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgernn.errors import InputError
from edgernn.lowering import QType

_STRUCT = re.compile(r"typedef struct \{\n([^}]*)\} \w+_state;")
_MEMBER = re.compile(r"(int8|int16)_t (\w+)\[(\d+)\]; /\* (.*) \*/")
_Q_FORMAT = re.compile(r"Q\d+\.(\d+)")
_SCALED = re.compile(r"int\d+, real = \(q(?: - \((-?\d+)\))?\) \* (\S+)")


@dataclass(frozen=True)
class Member:
    """One array of the struct: its name, number of elements and type."""

    name: str
    size: int
    qtype: QType


def members(header: str) -> tuple[Member, ...]:
    """The arrays of the state struct, in order, from the text of a generated header.

    Raises InputError when the header has no such struct.
    """
    struct = _STRUCT.search(header)
    if struct is None:
        raise InputError("the generated header has no state struct; build it again")
    return tuple(_member(*found.groups()) for found in _MEMBER.finditer(struct[1]))


def layout(found: tuple[Member, ...]) -> np.dtype:
    """The struct as C lays it out, for an array of copies of it."""
    return np.dtype([(one.name, one.qtype.dtype, (one.size,)) for one in found], align=True)


def _member(dtype: str, name: str, size: str, meaning: str) -> Member:
    kind: Literal["int8", "int16"] = "int8" if dtype == "int8" else "int16"
    if fraction := _Q_FORMAT.fullmatch(meaning):
        return Member(name, int(size), QType(kind, 2.0 ** -int(fraction[1])))
    scaled = _SCALED.fullmatch(meaning)
    if scaled is None:
        raise InputError(f"the generated header does not say what the integers of {name} mean; build it again")
    return Member(name, int(size), QType(kind, float(scaled[2]), int(scaled[1] or 0)))
