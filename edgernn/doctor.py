"""What is there and what is missing: engines, training tools, and what boards need."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from rich.table import Table

from edgernn import terminal
from edgernn.board_tools import tools
from edgernn.engines import ENGINES, engine
from edgernn.errors import MissingToolError
from edgernn.firmware import BOARDS, Board

_TRAINING = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "tensorboard")


def checks() -> list[dict[str, Any]]:
    """One row for each engine, training tool, and compiler and emulator of boards: its version, or what adds it."""
    kinds = dict.fromkeys(board.kind for board in BOARDS.values())
    boards = [_boards([board for board in BOARDS.values() if board.kind == kind]) for kind in kinds]
    return [*map(_engine, ENGINES), *map(_package, _TRAINING), *(row for rows in boards for row in rows)]


def table(rows: list[dict[str, Any]]) -> Table:
    told = [row | {"name": "\n".join(row.get("boards", [row["name"]]))} for row in rows]
    return terminal.table(told, ("name", "kind", "status", "version", "remedy"))


def _engine(name: str) -> dict[str, Any]:
    row = {"name": name, "kind": "engine", "status": "ok", "version": "", "remedy": ""}
    try:
        return row | {"version": engine(name).version()}
    except MissingToolError as error:
        return row | {"status": "missing", "remedy": str(error)}


def _package(name: str) -> dict[str, Any]:
    row = {"name": name, "kind": "training", "status": "ok", "version": "", "remedy": ""}
    # found before asked for its version: TensorFlow must not be imported to know that it is there
    if importlib.util.find_spec(name.replace("-", "_")) is None:
        return row | {"status": "missing", "remedy": "pip install 'edgernn[train]' adds it"}
    return row | {"version": metadata.version(name)}


def _boards(boards: Sequence[Board]) -> list[dict[str, Any]]:
    """What boards of one kind are compiled with and run on, which is the same for all of them."""
    names = [board.name for board in boards]
    return [
        {
            "name": boards[0].kind,
            "kind": kind,
            "status": "ok" if tool.version else "missing",
            "version": tool.version,
            "remedy": tool.remedy,
            "boards": names,
        }
        for kind, tool in tools(boards[0]).items()
    ]
