"""A table as text cells, for HTML and Markdown both."""

from __future__ import annotations

from dataclasses import dataclass


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
