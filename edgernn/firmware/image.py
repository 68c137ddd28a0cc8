"""An image of a model for a board: compiled, linked, and its bytes by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from string import Template

from edgernn.errors import InputError
from edgernn.firmware import elf, wasm_module
from edgernn.firmware import toolchain as toolchains
from edgernn.firmware.boards import Board
from edgernn.firmware.interface import Interface
from edgernn.firmware.toolchain import Optimisation, Toolchain
from edgernn.network import Form

LEAST_STACK_BYTES = 1024  # as in semihosting.c
SECTIONS = ("code", "weights", "data", "bss")

_HERE = Path(__file__).parent
_LEVEL = {"size": "-Os", "speed": "-O3"}
_COMMON = ("-ffunction-sections", "-fdata-sections", "-fno-stack-protector", "-w")
_NO_UNWINDING = ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
_HARNESS = ("-std=gnu11", "-O2")
_MEMORY = {"size": ("-std=gnu11", "-fno-builtin", "-Os"), "speed": ("-std=gnu11", "-fno-builtin", "-O2")}
_MACHINE_FILES = {"arm": ("semihosting", "start"), "riscv": ("semihosting", "start")}


@dataclass(frozen=True)
class Image:
    """A linked image; `sections` has the bytes of the model and its kernels and of nothing else.

    `code` and `weights` (constants) lie in flash, `data` in flash and RAM, `bss` in RAM. `compiler` is the first
    line of its --version.
    """

    path: Path
    board: Board
    optimisation: Optimisation
    form: Form
    compiler: str
    sections: Mapping[str, int]

    @property
    def flash_bytes(self) -> int:
        return self.sections["code"] + self.sections["weights"] + self.sections["data"]

    @property
    def ram_bytes(self) -> int:
        """What lies in RAM whether the model runs or not, without the state, which is the caller's."""
        return self.sections["data"] + self.sections["bss"]


def build(
    sources: Path,
    board: Board,
    optimisation: Optimisation,
    folder: Path,
    form: Form = "step",
    toolchain: Toolchain | None = None,
) -> Image:
    """Build the C folder `sources` into an image in `folder` that calls reset and step, or sequence.

    Kernels and functions that it does not call are not in it. An image is built whether or not the board can hold
    it: `check_fit` tells. Raises MissingToolError, with the package that adds it, without a compiler for the board
    and ExportError with the compiler's first complaint when it refuses the sources.
    """
    chain = toolchain or toolchains.find(board)
    model = Interface.of(sources)
    compile_ = _Compilation(chain, sources.resolve(), folder, model, form)
    jobs = [*_model(sources, board, optimisation), *_harness(board)]
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_, jobs))
    path = _link(chain, board, folder, objects, model, form)
    sections = wasm_module.sections(path) if board.kind == "wasm" else _sections(path)
    return Image(path, board, optimisation, form, chain.version, sections)


def check_fit(image: Image) -> None:
    """Raises InputError, with the bytes by section, when the board's emulated machine cannot hold the image."""
    memory = image.board.memory
    if memory is None:
        return
    at = elf.symbols(image.path)
    initial = at["harness_data_end"].address - at["harness_data"].address
    flash = at["harness_data_from"].address + initial - memory.flash
    ram = at["harness_free"].address - memory.ram + LEAST_STACK_BYTES
    for name, needed, there in (("flash", flash, memory.flash_bytes), ("RAM", ram, memory.ram_bytes)):
        if needed > there:
            listed = ", ".join(f"{section} {size}" for section, size in image.sections.items())
            raise InputError(
                f"the model does not fit {image.board.name}: with its harness it takes {needed} bytes of {name} "
                f"and there are {there} (of the model: {listed}); make it smaller or choose another board"
            )


@dataclass(frozen=True)
class _Job:
    source: Path
    result: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class _Compilation:
    """Compiles one file after another for one model, form and toolchain."""

    chain: Toolchain
    sources: Path
    folder: Path
    model: Interface
    form: Form

    def __call__(self, job: _Job) -> str:
        name = self.model.name
        macros = (
            f'-DHEADER="{name}.h"',
            f"-DMODEL(suffix)={name}##suffix",
            f"-DSIZE(suffix)={name.upper()}##suffix",
            f"-DSTEP_FORM={int(self.form == 'step')}",
        )
        arguments = (*_COMMON, *job.flags, *macros, f"-I{self.sources}", "-c", str(job.source), "-o", job.result)
        self.chain.run(arguments, self.folder)
        return job.result


def _model(sources: Path, board: Board, optimisation: Optimisation) -> list[_Job]:
    """The model's files; object names tell the linker scripts which are the model's."""
    flags = ("-std=c99", _LEVEL[optimisation], *_NO_UNWINDING)
    files = sorted(sources.resolve().glob("*.c"))
    jobs = [_Job(file, f"model_{index}.o", flags) for index, file in enumerate(files)]
    if board.kind in ("linux", "host"):
        return jobs
    memory = _Job(_HERE / "memory.c", "memory.o", (*_MEMORY[optimisation], *_NO_UNWINDING))
    return [*jobs, memory]


def _harness(board: Board) -> list[_Job]:
    if board.kind == "wasm":
        return []
    files = ("harness", *_MACHINE_FILES.get(board.kind, ("process",)))
    return [_Job(_HERE / f"{name}.c", f"harness_{name}.o", (*_HARNESS, *_NO_UNWINDING)) for name in files]


def _link(
    chain: Toolchain, board: Board, folder: Path, objects: Sequence[str], model: Interface, form: Form
) -> Path:
    if board.kind == "wasm":
        return wasm_module.link(chain, folder, objects, model, form)
    script = folder / "image.ld"
    if board.memory:
        text = (_HERE / "microcontroller.ld").read_text("utf-8")
        script.write_text(Template(text).substitute(vars(board.memory)), "utf-8")
        flags: tuple[str, ...] = ("-nostartfiles", "-Wl,--entry=harness_reset")
        flags += ("-nostdlib", "-lgcc") if chain.name == "gcc" else ()
    else:
        script.write_text((_HERE / "process.ld").read_text("utf-8"), "utf-8")
        flags = ()
    chain.run((*objects, "-Wl,--gc-sections", f"-Wl,-T,{script.name}", *flags, "-o", "image.elf"), folder)
    return folder / "image.elf"


def _sections(path: Path) -> dict[str, int]:
    found = elf.sections(path)
    return {name: found[f".model.{name}"].size if f".model.{name}" in found else 0 for name in SECTIONS}
