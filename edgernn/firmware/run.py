"""A model on a board: its outputs, instructions, flash, RAM and stack."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

import numpy as np

from edgernn.errors import ExportError
from edgernn.firmware import emulator, wasm
from edgernn.firmware.boards import Board
from edgernn.firmware.image import build, check_fit
from edgernn.firmware.interface import Interface
from edgernn.firmware.toolchain import Optimisation, Toolchain
from edgernn.network import Form


@dataclass(frozen=True, eq=False)
class Measured:
    """What a board computed, and what it took.

    `outputs` are int16 [windows, results, outputs]: in step form a result a step, in sequence form a result a
    step of a network that gives every step, or what a window gives, mostly one. `instructions` are those of one
    inference, a step or a window, the median over all of them; None where the emulator cannot count. Those of
    wasm are WebAssembly's, see `wasm.run`. Bytes are of the model and its kernels alone: `flash_bytes` is code,
    weights and data; `static_ram_bytes` is data, bss and the state; `stack_bytes` is the deepest stack of the
    model's functions; for wasm it is the part that lies in memory.
    """

    outputs: np.ndarray
    instructions: int | None
    stack_bytes: int | None
    static_ram_bytes: int
    flash_bytes: int
    sections: Mapping[str, int]
    state_bytes: int
    emulator: str
    compiler: str


def measure(
    sources: Path,
    board: Board,
    optimisation: Optimisation,
    x: np.ndarray,
    form: Form,
    toolchain: Toolchain | None = None,
) -> Measured:
    """Build the C folder `sources` for a board and run it on the quantised windows `x` [windows, steps, inputs].

    Every window is a stream of its own. Nothing is left behind. Raises MissingToolError, with the package that adds
    it, without a compiler or an emulator; InputError when the model does not take such windows or the board cannot
    hold it; ExportError when the compiler refuses the sources, or the image fails.
    """
    model = Interface.of(sources)
    model.check(x, form)
    version = emulator_version(board)
    with tempfile.TemporaryDirectory(prefix="edgernn-image-") as name:
        folder = Path(name)
        image = build(sources, board, optimisation, folder, form, toolchain)
        check_fit(image)
        ran = wasm.run(image, model, x) if board.kind == "wasm" else emulator.run(image, input_file(x), folder)
    outputs, stack = _results(ran, model, x, form)
    return Measured(
        outputs,
        median_low(ran.instructions) if ran.instructions else None,
        stack,
        image.ram_bytes + model.state_bytes,
        image.flash_bytes,
        image.sections,
        model.state_bytes,
        version,
        image.compiler,
    )


def emulator_version(board: Board) -> str:
    """What runs the board's images, name and version.

    Raises MissingToolError, with the package that adds it, when it is not installed.
    """
    return wasm.version() if board.kind == "wasm" else emulator.find(board).version


def input_file(x: np.ndarray) -> bytes:
    """What an image reads (see harness.c): uint32 windows and steps, then `x` [windows, steps, inputs]."""
    return np.array(x.shape[:2], np.uint32).tobytes() + np.ascontiguousarray(x).tobytes()


def _results(ran: emulator.Ran, model: Interface, x: np.ndarray, form: Form) -> tuple[np.ndarray, int]:
    """The outputs and the deepest stack; raises ExportError when the image gave another number than it should."""
    windows, steps, _ = x.shape
    shape = (windows, model.results(steps, form), model.outputs)
    expected = 2 * int(np.prod(shape)) + 4
    calls = windows * (steps if form == "step" else 1)
    if len(ran.output) != expected:
        raise ExportError(f"the image gave {len(ran.output)} bytes of output, not {expected}")
    if ran.instructions is not None and len(ran.instructions) != calls:
        raise ExportError(f"the emulator counted {len(ran.instructions)} inferences, not {calls}")
    outputs = np.frombuffer(ran.output[:-4], np.int16).reshape(shape).copy()
    return outputs, int(np.frombuffer(ran.output[-4:], np.uint32)[0])
