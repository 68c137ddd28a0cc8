from __future__ import annotations

import pytest

from edgernn import board_tools, doctor
from edgernn.errors import MissingToolError
from edgernn.firmware import BOARDS, Board


def _rows() -> list[dict[str, object]]:
    return [row for row in doctor.checks() if "boards" in row]


def test_every_board_has_a_compiler_and_an_emulator_listed_once() -> None:
    for kind in ("compiler", "emulator"):
        named = [name for row in _rows() if row["kind"] == kind for name in row["boards"]]  # type: ignore[attr-defined]
        assert sorted(named) == sorted(BOARDS)


def test_a_tool_is_there_with_a_version_or_missing_with_a_remedy() -> None:
    for row in _rows():
        assert (row["status"] == "ok") == bool(row["version"]) == (not row["remedy"])


def test_what_adds_a_missing_tool_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(board: Board) -> None:
        raise MissingToolError(f"nothing for {board.name}; apt-get install it")

    monkeypatch.setattr(board_tools.toolchain, "find", missing)
    monkeypatch.setattr(board_tools.emulator, "find", missing)
    rows = {(row["name"], row["kind"]): row for row in _rows()}
    assert rows["arm", "compiler"]["remedy"] == "nothing for cortex-m0plus; apt-get install it"
    assert rows["riscv", "emulator"]["status"] == "missing"


def test_the_table_names_every_board() -> None:
    cells = list(doctor.table(doctor.checks()).columns[0].cells)
    assert set(BOARDS) <= {line for cell in cells for line in str(cell).splitlines()}
