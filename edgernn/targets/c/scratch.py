"""Where a step's values live: slots in one scratch area, shared by values that are never needed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALIGNMENT = 4  # bytes: kernels read words of what they work in


@dataclass(frozen=True)
class Lifetime:
    """A value of `size` bytes that is needed from time `first` to time `last`, both included."""

    name: str
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Layout:
    """Byte offsets by value name, and the bytes of the whole area."""

    offsets: Mapping[str, int]
    size: int


def allocate(lifetimes: Iterable[Lifetime]) -> Layout:
    """Slots such that values with a common time never overlap.

    Largest first, each at the lowest offset that is free for its lifetime ("greedy by size": Pisarchyk and
    Lee 2020, arXiv:2001.03288).
    """
    placed: list[tuple[int, Lifetime]] = []
    for value in sorted(lifetimes, key=lambda v: (-v.size, v.first, v.name)):
        neighbours = [(start, other) for start, other in placed if _together(value, other)]
        placed.append((_lowest_gap(value.size, neighbours), value))
    end = max((offset + value.size for offset, value in placed), default=0)
    return Layout({value.name: offset for offset, value in placed}, _aligned(end))


def _together(a: Lifetime, b: Lifetime) -> bool:
    return a.first <= b.last and b.first <= a.last


def _lowest_gap(size: int, taken: list[tuple[int, Lifetime]]) -> int:
    offset = 0
    for start, value in sorted(taken, key=lambda slot: slot[0]):
        if offset + size <= start:
            break
        offset = max(offset, _aligned(start + value.size))
    return offset


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
