"""What `inspect` found, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from edgernn import terminal

_TENSOR = ("name", "role", "shape", "dtype", "scale", "zero_point", "range")
_CONSTANT = ("name", "shape", "dtype", "bytes", "scale", "zeros", "density_by_gate")


def table(found: Mapping[str, Any]) -> Group:
    """One line about the file, then layers, constants, tensors, operators and sections."""
    layers = [row | {"sparsity": _percent(row["sparsity"])} for row in found["layers"]]
    return Group(
        Text(_title(found)),
        *_section("Layers", layers, ("name", "kind", "units", "parameters", "sparsity")),
        *_section("Weights and biases", [_constant(row) for row in found["constants"]], _CONSTANT),
        *_section("Inputs, outputs, states", [_tensor(row) for row in found["tensors"]], _TENSOR),
        *_section("Operators", found["operators"], ("name", "count", "arithmetic")),
        *_section("Size by section", _sizes(found), ("section", "bytes", "share", "flash")),
    )


def _title(found: Mapping[str, Any]) -> str:
    form = {"both": "sequence and step", None: "network"}.get(found["form"], found["form"])
    sparse = "" if found["sparsity"] is None else f", {_percent(found['sparsity'])} zeros"
    return (
        f"{found['artifact']}: {found['name']}, {form}, {found['precision']}, {found['bytes']} bytes, "
        f"{found['parameters']} parameters{sparse}, sha256 {found['sha256'][:12]}"
    )


def _section(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> list[RenderableType]:
    """A table under its title, without the columns that are empty; nothing without rows."""
    filled = tuple(c for c in columns if any(row.get(c) not in (None, "") for row in rows))
    return [Text(f"\n{title}", style="bold"), terminal.table(rows, filled)] if rows else []


def _constant(row: dict[str, Any]) -> dict[str, Any]:
    density = row["density"] or {}
    return row | {
        "name": f"{row['layer']}/{row['name']}",
        "shape": _shape(row["shape"]),
        "scale": _range(row["scale"]),
        "zeros": _percent(row["sparsity"]),
        "density_by_gate": ", ".join(f"{gate} {_percent(share)}" for gate, share in density.items()),
    }


def _tensor(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"shape": _shape(row["shape"]), "range": _range(row["range"])}


def _sizes(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    flash = found["flash_constants"] or {}
    rows = [
        {"section": name, "bytes": size, "share": _percent(size / found["bytes"]), "flash": flash.get(name)}
        for name, size in found["sections"].items()
        if size
    ]
    return [*rows, {"section": "total", "bytes": found["bytes"], "flash": flash.get("total")}]


def _shape(shape: list[int | str]) -> str:
    return " x ".join(map(str, shape))


def _range(pair: list[float] | None) -> str:
    """One number where both are equal."""
    return "" if pair is None else " .. ".join(f"{value:.4g}" for value in dict.fromkeys(pair))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
