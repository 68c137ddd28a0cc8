"""A WebAssembly module: linking one, and its bytes by section (WebAssembly Core Specification 3.0, chapter 5.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from edgernn.errors import ExportError
from edgernn.firmware.interface import Interface
from edgernn.firmware.toolchain import Toolchain
from edgernn.network import Form

STACK_BYTES = 65536
FUNCTIONS = {"step": ("reset", "step"), "sequence": ("sequence",)}
_LAYOUT = ("__stack_pointer", "__heap_base", "__data_end")  # of memory, as the linker has laid it out
_CUSTOM, _GLOBAL, _EXPORT, _CODE, _DATA = 0, 6, 7, 10, 11  # section numbers
_KINDS = {"weights": ".rodata", "data": ".data"}
_SEGMENT_NAMES = 9  # the number of a part of the custom section "name"


class _Part(NamedTuple):
    number: int
    content: bytes


class _Segment(NamedTuple):
    address: int
    size: int


def link(chain: Toolchain, folder: Path, objects: Sequence[str], model: Interface, form: Form) -> Path:
    """Link a module that exports the model's functions, its memory and how that is laid out."""
    exports = (*(f"{model.name}_{function}" for function in FUNCTIONS[form]), *_LAYOUT)
    flags = ("-nostdlib", "-Wl,--no-entry", "-Wl,--gc-sections", f"-Wl,-z,stack-size={STACK_BYTES}")
    chain.run((*objects, *flags, *(f"-Wl,--export={name}" for name in exports), "-o", "image.wasm"), folder)
    return folder / "image.wasm"


def sections(path: Path) -> dict[str, int]:
    """Bytes of code, weights (constants), data and bss, where they are in memory with the padding before it.

    Raises ExportError where a segment has another name than those of C's sections.
    """
    parts = list(_parts(path.read_bytes()[8:]))  # after the magic number and the version
    names, segments = _segment_names(parts), list(_segments(parts))
    found = {"code": sum(len(part.content) for part in parts if part.number == _CODE), "weights": 0, "data": 0}
    for index, segment in enumerate(segments):
        name = names.get(index, "")
        kind = next((kind for kind, prefix in _KINDS.items() if name.startswith(prefix)), None)
        if kind is None:
            raise ExportError(f"the linker has put a segment named {name!r} into {path.name}, which is no section")
        found[kind] += segment.size
    end = max((segment.address + segment.size for segment in segments), default=None)
    return {**found, "bss": 0 if end is None else _data_end(parts) - end}  # a file holds no zeros


def _parts(content: bytes) -> Iterator[_Part]:
    at = 0
    while at < len(content):
        number = content[at]
        size, at = _number(content, at + 1)
        yield _Part(number, content[at : at + size])
        at += size


def _segments(parts: Sequence[_Part]) -> Iterator[_Segment]:
    """The data segments, all active: a flag of one byte, `i32.const address end`, the bytes."""
    for part in parts:
        if part.number == _DATA:
            count, at = _number(part.content, 0)
            for _ in range(count):
                address, at = _number(part.content, at + 2)
                size, at = _number(part.content, at + 1)
                yield _Segment(address, size)
                at += size


def _data_end(parts: Sequence[_Part]) -> int:
    """The value of the exported global `__data_end`, where bss ends."""
    exports = next(part.content for part in parts if part.number == _EXPORT)
    name = b"\x0a__data_end\x03"  # its length, the name, and that it is a global
    wanted, _ = _number(exports, exports.index(name) + len(name))
    content = next(part.content for part in parts if part.number == _GLOBAL)
    _, at = _number(content, 0)
    for _ in range(wanted):
        at = _number(content, at + 3)[1] + 1
    return _number(content, at + 3)[0]  # after the type, mutability and i32.const


def _segment_names(parts: Sequence[_Part]) -> dict[int, str]:
    found = {}
    for part in parts:
        if part.number == _CUSTOM and part.content.startswith(b"\x04name"):
            for inner in _parts(part.content[5:]):
                if inner.number == _SEGMENT_NAMES:
                    found = dict(_names(inner.content))
    return found


def _names(content: bytes) -> Iterator[tuple[int, str]]:
    count, at = _number(content, 0)
    for _ in range(count):
        index, at = _number(content, at)
        size, at = _number(content, at)
        yield index, content[at : at + size].decode()
        at += size


def _number(content: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends."""
    value = shift = 0
    while True:
        value |= (content[at] & 127) << shift
        shift += 7
        at += 1
        if content[at - 1] < 128:
            return value, at
