"""What is there and what is missing: engines, the training tools, the machine."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from typing import Any

from rich.table import Table

from edgernn import terminal
from edgernn.engines import ENGINES, engine
from edgernn.errors import MissingToolError

_TRAINING = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "tensorboard")


def checks() -> list[dict[str, Any]]:
    """One row for each engine and training tool: its version, or what would add it."""
    return [_engine(name) for name in ENGINES] + [_package(name) for name in _TRAINING]


def table(rows: list[dict[str, Any]]) -> Table:
    return terminal.table(rows, ("name", "kind", "status", "version", "remedy"))


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
