"""Generated C on this machine, as an engine that verify and benchmark measure."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgernn.engines import compiler
from edgernn.engines.c_library import constant, model_name, open_library
from edgernn.engines.trace import Trace
from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.network import Form, Precision

TARGET = "c"


def version() -> str:
    """What the compiler says of itself; raises MissingToolError when there is none."""
    return compiler.find().version


def refusal(form: Form, precision: Precision) -> str:
    return ""


def open(path: Path, form: Form, threads: int) -> CSession:
    """Compile and load the folder `path`. The generated C runs in one thread, whatever `threads` is.

    Raises MissingToolError without a C compiler for this machine, InputError for a form that the model has not.
    """
    library = open_library(path)
    if form == "step" and constant(library, "driver_window"):
        raise InputError(f"{path} takes whole windows only: it has a sequence form and no step form")
    return CSession(library, form, path / f"{model_name(path)}.h")


class CSession:
    """A compiled model; see `edgernn.engines.Session`. One `invoke` makes `per_invoke` inferences."""

    def __init__(self, library: ctypes.CDLL, form: Form, header: Path) -> None:
        self._library = library
        self._form = form
        self._header = header
        self._run = library.driver_steps if form == "step" else library.driver_sequences
        self._inputs = constant(library, "driver_inputs")
        self._outputs = constant(library, "driver_outputs")
        self._every_step = form == "step" or bool(constant(library, "driver_every_step"))
        self._input_type = np.dtype(f"i{constant(library, 'driver_input_bytes')}")
        self.per_invoke = 1

    @property
    def memory(self) -> dict[str, int | None]:
        return {
            "state_bytes": constant(self._library, "driver_state_bytes"),
            "scratch_bytes": constant(self._library, "driver_scratch_bytes"),
            "arena_bytes": None,
        }

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        """Real outputs, float32, for raw frames [windows, steps, inputs]."""
        return self._dequantized(self.integer_outputs(frames))

    def trace(self, frames: np.ndarray, at: Sequence[int]) -> Trace:
        from edgernn.engines import c_state  # only a trace needs what it imports

        members = c_state.members(self._header.read_text("utf-8"))
        x, steps = self.quantize(frames), np.array(at, np.uintp)
        y = np.empty((*x.shape[:2], self._outputs), np.int16)
        seen = np.empty((len(x), len(at)), self._checked(c_state.layout(members)))
        for stream, outputs, states in zip(x, y, seen, strict=True):
            pointers = map(_pointer, (stream, outputs, steps, states))
            self._library.driver_trace(*pointers, len(stream), len(at))
        real = {one.name: one.qtype.dequantize(seen[one.name]).astype(np.float32) for one in members}
        return Trace(self._dequantized(y), real if len(at) else {})

    def integer_outputs(self, frames: np.ndarray) -> np.ndarray:
        """The model's own outputs, int16, for raw frames: [windows, outputs], or those of all steps.

        [windows, steps, outputs] are those of step form, and of a network that gives every step.
        """
        x = self.quantize(frames)
        windows, steps, _ = x.shape
        y = np.empty((windows, self._results(steps), self._outputs), np.int16)
        self._run(_pointer(x), _pointer(y), windows, steps)
        return y if self._every_step else y[:, 0]

    def quantize(self, frames: np.ndarray) -> np.ndarray:
        """Raw frames [..., frames, channels] as the model's input, [..., steps, inputs] in its integer type.

        Raises InputError where it takes windows of another length.
        """
        count, channels = frames.shape[-2:]
        window = constant(self._library, "driver_window")
        if window and count != window:
            raise InputError(f"the model takes windows of {window} frames, not {count}")
        steps = count * channels // self._inputs  # of several frames in a strided network
        raw = np.ascontiguousarray(frames[..., : steps * self._inputs // channels, :], np.float32)
        x = np.empty((*raw.shape[:-2], steps, self._inputs), self._input_type)
        self._library.driver_quantize(_pointer(raw), _pointer(x), x.size // self._inputs)
        return x

    def _results(self, steps: int) -> int:
        """How many outputs so many steps give."""
        return constant(self._library, "driver_results") or (steps if self._every_step else 1)

    def _dequantized(self, integers: np.ndarray) -> np.ndarray:
        """Outputs [..., outputs] as real numbers, float32."""
        real = np.empty(integers.shape, np.float32)
        self._library.driver_dequantize(_pointer(integers), _pointer(real), integers.size // self._outputs)
        return real

    def _checked(self, layout: np.dtype) -> np.dtype:
        """The layout of the model's state; InputError where the header tells another than the compiler."""
        if layout.itemsize != constant(self._library, "driver_state_size"):
            raise InputError("the generated header tells its state struct wrong; build it again")
        return layout

    def prepare(self, frames: np.ndarray) -> None:
        """Set the input of `invoke`: the window [frames, channels].

        A step takes about as long as a call from Python, so that step form goes through the whole window.
        """
        x = self.quantize(frames)
        steps = len(x)
        self.per_invoke = steps if self._form == "step" else 1
        self.prepared_outputs = np.zeros((self._results(steps), self._outputs), np.int16)
        self._x = x  # keeps the memory that the pointer shows
        sizes = ctypes.c_size_t(1), ctypes.c_size_t(steps)
        self._arguments = (_pointer(x), _pointer(self.prepared_outputs), *sizes)

    def invoke(self) -> None:
        """`per_invoke` inferences on the prepared input, one window or its steps as a stream.

        What they give is in `prepared_outputs`, int16 [results, outputs].
        """
        self._run(*self._arguments)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
