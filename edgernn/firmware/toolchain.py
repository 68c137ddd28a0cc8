"""What compiles for a board: its own gcc where that is installed, otherwise zig's clang."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from edgernn.engines import compiler
from edgernn.errors import ExportError, MissingToolError
from edgernn.firmware.boards import Board, Kind

Optimisation = Literal["size", "speed"]

TIMEOUT_S = 600
GCC: dict[Kind, str] = {"arm": "arm-none-eabi-gcc", "riscv": "riscv64-unknown-elf-gcc"}
# Headers of the compiler alone, but calls such as memcpy may still become instructions.
_WITHOUT_LIBRARY = ("-ffreestanding", "-fbuiltin")
_ADDED_BY: dict[Kind, str] = {
    "arm": "apt-get install gcc-arm-none-eabi, or pip install ziglang",
    "riscv": "apt-get install gcc-riscv64-unknown-elf, or pip install ziglang",
}


@dataclass(frozen=True)
class Toolchain:
    """`command` begins every call, `flags` are the board's, `version` is the first line of --version."""

    name: Literal["gcc", "zig", "host"]
    command: tuple[str, ...]
    flags: tuple[str, ...]
    version: str

    def run(self, arguments: Sequence[str], folder: Path) -> None:
        """Run it in `folder`; raises ExportError with its first complaint when it refuses."""
        command = (*self.command, *self.flags, *arguments)
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ExportError(
                f"{self.version} took more than {TIMEOUT_S} s; the model is too large for it"
            ) from None
        if done.returncode:
            raise ExportError(f"{self.version} cannot build the image: {_complaint(done.stderr)}")


def find(board: Board) -> Toolchain:
    """The toolchain for a board; raises MissingToolError, with what would add one, when there is none."""
    found = candidates(board)
    if not found:
        added = _ADDED_BY.get(board.kind, "pip install ziglang")
        raise MissingToolError(f"no compiler for {board.name}; {added} adds one")
    return found[0]


def candidates(board: Board) -> list[Toolchain]:
    """All toolchains for a board that are installed, the preferred one first.

    Raises MissingToolError when there is no compiler for this machine.
    """
    if board.kind == "host":
        own = compiler.find()
        return [Toolchain("host", own.command, _native(own.command), own.version)]
    found = []
    if board.gcc and (gcc := shutil.which(GCC[board.kind])):
        found.append(Toolchain("gcc", (gcc,), (*board.gcc, *_WITHOUT_LIBRARY), _version((gcc,))))
    if board.zig and (zig := _zig()):
        found.append(Toolchain("zig", zig, board.zig, f"zig's {_version(zig)}"))
    return found


def _zig() -> tuple[str, ...]:
    """The program in the package `ziglang`, without the Python process that `python -m ziglang` is; () if none."""
    package = find_spec("ziglang")
    folders = package.submodule_search_locations if package else None
    return (str(Path(folders[0]) / "zig"), "cc") if folders else ()


@cache
def _version(command: tuple[str, ...]) -> str:
    done = subprocess.run((*command, "--version"), capture_output=True, text=True, errors="replace", check=False)
    return done.stdout.partition("\n")[0].strip()


@cache
def _native(command: tuple[str, ...]) -> tuple[str, ...]:
    """The flag for this very processor, where the compiler knows it."""
    flag = "-march=native"
    probe = (*command, flag, "-E", "-x", "c", "-")
    known = subprocess.run(probe, input=b"", capture_output=True, check=False).returncode == 0
    return (flag,) if known else ()


def _complaint(stderr: str) -> str:
    """What the compiler or linker said first; gcc's driver only tells that the linker has failed."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("collect2:")]
    return next(
        (line for line in lines if "error" in line or "undefined" in line), lines[0] if lines else "no message"
    )
