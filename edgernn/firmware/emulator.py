"""The emulators: QEMU for processors, with a plugin that counts instructions, and plain processes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from edgernn.engines import compiler
from edgernn.errors import ExportError, InputError, MissingToolError
from edgernn.firmware import elf
from edgernn.firmware.boards import Board, Kind
from edgernn.firmware.image import Image

TIMEOUT_S = 1800
_PLUGIN = Path(__file__).with_name("count.c")
_SYSTEM = ("-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config", "enable=on,target=native")
# The user emulator that is linked dynamically loads plugins, the static one cannot.
_PROGRAMS: dict[Kind, tuple[str, ...]] = {
    "arm": ("qemu-system-arm",),
    "riscv": ("qemu-system-riscv32",),
    "linux": ("qemu-aarch64", "qemu-aarch64-static"),
}
_PACKAGES: dict[Kind, str] = {"arm": "qemu-system-arm", "riscv": "qemu-system-misc", "linux": "qemu-user"}
_SAID = {  # exit codes of harness.h
    10: "it cannot read its input",
    11: "it cannot write its output",
    12: "its windows do not fit the board's RAM; take shorter windows, or step form",
    13: "the model needs more stack than there is",
    14: "the processor took a fault",
}
_TOO_LARGE = (12, 13)


@dataclass(frozen=True)
class Emulator:
    """`command` begins its command line; `version` says what it is; `counts` whether it takes plugins."""

    command: tuple[str, ...]
    version: str
    counts: bool


@dataclass(frozen=True)
class Ran:
    """The output file of harness.c, and the instructions of every inference where the emulator counts them."""

    output: bytes
    instructions: tuple[int, ...] | None


def find(board: Board) -> Emulator:
    """What runs images of the board; raises MissingToolError, with the package that adds it, when it is missing."""
    if board.kind == "host":
        return Emulator((), "this machine", False)
    for program in _PROGRAMS[board.kind]:
        if path := shutil.which(program):
            return _emulator(program, path)
    package = _PACKAGES[board.kind]
    raise MissingToolError(f"{_PROGRAMS[board.kind][0]} is not installed; apt-get install {package} adds it")


def run(image: Image, frames: bytes, folder: Path) -> Ran:
    """Run an image in `folder` on an input file of harness.c.

    Raises InputError when the model is too large for the board, MissingToolError without the emulator and
    ExportError when the image crashes or does not end.
    """
    emulator = find(image.board)
    (folder / "input").write_bytes(frames)
    counting = _counting(image, emulator, folder)
    _check(image, (*emulator.command, *_machine(image.board), *counting, *_image(image)), folder)
    counts = np.fromfile(folder / "counts", np.uint64) if counting else None
    return Ran((folder / "output").read_bytes(), None if counts is None else tuple(map(int, counts)))


def _machine(board: Board) -> tuple[str, ...]:
    match board.kind:
        case "arm":
            return ("-M", board.machine, *_SYSTEM)
        case "riscv":
            return ("-M", board.machine, *_SYSTEM, "-bios", "none")
        case "linux":
            return ("-cpu", board.machine)
        case _:
            return ()


def _image(image: Image) -> tuple[str, ...]:
    if image.board.memory:
        return ("-kernel", str(image.path))
    return (str(image.path), "input", "output")


def _check(image: Image, command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ExportError(f"the image for {image.board.name} did not end within {TIMEOUT_S} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        reason = _SAID.get(done.returncode, said[-1])
        kind = InputError if done.returncode in _TOO_LARGE else ExportError
        raise kind(f"the image for {image.board.name} failed: {reason}")


def _counting(image: Image, emulator: Emulator, folder: Path) -> tuple[str, ...]:
    """The options that count instructions, () where that cannot be."""
    plugin = _plugin(emulator.version) if emulator.counts else None
    if plugin is None:
        return ()
    (folder / "count.so").write_bytes(plugin)
    at = elf.symbols(image.path)
    inference = at["harness_infer"]
    addresses = {
        "before": at["harness_before"].address,
        "after": at["harness_after"].address,
        "low": inference.address,
        "high": inference.address + inference.size,
    }
    listed = ",".join(f"{name}={address}" for name, address in addresses.items())
    return ("-plugin", f"{folder / 'count.so'},{listed},to={folder / 'counts'}")


@cache
def _plugin(version: str) -> bytes | None:
    """The plugin, compiled once a process; None without a compiler for this machine."""
    major = int(version.split()[1].partition(".")[0])
    interface = 1 if major < 9 else 2  # QEMU 9.0 takes 2 and newer
    try:
        own = compiler.find()
    except MissingToolError:
        return None
    with tempfile.TemporaryDirectory(prefix="edgernn-plugin-") as folder:
        path = Path(folder) / "count.so"
        compiler.shared_library(own, [_PLUGIN], path, (f"-DPLUGIN_VERSION={interface}",))
        return path.read_bytes()


@cache
def _emulator(program: str, path: str) -> Emulator:
    version = _said(path, "--version").partition("version ")[2].split()[0]
    return Emulator((path,), f"{program} {version}", "-plugin" in _said(path, "--help"))


def _said(path: str, option: str) -> str:
    return subprocess.run((path, option), capture_output=True, text=True, errors="replace", check=False).stdout
