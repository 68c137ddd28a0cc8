"""Two builds side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from edgernn import report, terminal

_COLUMNS = ("metric", "metric_drop", "agreement", "latency_us")


def compare(first: Path, second: Path) -> list[dict[str, Any]]:
    """One row for each artifact, form and engine that both builds ran.

    A column `<name>_a` is the first build's, `<name>_b` the second's. Raises InputError when a folder holds no
    report.
    """
    a, b = (_rows(report.load(folder)) for folder in (first, second))
    return [_pair(key, a[key], b[key]) for key in a if key in b]


def table(rows: list[dict[str, Any]]) -> Table:
    """Both builds in one cell: the first's value, a bar, the second's."""
    merged = [
        {"artifact": row["artifact"], "form": row["form"], "engine": row["engine"]}
        | {name: f"{_text(row[f'{name}_a'])} | {_text(row[f'{name}_b'])}" for name in (*_COLUMNS, "bytes")}
        for row in rows
    ]
    return terminal.table(merged, ("artifact", "form", "engine", "metric", "latency_us", "bytes"))


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _rows(content: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    sizes = {artifact["name"]: artifact["bytes"] for artifact in content["artifacts"]}
    return {
        (row["artifact"], row.get("form", ""), row["engine"]): _values(row, sizes)
        for row in content["results"]
        if row["status"] == "ok" and "optimisation" not in row  # what an image for a board is, its report tells
    }


def _values(row: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    latency = row["latency_us"]["median"] if row["latency_us"] else None
    return {name: row[name] for name in _COLUMNS[:-1]} | {
        "latency_us": latency,
        "bytes": sizes.get(row["artifact"]),
    }


def _pair(key: tuple[str, str, str], a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(("artifact", "form", "engine"), key, strict=True))
    return row | {f"{k}_a": v for k, v in a.items()} | {f"{k}_b": v for k, v in b.items()}
