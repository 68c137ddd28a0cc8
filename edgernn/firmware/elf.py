"""What an ELF file says of itself: its sections and its symbols."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SYMBOL_TABLE = 2  # sh_type


class Span(NamedTuple):
    """Where something lies and how many bytes it takes."""

    address: int
    size: int


class _Section(NamedTuple):
    """An entry of the section table, in the order of both ELF classes."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


def sections(path: Path) -> dict[str, Span]:
    """Section name to span."""
    content = path.read_bytes()
    table = list(_sections(content))
    names = table[_word(content, "H", 62 if _wide(content) else 50)]
    return {_text(content, names, one.name): Span(one.address, one.size) for one in table}


def symbols(path: Path) -> dict[str, Span]:
    """Symbol name to span; addresses of Thumb functions come without their lowest bit."""
    content = path.read_bytes()
    table = list(_sections(content))
    found: dict[str, Span] = {}
    for one in table:
        if one.type == SYMBOL_TABLE:
            found |= {_text(content, table[one.link], name): span for name, span in _symbols(content, one)}
    return found


def _symbols(content: bytes, table: _Section) -> Iterator[tuple[int, Span]]:
    thumb = _word(content, "H", 18) == 40  # e_machine of Arm
    layout = struct.Struct("<IBBHQQ" if _wide(content) else "<IIIBBH")
    for fields in layout.iter_unpack(content[table.offset : table.offset + table.size]):
        name, info = fields[0], fields[1] if _wide(content) else fields[3]
        address, size = fields[4:6] if _wide(content) else fields[1:3]
        yield name, Span(address & ~1 if thumb and info & 15 == 2 else address, size)


def _sections(content: bytes) -> Iterator[_Section]:
    wide = _wide(content)
    offset = _word(content, "Q" if wide else "I", 40 if wide else 32)
    count = _word(content, "H", 60 if wide else 48)
    layout = struct.Struct("<IIQQQQI" if wide else "<7I")
    step = 64 if wide else 40
    for index in range(count):
        yield _Section(*layout.unpack_from(content, offset + index * step))


def _wide(content: bytes) -> bool:
    return content[4] == 2  # EI_CLASS: 64-bit


def _word(content: bytes, kind: str, offset: int) -> int:
    return int(struct.unpack_from("<" + kind, content, offset)[0])


def _text(content: bytes, strings: _Section, at: int) -> str:
    start = strings.offset + at
    return content[start : content.index(b"\0", start)].decode()
