"""Running a TFLite artifact on any interpreter of TFLite: what LiteRT and TensorFlow Lite Micro have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from edgernn.features import normalize
from edgernn.targets import tflite


class Interpreter(Protocol):
    """The least that an interpreter can do; tensors are counted in the order of the model's signature."""

    def set(self, index: int, value: np.ndarray) -> None: ...

    def invoke(self) -> None: ...

    def get(self, index: int) -> np.ndarray: ...


@dataclass
class TfliteSession:
    """A loaded TFLite artifact (see `edgernn.engines.Session`)."""

    interpreter: Interpreter
    description: tflite.Description
    extra_memory: dict[str, int | None] = field(default_factory=dict)
    per_invoke = 1

    @classmethod
    def of(cls, interpreter: Interpreter, path: Path) -> TfliteSession:
        return cls(interpreter, tflite.describe(path))

    @property
    def memory(self) -> dict[str, int | None]:
        state = sum(_zeros(port).nbytes for port in self.description.inputs[1:])
        return {"state_bytes": state or None, "scratch_bytes": None, "arena_bytes": None} | self.extra_memory

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        integers = self._input(frames)
        step = self.description.metadata["form"] == "step"
        results = np.stack([self._stream(w) if step else self._window(w) for w in integers])
        return _real(results, self.description.outputs[0])

    def prepare(self, frames: np.ndarray) -> None:
        integers = self._input(frames[None])
        step = self.description.metadata["form"] == "step"
        self.interpreter.set(0, integers[0, :1] if step else integers)
        for index, port in enumerate(self.description.inputs[1:], start=1):
            self.interpreter.set(index, _zeros(port))

    def invoke(self) -> None:
        self.interpreter.invoke()

    def _input(self, frames: np.ndarray) -> np.ndarray:
        mean, std = (np.array(self.description.metadata[key], np.float32) for key in ("mean", "std"))
        normalised = normalize.apply(frames.astype(np.float32), mean, std)
        qtype = self.description.inputs[0].qtype
        return qtype.quantize(normalised) if qtype else normalised

    def _window(self, window: np.ndarray) -> np.ndarray:
        self.interpreter.set(0, window[None])
        self.interpreter.invoke()
        return self.interpreter.get(0)[0]

    def _stream(self, window: np.ndarray) -> np.ndarray:
        """The outputs after every step, fed frame by frame, the states handed back as they come out."""
        states: Sequence[np.ndarray] = [_zeros(port) for port in self.description.inputs[1:]]
        outputs = []
        for frame in window:
            self.interpreter.set(0, frame[None])
            for index, state in enumerate(states, start=1):
                self.interpreter.set(index, state)
            self.interpreter.invoke()
            outputs.append(self.interpreter.get(0)[0])
            states = [self.interpreter.get(index) for index in range(1, len(states) + 1)]
        return np.stack(outputs)


def _zeros(port: tflite.Port) -> np.ndarray:
    if port.qtype is None:
        return np.zeros(port.shape, np.float32)
    return np.full(port.shape, port.qtype.zero_point, port.qtype.dtype)


def _real(values: np.ndarray, port: tflite.Port) -> np.ndarray:
    return (port.qtype.dequantize(values) if port.qtype else values).astype(np.float32)
