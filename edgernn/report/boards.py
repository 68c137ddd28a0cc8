"""What the C is on boards: instructions, flash and RAM of each image, and whether it equals the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.report import units
from edgernn.report.grid import Column, Getter, Line, Table, filled
from edgernn.report.verdict import Report, Row, of_board, place

if TYPE_CHECKING:
    from rich.table import Table as RichTable

GATES = ("flash_max", "ram_max", "board_equals_reference")
_SECTIONS = ("code", "weights", "data")


def rows(report: Report) -> list[Row]:
    """The results of images that were built, whether they ran or not."""
    return [row for row in report["results"] if of_board(row) and row["flash_bytes"] is not None]


def table(report: Report) -> Table:
    """A row an image; columns that would say nothing are left out."""
    columns: tuple[tuple[Column, Getter], ...] = (
        (Column("Board"), lambda row: row["device"]),
        (Column("Precision"), lambda row: row["precision"]),
        (Column("Optimised for"), lambda row: row["optimisation"]),
        (Column("Median", True, "Instructions"), lambda row: _count(row["instructions"])),
        (Column("Per", False, "Instructions"), lambda row: row["form"] if row["instructions"] else None),
        (Column("Per MAC", True, "Instructions"), lambda row: _ratio(row.get("instructions_per_mac"))),
        *((Column(name.capitalize(), True, "Flash, bytes"), _section(name)) for name in _SECTIONS),
        (Column("Total", True, "Flash, bytes"), lambda row: _count(row["flash_bytes"])),
        (Column("State", True, "RAM, bytes"), lambda row: _count(_memory(row, "state_bytes"))),
        (Column("Data", True, "RAM, bytes"), lambda row: _count(_other(row) or None)),
        (Column("Stack", True, "RAM, bytes"), lambda row: _count(_memory(row, "stack_bytes"))),
        (Column("Total", True, "RAM, bytes"), lambda row: _count(ram(row))),
        (Column("Equals reference", outcome=True), _equality),
    )
    found = rows(report)
    return filled("Boards", columns, found, [_tone(row) for row in found])


def tools(report: Report) -> Table:
    """What compiled and what ran each board's images."""
    found = {
        (row["device"], row["engine_version"], row.get("emulator") or units.NONE): None for row in rows(report)
    }
    columns = (Column("Board"), Column("Compiler"), Column("Emulator"))
    return Table("Compilers and emulators", columns, tuple(Line(one) for one in found))


def description(report: Report) -> str:
    """How to read the table: what was counted, and over which windows."""
    ran = [row for row in rows(report) if row["status"] == "ok"]
    if not ran:
        return "Built and not run. Flash is that of the model and its kernels alone."
    windows = max(row["windows"] for row in ran)
    of = f"{units.count(windows)} of the {units.count(report['metric']['test_examples'])} test examples"
    wasm = "; those of wasm are WebAssembly's" if any(row["device"] == "wasm" for row in ran) else ""
    return (
        f"Run with {of}, every output compared with the integer reference, bit for bit. Counted are instructions, "
        f"not cycles{wasm}. An emulator's time says nothing of a board's, so there is no latency. Per MAC is for "
        "each multiply-accumulate, those of zeros included. Flash and RAM are those of the model and its kernels "
        "alone, without startup code and C library."
    )


def of_one(report: Report, board: str) -> dict[str, Any]:
    """What `edgernn firmware` tells: the results of one board, and the gates on boards."""
    own = [row for row in report["results"] if of_board(row) and row["device"] == board]
    judged = [gate for gate in report["gates"] if gate["name"] in GATES]
    passed = all(gate["passed"] for gate in judged) and all(row["status"] != "failed" for row in own)
    return {"board": board, "results": own, "gates": judged, "passed": passed}


def lines(found: Report, folder: Path) -> list[str]:
    """What follows the table of `of_one` on a terminal: what did not run or failed, the images, how to run them."""
    told = [f"{row['status']} {place(row)}: {row['reason']}" for row in found["results"] if row["reason"]]
    told += [f"FAIL {gate['name']}: {gate['where']}" for gate in found["gates"] if not gate["passed"]]
    images = [f"image: {folder / row['image']}" for row in found["results"] if "image" in row]
    return [*told, *images, *_adb(found, folder)]


def terminal_table(found: Sequence[Row]) -> RichTable:
    """Results of boards in 80 columns."""
    from edgernn import terminal

    columns = ("board", "precision", "for", "instructions", "per MAC", "flash", "RAM", "equal")
    return terminal.table((_short(row) for row in found if row["flash_bytes"] is not None), columns)


def ram(row: Row) -> int | None:
    """State, other static data and stack, in bytes; None where the stack was not measured."""
    static, stack = _memory(row, "static_ram_bytes"), _memory(row, "stack_bytes")
    return None if static is None or stack is None else static + stack


def _short(row: Row) -> dict[str, str]:
    return {
        "board": row["device"],
        "precision": row["precision"],
        "for": row["optimisation"],
        "instructions": f"{_count(row['instructions'])}/{row['form']}" if row["instructions"] else units.NONE,
        "per MAC": _ratio(row.get("instructions_per_mac")) or units.NONE,
        "flash": units.size(row["flash_bytes"]),
        "RAM": units.NONE if ram(row) is None else units.size(ram(row) or 0),
        "equal": _equality(row) or units.NONE,
    }


def _adb(found: Report, folder: Path) -> list[str]:
    """The two commands that run the last image of a Linux board on a phone."""
    rows = [row for row in found["results"] if "frames" in row and row["device"] != "host"]
    if not rows:
        return []
    image, frames = Path(rows[-1]["image"]), Path(rows[-1]["frames"])
    there = "/data/local/tmp"
    return [
        "on an Android phone:",
        f"  adb push {folder / image} {folder / frames} {there}",
        f"  adb shell {there}/{image.name} {there}/{frames.name} {there}/outputs",
    ]


def _tone(row: Row) -> str:
    if row["status"] == "ok":
        return "pass" if row["equals_reference"] == 1 else "fail"
    return "fail" if row["status"] == "failed" else "skip"


def _equality(row: Row) -> str | None:
    if row["status"] != "ok":
        return "failed" if row["status"] == "failed" else "not run"
    return "yes" if row["equals_reference"] == 1 else units.percent(row["equals_reference"])


def _section(name: str) -> Getter:
    return lambda row: _count(row["sections"][name] or None)


def _memory(row: Row, key: str) -> int | None:
    value: int | None = (row["memory"] or {}).get(key)
    return value


def _other(row: Row) -> int:
    """Static RAM that is not the state."""
    return (_memory(row, "static_ram_bytes") or 0) - (_memory(row, "state_bytes") or 0)


def _count(value: int | None) -> str | None:
    return None if value is None else units.count(value)


def _ratio(value: float | None) -> str | None:
    return None if value is None else units.fixed(value, 2)
