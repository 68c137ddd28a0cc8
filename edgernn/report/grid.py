"""A table as text cells, for HTML and Markdown both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgernn.report import units


@dataclass(frozen=True)
class Column:
    """A heading; `group` spans neighbours that share it, `outcome` takes the tone of its row."""

    title: str
    numeric: bool = False
    group: str = ""
    outcome: bool = False


@dataclass(frozen=True)
class Line:
    """One row; `tone` (pass, fail, skip, or none) is how it is to look."""

    cells: tuple[str, ...]
    tone: str = ""


Getter = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Table:
    """Columns and rows of text; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Runs of columns with the same group as (group, width); empty when no column has one."""
        runs: list[tuple[str, int]] = []
        for column in self.columns:
            if runs and runs[-1][0] == column.group:
                runs[-1] = (column.group, runs[-1][1] + 1)
            else:
                runs.append((column.group, 1))
        return tuple(runs) if any(name for name, _ in runs) else ()


def filled(
    caption: str,
    columns: Sequence[tuple[Column, Getter]],
    rows: Sequence[Mapping[str, Any]],
    tones: Sequence[str] = (),
) -> Table:
    """A table of the columns for which at least one row has a value."""
    texts = [[get(row) for row in rows] for _, get in columns]
    kept = [index for index, column in enumerate(texts) if any(text is not None for text in column)]
    tones = tones or [""] * len(rows)
    lines = (Line(tuple(texts[index][row] or units.NONE for index in kept), tones[row]) for row in range(len(rows)))
    return Table(caption, tuple(columns[index][0] for index in kept), tuple(lines))
