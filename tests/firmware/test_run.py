"""Every board and compiler against a model written by hand, whose sizes and instructions are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn.errors import ExportError, InputError, MissingToolError
from edgernn.firmware import BOARDS, Board, Measured, build, elf, emulator, measure, toolchain
from edgernn.firmware.interface import Interface

pytestmark = pytest.mark.board

INSTRUCTIONS = {"arm": 30, "riscv": 29, "linux": 29}  # counted by hand in tiny.c
STACK_BYTES = {"arm": 400, "riscv": 400, "linux": 400, "wasm": 400}
X = np.array([[[1], [2], [3], [4]], [[-5], [6], [-7], [8]]], np.int8)
HIDDEN = 1  # weights[1]
ALL = [(name, chain) for name, board in BOARDS.items() for chain in ("gcc", "zig") if getattr(board, chain)]


def chain(board: Board, name: str) -> toolchain.Toolchain:
    found = [one for one in toolchain.candidates(board) if one.name == name]
    if not found:
        pytest.skip(f"{name} for {board.name} is not installed")
    return found[0]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    for suffix in "ch":
        text = Path(__file__).with_name(f"tiny.{suffix}").read_text()
        (tmp_path / f"tiny.{suffix}").write_text(text)
    return tmp_path


def check(measured: Measured, kind: str = "") -> None:
    assert np.array_equal(measured.outputs, X.astype(np.int16) + HIDDEN)
    sections = dict(measured.sections)
    code, bss = sections.pop("code"), sections.pop("bss")
    assert sections == {"weights": 100, "data": 8}
    assert bss == (44 if measured.emulator.startswith("wasmtime") else 40)  # 4 bytes of padding
    assert 20 < code < 400
    assert measured.flash_bytes == code + 100 + 8
    assert measured.state_bytes == 4
    assert measured.static_ram_bytes == 8 + bss + 4
    assert measured.stack_bytes is not None
    if kind in STACK_BYTES:
        assert measured.stack_bytes == STACK_BYTES[kind]


@pytest.mark.parametrize(("name", "compiler"), ALL)
def test_numbers_are_those_of_the_model_alone(tiny: Path, name: str, compiler: str) -> None:
    board = BOARDS[name]
    measured = measure(tiny, board, "speed", X, "step", chain(board, compiler))
    check(measured, board.kind)
    if board.kind in INSTRUCTIONS:
        assert measured.instructions == INSTRUCTIONS[board.kind]


def test_the_host_runs_it_and_counts_nothing(tiny: Path) -> None:
    measured = measure(tiny, BOARDS["host"], "size", X, "step")
    check(measured)
    assert measured.instructions is None
    assert measured.stack_bytes is not None
    assert 400 < measured.stack_bytes < 500


@pytest.mark.parametrize(("name", "compiler"), [one for one in ALL if one[0] != "wasm"])
def test_code_is_the_models_functions(tiny: Path, tmp_path: Path, name: str, compiler: str) -> None:
    image = build(tiny, BOARDS[name], "size", tmp_path, "step", chain(BOARDS[name], compiler))
    functions = elf.symbols(image.path)
    assert "tiny_not_called" not in functions
    padding = image.sections["code"] - functions["tiny_reset"].size - functions["tiny_step"].size
    assert 0 <= padding < 16


@pytest.mark.parametrize("name", ["cortex-m4", "riscv32", "aarch64", "wasm"])
def test_a_sequence_is_its_steps_and_the_same_every_time(tiny: Path, name: str) -> None:
    board = BOARDS[name]
    first, second = (measure(tiny, board, "size", X, "sequence") for _ in range(2))
    check(first)
    assert first.instructions == second.instructions
    if board.kind in INSTRUCTIONS:
        assert first.instructions is not None
        rest = first.instructions - X.shape[1] * INSTRUCTIONS[board.kind]  # reset and the loop
        assert 0 < rest < 120


def test_a_static_user_emulator_runs_but_does_not_count(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "_PROGRAMS", {"linux": ("qemu-aarch64-static",)})
    measured = measure(tiny, BOARDS["aarch64"], "size", X, "step")
    check(measured, "linux")
    assert measured.instructions is None


def test_windows_may_be_longer_than_the_boards_ram_in_step_form(tiny: Path) -> None:
    long = np.zeros((1, 20_000, 1), np.int8)
    board = BOARDS["cortex-m0plus"]
    assert measure(tiny, board, "size", long, "step").outputs.shape == (1, 20_000, 1)
    with pytest.raises(InputError, match="windows do not fit the board's RAM"):
        measure(tiny, board, "size", long, "sequence")


def test_too_large_a_model_is_told_with_its_sections(tiny: Path) -> None:
    source = (tiny / "tiny.c").read_text().replace("weights[100]", "weights[300000]")
    (tiny / "tiny.c").write_text(source)
    with pytest.raises(InputError, match=r"does not fit cortex-m0plus: .* of flash .*weights 300000"):
        measure(tiny, BOARDS["cortex-m0plus"], "size", X, "step")


def test_too_deep_a_stack_is_told(tiny: Path) -> None:
    source = (tiny / "tiny.c").read_text().replace("volatile int32_t bss[10]", "volatile int32_t bss[3680]")
    (tiny / "tiny.c").write_text(source.replace("data[1]];", "data[1]] + deep(*s);") + DEEP)
    (tiny / "tiny.h").write_text((tiny / "tiny.h").read_text() + "\nint deep(tiny_state);\n")
    with pytest.raises((InputError, ExportError), match=r"more stack than there is|took a fault"):
        measure(tiny, BOARDS["cortex-m0plus"], "size", X, "step")


DEEP = """
int deep(tiny_state s)
{
    volatile int8_t room[4000];
    for (int i = 0; i < 4000; i++) {
        room[i] = (int8_t)s.h[0];
    }
    return room[9] * 0;
}
"""


def test_a_broken_source_is_told_in_the_compilers_words(tiny: Path) -> None:
    (tiny / "tiny.c").write_text("#error no such luck\n")
    with pytest.raises(ExportError, match="no such luck"):
        measure(tiny, BOARDS["cortex-m4"], "size", X, "step")


def test_what_is_missing_is_told_with_what_adds_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tiny))
    with pytest.raises(MissingToolError, match="qemu-system-arm is not installed; apt-get install qemu-system-arm"):
        measure(tiny, BOARDS["cortex-m4"], "size", X, "step")
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="no compiler for riscv32; apt-get install gcc-riscv64-unknown-elf"):
        toolchain.find(BOARDS["riscv32"])


@pytest.mark.parametrize(
    ("x", "form", "message"),
    [
        (X.astype(np.int16), "step", r"tiny takes int8 \[windows, steps, 1\], not int16 \[2, 4, 1\]"),
        (X[0], "step", r"not int8 \[4, 1\]"),
    ],
)
def test_windows_that_the_model_does_not_take(tiny: Path, x: np.ndarray, form: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure(tiny, BOARDS["host"], "size", x, form)  # type: ignore[arg-type]


def test_a_model_of_windows_has_no_steps(tiny: Path) -> None:
    model = replace(Interface.of(tiny), window=4)
    with pytest.raises(InputError, match="no step form"):
        model.check(X, "step")
    with pytest.raises(InputError, match="windows of 4 frames, not 3"):
        model.check(X[:, :3], "sequence")


def test_a_board_without_a_gcc_uses_zig() -> None:
    assert [one.name for one in toolchain.candidates(BOARDS["aarch64"])] == ["zig"]
