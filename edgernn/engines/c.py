"""Generated C on this machine: compiled by the compiler that is there, loaded into this process."""

from __future__ import annotations

import ctypes
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from edgernn.engines import compiler
from edgernn.errors import MissingToolError
from edgernn.network import Form, Precision
from edgernn.targets import c as target

TARGET = "c"
_DRIVER = Path(__file__).with_name("c_driver.c")
_FUNCTIONS = {  # of the driver: the number of sizes that follow the two pointers
    "driver_quantize": 1,
    "driver_dequantize": 1,
    "driver_steps": 2,
    "driver_sequences": 2,
}


def version() -> str:
    """What the compiler says of itself; raises MissingToolError when there is none."""
    return compiler.find().version


def refusal(form: Form, precision: Precision) -> str:
    return ""


def open(path: Path, form: Form, threads: int) -> CSession:
    """Compile and load the folder `path`. The generated C runs in one thread, whatever `threads` is.

    Raises MissingToolError without a C compiler for this machine.
    """
    return CSession(_library(target.model_name(path), _sources(path), compiler.find()), form)


class CSession:
    """A compiled model; see `edgernn.engines.Session`. One `invoke` makes `per_invoke` inferences."""

    def __init__(self, library: ctypes.CDLL, form: Form) -> None:
        self._library = library
        self._form = form
        self._run = library.driver_steps if form == "step" else library.driver_sequences
        self._inputs = _constant(library, "driver_inputs")
        self._outputs = _constant(library, "driver_outputs")
        self.per_invoke = 1

    @property
    def memory(self) -> dict[str, int | None]:
        return {
            "state_bytes": _constant(self._library, "driver_state_bytes"),
            "scratch_bytes": _constant(self._library, "driver_scratch_bytes"),
            "arena_bytes": None,
        }

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        """Real outputs, float32, for raw frames [windows, steps, inputs]."""
        integers = self.integer_outputs(frames)
        real = np.empty(integers.shape, np.float32)
        self._library.driver_dequantize(_pointer(integers), _pointer(real), integers.size // self._outputs)
        return real

    def integer_outputs(self, frames: np.ndarray) -> np.ndarray:
        """The model's own outputs, int16 [windows, (steps in step form,) outputs], for raw frames."""
        x = self.quantize(frames)
        windows, steps, _ = x.shape
        rows = (windows, steps) if self._form == "step" else (windows,)
        y = np.empty((*rows, self._outputs), np.int16)
        self._run(_pointer(x), _pointer(y), windows, steps)
        return y

    def quantize(self, frames: np.ndarray) -> np.ndarray:
        """Raw frames [..., inputs] as the model's input, int8."""
        raw = np.ascontiguousarray(frames, np.float32)
        x = np.empty(raw.shape, np.int8)
        self._library.driver_quantize(_pointer(raw), _pointer(x), raw.size // self._inputs)
        return x

    def prepare(self, frames: np.ndarray) -> None:
        """Set the input of `invoke`: the window [steps, inputs].

        A step takes about as long as a call from Python, so that step form goes through the whole window.
        """
        x = self.quantize(frames)
        steps = len(x)
        self.per_invoke = steps if self._form == "step" else 1
        self.prepared_outputs = np.zeros((self.per_invoke, self._outputs), np.int16)
        self._x = x  # keeps the memory that the pointer shows
        sizes = ctypes.c_size_t(1), ctypes.c_size_t(steps)
        self._arguments = (_pointer(x), _pointer(self.prepared_outputs), *sizes)

    def invoke(self) -> None:
        """`per_invoke` inferences on the prepared input, one window or its steps as a stream.

        What they give is in `prepared_outputs`, int16 [per_invoke, outputs].
        """
        self._run(*self._arguments)


def _sources(path: Path) -> tuple[tuple[str, str], ...]:
    files = sorted(file for file in path.iterdir() if file.suffix in {".c", ".h"})
    return tuple((file.name, file.read_text("utf-8")) for file in files)


@cache
def _library(name: str, sources: tuple[tuple[str, str], ...], cc: compiler.Compiler) -> ctypes.CDLL:
    """The model's library, compiled once a process for the same sources; no file stays behind."""
    with tempfile.TemporaryDirectory(prefix="edgernn-c-") as folder:
        for file, text in sources:
            (Path(folder) / file).write_text(text, "utf-8")
        built = Path(folder) / f"{name}.so"
        flags = (f"-I{folder}", f'-DHEADER="{name}.h"', *_macros(name))
        compiler.shared_library(cc, [*sorted(Path(folder).glob("*.c")), _DRIVER], built, flags)
        try:
            library = ctypes.CDLL(str(built))
        except OSError:
            raise MissingToolError(f"{cc.version} compiles for another machine; unset CC or correct it") from None
    for function, sizes in _FUNCTIONS.items():
        getattr(library, function).restype = None
        getattr(library, function).argtypes = (ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_size_t] * sizes)
    return library


def _macros(name: str) -> tuple[str, str]:
    return f"-DMODEL(suffix)={name}##suffix", f"-DSIZE(suffix)={name.upper()}##suffix"


def _constant(library: ctypes.CDLL, name: str) -> int:
    return ctypes.c_size_t.in_dll(library, name).value


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
