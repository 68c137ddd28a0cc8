"""What compiles for a board and what runs its images: there, with a version, or missing, with what would add it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from edgernn.errors import MissingToolError
from edgernn.firmware import Board, emulator, toolchain, wasm


class Tool(NamedTuple):
    """`version` is empty when the tool is missing, and `remedy` when it is there."""

    version: str
    remedy: str


def tools(board: Board) -> Mapping[str, Tool]:
    """A board's compiler and emulator."""
    version = wasm.version if board.kind == "wasm" else lambda: emulator.find(board).version
    return {"compiler": _tool(lambda: toolchain.find(board).version), "emulator": _tool(version)}


def _tool(version: Callable[[], str]) -> Tool:
    try:
        return Tool(version(), "")
    except MissingToolError as error:
        return Tool("", str(error))
