"""Compiling C for the vector paths of the kernels: the flags that choose a path, and which of them run here."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from edgernn.targets.c.kernels import RUNTIME

KERNELS = sorted(RUNTIME.glob("ernn_*.c"))


class VectorPath(NamedTuple):
    """`needs` are features of the processor, as /proc/cpuinfo names them."""

    flags: tuple[str, ...]
    needs: frozenset[str] = frozenset()


_X86: Mapping[str, VectorPath] = {
    "sse2": VectorPath(()),
    "avx2": VectorPath(("-mavx2",), frozenset({"avx2"})),
    "avx-vnni": VectorPath(("-mavx2", "-mavxvnni"), frozenset({"avx2", "avx_vnni"})),
    "avx512": VectorPath(
        ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni"),
        frozenset({"avx512f", "avx512bw", "avx512vl", "avx512_vnni"}),
    ),
}
PATHS: Mapping[str, VectorPath] = {
    "portable": VectorPath(("-DERNN_PORTABLE",)),
    **(_X86 if platform.machine() == "x86_64" else {}),
}
"""What a compiler for this machine compiles."""


def _features() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":")[1] for line in lines if line.startswith("flags")), "").split())


HERE: Mapping[str, VectorPath] = {name: path for name, path in PATHS.items() if path.needs <= _features()}
"""What this machine runs."""


def compiled(command: Sequence[str], sources: Iterable[Path], folder: Path) -> list[Path]:
    """The objects of `sources`, in `folder`, by a compiler with its flags.

    Raises AssertionError with what the compiler says, if it says anything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [str(source.resolve()) for source in sources]
    with ThreadPoolExecutor(2) as pool:
        halves = filter(None, (files[::2], files[1::2]))
        list(pool.map(lambda half: _compile([*command, "-c", *half], folder), halves))
    return [folder / f"{Path(file).stem}.o" for file in files]


def _compile(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[:2000]
