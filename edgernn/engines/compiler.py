"""A C compiler of this machine: $CC, one on the PATH, or the clang of the `ziglang` package."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from edgernn.errors import ExportError, MissingToolError

ON_PATH = ("cc", "gcc", "clang")
OPTIMISATIONS = (("-O3", "-march=native"), ("-O3",))  # the first that the compiler takes
COMMON = ("-std=c99", "-ffp-contract=off", "-shared", "-fPIC")


@dataclass(frozen=True)
class Compiler:
    """`command` begins a compilation's command line; `version` is the first line of --version."""

    command: tuple[str, ...]
    version: str


def find() -> Compiler:
    """The first compiler that answers.

    Raises MissingToolError when there is none, or when $CC does not name one.
    """
    asked = os.environ.get("CC", "").strip()
    if asked:
        return _named_by_user(asked)
    for command in _candidates():
        if version := _version(command):
            return Compiler(command, version)
    raise MissingToolError("no C compiler found; run `pip install ziglang`, or install gcc or clang")


def fingerprint() -> str:
    """What changes with the compiler that `find` returns, told without running one.

    The commands that it has to choose from, and size and time of their files. A file that is a script may stand
    for another compiler tomorrow, so that it is asked for its version.
    """
    asked = os.environ.get("CC", "").strip()
    commands = [tuple(shlex.split(asked))] if asked else _candidates()
    told = [(command, *map(_identity, command)) for command in commands]
    scripts = [_version(command) for command in commands if any(map(_is_script, command))]
    return repr((told, scripts, metadata.version("ziglang") if find_spec("ziglang") else ""))


def shared_library(compiler: Compiler, sources: Sequence[Path], library: Path, flags: Sequence[str]) -> None:
    """Compile `sources` into the shared library `library`, for this machine's processor where that works.

    Raises ExportError with the compiler's first complaint when it refuses the sources.
    """
    files = ("-o", str(library), *map(str, sources))
    for optimisation in OPTIMISATIONS:
        done = _run((*compiler.command, *optimisation, *COMMON, *flags, *files))
        if done is not None and done.returncode == 0:
            return
    complaint = _first_error(done.stderr) if done else "it does not start"
    raise ExportError(f"{compiler.version} cannot compile the generated C: {complaint}; set CC to another compiler")


def _named_by_user(asked: str) -> Compiler:
    command = tuple(shlex.split(asked))
    version = _version(command)
    if not version:
        raise MissingToolError(f"CC={asked} is no C compiler that runs here; unset CC or correct it")
    return Compiler(command, version)


def _candidates() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [(path,) for name in ON_PATH if (path := shutil.which(name))]
    return [*found, (sys.executable, "-m", "ziglang", "cc")] if find_spec("ziglang") else found


def _identity(word: str) -> tuple[str, int, int]:
    """Path, size and time of the file that a word of a command names; of other words, nothing but the word."""
    path = shutil.which(word)
    if path is None:
        return word, 0, 0
    about = os.stat(path)
    return os.path.realpath(path), about.st_size, about.st_mtime_ns


def _is_script(word: str) -> bool:
    path = shutil.which(word)
    if path is None:
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def _version(command: Sequence[str]) -> str:
    done = _run((*command, "--version"))
    if done is None or done.returncode != 0:
        return ""
    return done.stdout.partition("\n")[0].strip()


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return None


def _first_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "no message")
