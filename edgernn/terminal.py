"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """Rows with the given keys as columns; a key that a row lacks is left empty."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        drawn.add_column(column.replace("_", " "), no_wrap=index == 0, overflow="fold")
    for row in rows:
        drawn.add_row(*(escape(_text(row.get(column))) for column in columns))
    return drawn


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
