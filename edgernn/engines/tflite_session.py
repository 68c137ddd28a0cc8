"""Running a TFLite artifact on any interpreter of TFLite: what LiteRT and TensorFlow Lite Micro have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from edgernn.engines.boundary import Boundary
from edgernn.engines.trace import Trace
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
    def _boundary(self) -> Boundary:
        return Boundary.of(self.description.metadata)

    @property
    def memory(self) -> dict[str, int | None]:
        state = sum(start.nbytes for start in self._starts())
        return {"state_bytes": state or None, "scratch_bytes": None, "arena_bytes": None} | self.extra_memory

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        if self.description.metadata["form"] == "step":
            return self.trace(frames, ()).outputs
        return _real(np.stack([self._window(w) for w in self._input(frames)]), self.description.outputs[0])

    def trace(self, frames: np.ndarray, at: Sequence[int]) -> Trace:
        wanted = frozenset(at)
        outputs: list[np.ndarray] = []
        recorded: list[list[np.ndarray]] = []
        streams = self._input(frames)
        for stream in streams:
            for step, (output, states) in enumerate(self._steps(stream), start=1):
                outputs.append(output)
                if step in wanted:
                    recorded.append(states)
        rows = np.stack(outputs).reshape(*streams.shape[:2], -1)
        return Trace(_real(rows, self.description.outputs[0]), self._states(recorded, len(streams)))

    def blank(self) -> np.ndarray:
        """Raw frames of zeros that fill the input, [frames, channels]."""
        values = int(np.prod(self.description.inputs[0].shape))
        return np.zeros((values // len(self._boundary.mean), len(self._boundary.mean)), np.float32)

    def prepare(self, frames: np.ndarray) -> None:
        integers = self._input(frames)
        step = self.description.metadata["form"] == "step"
        self.interpreter.set(0, integers[:1] if step else integers[None])
        for index, start in enumerate(self._starts(), start=1):
            self.interpreter.set(index, start)

    def invoke(self) -> None:
        self.interpreter.invoke()

    def _input(self, frames: np.ndarray) -> np.ndarray:
        """What the input port holds at every step, [..., steps, inputs], for raw frames."""
        port = self.description.inputs[0]
        steps = self._boundary.steps(frames, port.shape[-1])
        return port.qtype.quantize(steps) if port.qtype and not self._boundary.tokens else steps

    def _starts(self) -> list[np.ndarray]:
        """What the state ports hold at the start of a stream."""
        return [self._boundary.start(port.name, _zeros(port)) for port in self.description.inputs[1:]]

    def _window(self, window: np.ndarray) -> np.ndarray:
        self.interpreter.set(0, window[None])
        self.interpreter.invoke()
        return self.interpreter.get(0)[0]

    def _steps(self, stream: np.ndarray) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """The output and the states after every step, fed step by step, the states handed back as they come out."""
        states = self._starts()
        for values in stream:
            self.interpreter.set(0, values[None])
            for index, state in enumerate(states, start=1):
                self.interpreter.set(index, state)
            self.interpreter.invoke()
            states = [self.interpreter.get(index) for index in range(1, len(states) + 1)]
            yield self.interpreter.get(0)[0], states

    def _states(self, recorded: Sequence[list[np.ndarray]], streams: int) -> dict[str, np.ndarray]:
        """Real states by name, [streams, recorded steps, size], of those recorded of one stream after the other."""
        columns = zip(self.description.inputs[1:], zip(*recorded, strict=True), strict=False)
        return {
            port.name: _real(np.stack(states), port).reshape(streams, -1, states[0].size)
            for port, states in columns
        }


def _zeros(port: tflite.Port) -> np.ndarray:
    if port.qtype is None:
        return np.zeros(port.shape, np.float32)
    return np.full(port.shape, port.qtype.zero_point, port.qtype.dtype)


def _real(values: np.ndarray, port: tflite.Port) -> np.ndarray:
    return (port.qtype.dequantize(values) if port.qtype else values).astype(np.float32)
