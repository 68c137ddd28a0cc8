"""ONNX Runtime on the CPU.

Tensors are bound to NumPy buffers once and every run reuses them: a step costs the runtime's own time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.engines import installed
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.network import Form, Precision

TARGET = "onnx"

_ERRORS_ONLY = 3

_CONFIG: dict[Form, dict[str, str]] = {
    # int8 weights of a dynamic model are unpacked once, when it is loaded, and not at every window
    "sequence": {"session.disable_quant_qdq": "1"},
    # on x86 the runtime would turn int8 into uint8, and then find no integer kernel for half the operators
    "step": {"session.qdqisint8allowed": "1"},
}


def version() -> str:
    """Raises MissingToolError when onnxruntime is not installed."""
    return installed("onnxruntime")


def refusal(form: Form, precision: Precision) -> str:
    """The CPU provider runs everything that the target writes."""
    return ""


def open(path: Path, form: Form, threads: int) -> OnnxSession:
    """Load an artifact. Raises InputError when the file is missing, damaged or not one of edgernn's."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; build it again")
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(
            str(path), _options(form, threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's exceptions have no common base
        raise InputError(f"{path}: onnxruntime cannot load it ({' '.join(str(error).split())})") from error
    about = session.get_modelmeta().custom_metadata_map.get("edgernn")
    if about is None:
        raise InputError(f"{path}: has no edgernn metadata; build it with edgernn")
    session_type = StepSession if form == "step" else SequenceSession
    return session_type(session, _Boundary.of(json.loads(about)))


def _options(form: Form, threads: int) -> Any:
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    for key, value in _CONFIG[form].items():
        options.add_session_config_entry(key, value)
    return options


@dataclass(frozen=True, eq=False)
class _Boundary:
    """How raw frames become the model's input, and its output real numbers, by the file's own constants."""

    mean: np.ndarray  # float32 [inputs]
    std: np.ndarray  # float32 [inputs]
    quantization: Mapping[str, Mapping[str, Any]]  # by tensor; empty for a float boundary

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> _Boundary:
        mean, std = (np.array(about[key], np.float32) for key in ("mean", "std"))
        return cls(mean, std, about.get("quantization", {}))

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Raw frames [..., inputs] to what the tensor `input` holds."""
        normalised = normalize.apply(frames.astype(np.float32), self.mean, self.std)
        if not self.quantization:
            return normalised
        kind = self.quantization["input"]
        limits = np.iinfo(kind["dtype"])
        integers = np.floor(normalised / np.float32(kind["scale"]) + np.float32(0.5)) + kind["zero_point"]
        return np.clip(integers, limits.min, limits.max).astype(kind["dtype"])

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """What the tensor `output` held to real numbers, float32."""
        if not self.quantization:
            return outputs
        kind = self.quantization["output"]
        return (outputs.astype(np.float32) - kind["zero_point"]) * np.float32(kind["scale"])


class SequenceSession:
    """A sequence model: windows of any one length."""

    per_invoke = 1

    def __init__(self, session: Any, boundary: _Boundary) -> None:
        self._session, self._boundary = session, boundary
        self._output = _buffer(session.get_outputs()[0])

    @property
    def memory(self) -> dict[str, int | None]:
        return {"state_bytes": None, "scratch_bytes": None, "arena_bytes": None}

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        results = np.empty((len(frames), self._output.shape[1]), self._output.dtype)
        for i, frame in enumerate(frames):
            self.prepare(frame)
            self.invoke()
            results[i] = self._output[0]
        return self._boundary.decode(results)

    def prepare(self, frames: np.ndarray) -> None:
        self._input = np.ascontiguousarray(self._boundary.encode(frames)[np.newaxis])
        self._binding = _bind(self._session, {"input": self._input}, {"output": self._output})

    def invoke(self) -> None:
        self._session.run_with_iobinding(self._binding)


class StepSession:
    """A step model. Its states are in two sets of buffers; a step reads one set and writes the other."""

    per_invoke = 1

    def __init__(self, session: Any, boundary: _Boundary) -> None:
        self._session, self._boundary = session, boundary
        self._input = _buffer(session.get_inputs()[0])
        self._output = _buffer(session.get_outputs()[0])
        self._states = [{port.name: _buffer(port) for port in session.get_inputs()[1:]} for _ in range(2)]
        self._bindings = [self._between(*self._states), self._between(*self._states[::-1])]

    @property
    def memory(self) -> dict[str, int | None]:
        states = sum(buffer.nbytes for buffer in self._states[0].values())
        return {"state_bytes": states, "scratch_bytes": None, "arena_bytes": None}

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        results = np.empty((*frames.shape[:2], self._output.shape[1]), self._output.dtype)
        encoded = self._boundary.encode(frames)
        for window, result in zip(encoded, results, strict=True):
            self._stream(window, result)
        return self._boundary.decode(results)

    def prepare(self, frames: np.ndarray) -> None:
        self._reset()
        self._input[0] = self._boundary.encode(frames)[0]

    def invoke(self) -> None:
        self._session.run_with_iobinding(self._bindings[0])

    def _stream(self, window: np.ndarray, result: np.ndarray) -> None:
        """Feed a window [steps, inputs] frame by frame; `result` [steps, outputs] takes the outputs."""
        self._reset()
        for step, frame in enumerate(window):
            self._input[0] = frame
            self._session.run_with_iobinding(self._bindings[step % 2])
            result[step] = self._output[0]

    def _reset(self) -> None:
        for state in self._states[0].values():
            state[:] = 0

    def _between(self, states: Mapping[str, np.ndarray], nexts: Mapping[str, np.ndarray]) -> Any:
        outputs = {f"{name}.next": buffer for name, buffer in nexts.items()}
        return _bind(self._session, {"input": self._input, **states}, {"output": self._output, **outputs})


OnnxSession = SequenceSession | StepSession


def _buffer(port: Any) -> np.ndarray:
    """Zeros of the shape and type of a session's input or output of fixed shape."""
    return np.zeros(port.shape, {"tensor(float)": "float32"}.get(port.type) or port.type[len("tensor(") : -1])


def _bind(session: Any, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> Any:
    """Bind tensors to the memory of arrays, which the caller keeps alive."""
    binding = session.io_binding()
    for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
        for name, array in arrays.items():
            bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    return binding
