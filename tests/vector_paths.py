"""Builds of the runtime for every vector path of this machine, and what tests of products have in common."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import edgernn
from edgernn.engines import compiler
from edgernn.errors import MissingToolError

KERNELS = sorted((Path(edgernn.__file__).parent / "runtime").glob("ernn_*.c"))
TRAPS = ["-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"]
HIGH_WORD = 32  # what a kernel's product loses of its 64 bits, before the row's shift


def native_macros() -> frozenset[str]:
    """What the compiler defines for this machine's processor; nothing where it cannot build for that."""
    try:
        command = [*compiler.find().command, "-march=native", "-dM", "-E", "-x", "c", "/dev/null"]
    except MissingToolError:
        return frozenset()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return frozenset(line.split()[1] for line in done.stdout.splitlines() if line.startswith("#define "))


def paths() -> dict[str, list[str]]:
    """The compiler's flags for each path, `native` the one that it takes by itself."""
    macros = native_macros()
    found = {"portable": ["-DERNN_PORTABLE"], "native": []}
    if "__AVX2__" in macros:
        found["sse2"] = ["-march=x86-64"]
    if {"__AVX512F__", "__AVX2__"} <= macros:
        found["avx2"] = ["-mno-avx512f"]
    return found


def builds() -> dict[str, list[str]]:
    """Every path plain and with traps for undefined behaviour; with fused multiply-adds, the portable one."""
    found = {name: ["-ffp-contract=off", *flags] for name, flags in paths().items()}
    found |= {f"{name}, undefined": [*TRAPS, *flags] for name, flags in paths().items()}
    return found | {"portable, fused": ["-ffp-contract=fast", "-DERNN_PORTABLE"]}


@functools.cache
def library(name: str) -> ctypes.CDLL:
    """All kernels by the flags of `builds`, compiled as one file: that takes a third of the time."""
    with tempfile.TemporaryDirectory() as folder:
        source, shared = Path(folder, "all.c"), Path(folder, "runtime.so")
        own_tables = (f'#define table {kernel.stem}_own\n#include "{kernel}"\n#undef table\n' for kernel in KERNELS)
        source.write_text("".join(own_tables), "utf-8")
        compiler.shared_library(compiler.find(), [source], shared, builds()[name])
        return ctypes.CDLL(str(shared))  # which stays when the file is gone


def product(
    runtime: ctypes.CDLL, kernel: str, bias: np.ndarray, weight: np.ndarray
) -> tuple[Callable[..., None], np.ndarray]:
    """A kernel for products, by the name that its path gives it, and the biases that it wants."""
    offset = kernel.replace("ernn_", "ernn_offset_", 1)
    if not hasattr(runtime, offset):
        return getattr(runtime, kernel), bias
    return getattr(runtime, offset), bias - 128 * weight.astype(np.int64).sum(axis=1)


def lifted(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Multipliers, shifts and `left` of the struct; `factors` are [rows, 2]: multiplier and shift, 1 .. 62."""
    multiplier, shift = factors.astype(np.int64).T
    left = max(0, HIGH_WORD + 1 - int(shift[multiplier > 0].min(initial=HIGH_WORD + 1)))
    down = shift + left - HIGH_WORD
    vanishing = (multiplier == 0) | (down > 31)
    return (
        np.where(vanishing, 0, multiplier).astype(np.int32),
        np.where(vanishing, 1, down).astype(np.uint8),
        left,
    )


def random_factors(rng: np.random.Generator, rows: int) -> np.ndarray:
    """[rows, 2]: as `fixed_point.multiplier` makes them, so near each other that one `left` serves all."""
    low = int(rng.integers(3, 52))
    multiplier = rng.integers(2**30, 2**31, rows) * (rng.random(rows) > 0.05)
    return np.stack([multiplier, low + rng.integers(0, 11, rows)], axis=1)
