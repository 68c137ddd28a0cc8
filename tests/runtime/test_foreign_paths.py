"""The vector paths of Arm and WebAssembly: `paths.c`, cross-compiled and emulated, against the portable code."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

import edgernn
from edgernn.engines import compiler

pytestmark = pytest.mark.board

PACKAGE = Path(edgernn.__file__).parent
RUNTIME = PACKAGE / "runtime"
PROGRAM = Path(__file__).with_name("paths.c")
MEMORY = PACKAGE / "firmware" / "memory.c"  # what the compiler calls where there is no C library
ACTIVATIONS = ("sigmoid_s16", "sigmoid_table", "tanh_s16", "tanh_table")
KERNELS = [
    *sorted(RUNTIME.glob("ernn_matvec_*.c")),
    *(RUNTIME / f"ernn_{name}.c" for name in ("gru_s16", "lstm_s16", "requantize_s16_s8", *ACTIVATIONS)),
]
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", f"-I{RUNTIME}")
BARE = ("-O2", "-ffreestanding", "-nostdlib", "-static")
TRAPS = ("-fsanitize=undefined", "-fsanitize-trap=undefined")  # undefined behaviour ends the program
WASM = ("-target", "wasm32-freestanding", "-mcpu=generic+simd128", "-Wl,--no-entry", "-Wl,--export=run_paths")
LARGEST_TEXT = 1 << 17


@dataclass(frozen=True)
class Arm:
    """`cpu` is the compiler's, `emulated` QEMU's; `macros` are defined where the path is the one that is meant."""

    target: str
    cpu: str
    emulator: str
    emulated: str
    macros: frozenset[str]


A64 = ("aarch64-freestanding-none", "qemu-aarch64")
NEON, DOTPROD, I8MM = "ERNN_NEON", "__ARM_FEATURE_DOTPROD", "__ARM_FEATURE_MATMUL_INT8"
ARMS = {
    "64-bit": Arm(A64[0], "cortex_a53", A64[1], "cortex-a53", frozenset({NEON})),
    "dot product": Arm(A64[0], "cortex_a76", A64[1], "cortex-a76", frozenset({NEON, DOTPROD})),
    # the emulator has no single processor with this extension and without SVE
    "int8 matrices": Arm(
        A64[0], "cortex_a76+i8mm", A64[1], "max,sve=off,pauth=off", frozenset({NEON, DOTPROD, I8MM})
    ),
    "32-bit": Arm("arm-freestanding-eabihf", "cortex_a7", "qemu-arm", "cortex-a7", frozenset({NEON})),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files as one, which compiles in a third of the time."""
    path = tmp_path_factory.mktemp("source") / "all.c"
    path.write_text("".join(f'#include "{file}"\n' for file in (*KERNELS, PROGRAM)), "utf-8")
    return path


@pytest.fixture(scope="module")
def portable(source: Path) -> list[str]:
    """What the portable code computes on this machine, a line for each case."""
    program = source.with_name("portable")
    own = (*compiler.find().command, *STRICT, "-D_DEFAULT_SOURCE", "-DERNN_PORTABLE", "-O1")
    subprocess.run([*own, str(source), "-o", str(program)], check=True)
    lines = _output(str(program))
    assert len(lines) == len(set(lines)) > 1000
    return lines


@pytest.mark.parametrize("name", ARMS)
def test_neon(name: str, source: Path, portable: list[str], tmp_path: Path) -> None:
    arm = ARMS[name]
    target = ("-target", arm.target, f"-mcpu={arm.cpu}")
    assert _macros(target) == arm.macros
    _build(source, (*target, *TRAPS), tmp_path / "program")
    assert _output(_emulator(arm.emulator), "-cpu", arm.emulated, str(tmp_path / "program")) == portable


def test_wasm(source: Path, portable: list[str], tmp_path: Path) -> None:
    wasmtime = pytest.importorskip("wasmtime")
    assert _macros(WASM[:3]) == {"ERNN_WASM"}
    _build(source, (*WASM, *TRAPS), tmp_path / "program.wasm")
    store = wasmtime.Store()
    module = wasmtime.Module.from_file(store.engine, str(tmp_path / "program.wasm"))
    exports = wasmtime.Instance(store, module, []).exports(store)
    begin = exports["run_paths"](store)
    text = exports["memory"].read(store, begin, begin + LARGEST_TEXT)
    assert bytes(text).partition(b"\0")[0].decode().splitlines() == portable


def _zig() -> tuple[str, ...]:
    """The program itself, without the Python process that `python -m ziglang` is."""
    package = find_spec("ziglang")
    if package is None or not package.submodule_search_locations:
        pytest.skip("ziglang is not installed")
    return str(Path(package.submodule_search_locations[0]) / "zig"), "cc"


def _emulator(name: str) -> str:
    found = shutil.which(name) or shutil.which(f"{name}-static")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _macros(target: tuple[str, ...]) -> set[str]:
    """Which of the macros that choose a path are defined for the target."""
    command = [*_zig(), *target, "-E", "-dM", str(RUNTIME / "edgernn_paths.h")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    defined = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("#define ")}
    return defined & {NEON, DOTPROD, I8MM, "ERNN_WASM", "ERNN_DSP", "ERNN_PORTABLE"}


def _build(source: Path, flags: tuple[str, ...], program: Path) -> None:
    command = [*_zig(), *flags, *STRICT, *BARE, str(source), str(MEMORY), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _output(*command: str) -> list[str]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()
