"""LiteRT (TensorFlow Lite) with its default kernels and the XNNPACK delegate: what phones and servers run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgernn.engines import installed
from edgernn.engines.tflite_session import TfliteSession
from edgernn.network import Form, Precision

TARGET = "tflite"


def version() -> str:
    """Raises MissingToolError when LiteRT is not installed."""
    return installed("ai-edge-litert")


def refusal(form: Form, precision: Precision) -> str:
    return ""


def open(path: Path, form: Form, threads: int) -> TfliteSession:
    return TfliteSession.of(LitertInterpreter(path, threads, "AUTO"), path)


class LitertInterpreter:
    """LiteRT's Python interpreter, its tensors counted in the order of the signature."""

    def __init__(self, path: Path, threads: int, resolver: str) -> None:
        from ai_edge_litert import interpreter

        self.interpreter: Any = interpreter.Interpreter(
            str(path),
            num_threads=threads,
            experimental_op_resolver_type=getattr(interpreter.OpResolverType, resolver),
        )
        self.interpreter.allocate_tensors()
        self.inputs = [detail["index"] for detail in self.interpreter.get_input_details()]
        self.outputs = [detail["index"] for detail in self.interpreter.get_output_details()]
        self.invoke = self.interpreter.invoke

    def set(self, index: int, value: np.ndarray) -> None:
        self.interpreter.set_tensor(self.inputs[index], value)

    def get(self, index: int) -> np.ndarray:
        return np.asarray(self.interpreter.get_tensor(self.outputs[index]))
