"""TensorFlow Lite Micro: the interpreter of microcontrollers, its kernels run on the host."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.engines import installed
from edgernn.engines.tflite_session import TfliteSession
from edgernn.network import Form, Precision

TARGET = "tflite"
ARENA_BYTES = 4 << 20  # room to load in; what a model really takes is measured


def version() -> str:
    """Raises MissingToolError when tflite-micro is not installed."""
    return installed("tflite-micro")


def refusal(form: Form, precision: Precision) -> str:
    return "TFLM has no kernel for int8 weights under float activations" if precision == "dynamic" else ""


def open(path: Path, form: Form, threads: int) -> TfliteSession:
    interpreter = TflmInterpreter(path)
    session = TfliteSession.of(interpreter, path)
    session.prepare(session.blank())
    session.invoke()  # TFLM knows its memory only after a run
    session.extra_memory = {"arena_bytes": interpreter.arena_bytes()}
    return session


class TflmInterpreter:
    """TFLM's Python interpreter. Its arena uses the memory of inputs again: they are set before every run."""

    def __init__(self, path: Path) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self.interpreter: Any = runtime.Interpreter.from_file(str(path), arena_size=ARENA_BYTES)
        self.inputs: dict[int, np.ndarray] = {}

    def set(self, index: int, value: np.ndarray) -> None:
        self.inputs[index] = value

    def invoke(self) -> None:
        for index, value in self.inputs.items():
            self.interpreter.set_input(value, index)
        self.interpreter.invoke()

    def get(self, index: int) -> np.ndarray:
        return np.asarray(self.interpreter.get_output(index))

    def arena_bytes(self) -> int | None:
        """What the model uses of the arena; TFLM prints it, and only to the process's standard error."""
        with tempfile.TemporaryFile() as captured:
            saved = os.dup(2)
            try:
                os.dup2(captured.fileno(), 2)
                self.interpreter.print_allocations()
            finally:
                os.dup2(saved, 2)
                os.close(saved)
            captured.seek(0)
            found = re.search(rb"Arena allocation total (\d+) bytes", captured.read())
        return int(found[1]) if found else None
