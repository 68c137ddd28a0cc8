"""ONNX Runtime on the CPU.

Tensors are bound to NumPy buffers once and every run reuses them: a step costs the runtime's own time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from edgernn.engines import installed
from edgernn.engines.boundary import Boundary
from edgernn.engines.trace import Trace
from edgernn.errors import InputError
from edgernn.network import Form, IntegerPrecision, Precision

TARGET = "onnx"

_ERRORS_ONLY = 3

# int8 weights under float activations are unpacked once, when a model is loaded, and not at every run
_FLOAT_CONFIG = {"session.disable_quant_qdq": "1"}
# on x86 the runtime would turn int8 into uint8, and then find no integer kernel for half the operators
_INTEGER_CONFIG = {"session.qdqisint8allowed": "1"}


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
            str(path), _options(path, threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's exceptions have no common base
        raise InputError(f"{path}: onnxruntime cannot load it ({' '.join(str(error).split())})") from error
    about = session.get_modelmeta().custom_metadata_map.get("edgernn")
    if about is None:
        raise InputError(f"{path}: has no edgernn metadata; build it with edgernn")
    session_type = StepSession if form == "step" else SequenceSession
    return session_type(session, _Ports.of(json.loads(about)))


def _options(path: Path, threads: int) -> Any:
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    integer = path.name.split(".")[-2:-1] in ([precision] for precision in get_args(IntegerPrecision))
    for key, value in (_INTEGER_CONFIG if integer else _FLOAT_CONFIG).items():
        options.add_session_config_entry(key, value)
    return options


@dataclass(frozen=True, eq=False)
class _Ports:
    """How raw frames become the model's input, and its tensors real numbers, by the file's own constants."""

    boundary: Boundary
    quantization: Mapping[str, Mapping[str, Any]]  # by tensor; empty for a float boundary

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> _Ports:
        return cls(Boundary.of(about), about.get("quantization", {}))

    def encode(self, frames: np.ndarray, inputs: int) -> np.ndarray:
        """Raw frames [..., frames, channels] to what the tensor `input` holds, [..., steps, inputs]."""
        steps = self.boundary.steps(frames, inputs)
        if not self.quantization or self.boundary.tokens:
            return steps
        kind = self.quantization["input"]
        limits = np.iinfo(kind["dtype"])
        integers = np.floor(steps / np.float32(kind["scale"]) + np.float32(0.5)) + kind["zero_point"]
        return np.clip(integers, limits.min, limits.max).astype(kind["dtype"])

    def decode(self, values: np.ndarray, tensor: str = "output") -> np.ndarray:
        """What a tensor held to real numbers, float32."""
        if not self.quantization:
            return values
        kind = self.quantization[tensor]
        return (values.astype(np.float32) - kind["zero_point"]) * np.float32(kind["scale"])

    def start(self, tensor: str, buffer: np.ndarray) -> np.ndarray:
        """What a state of the shape and type of `buffer` holds at the start of a stream."""
        zero = self.quantization[tensor]["zero_point"] if self.quantization else 0
        return self.boundary.start(tensor, np.full_like(buffer, zero))


class SequenceSession:
    """A sequence model: windows of any one length."""

    per_invoke = 1

    def __init__(self, session: Any, ports: _Ports) -> None:
        self._session, self._ports = session, ports

    @property
    def memory(self) -> dict[str, int | None]:
        return {"state_bytes": None, "scratch_bytes": None, "arena_bytes": None}

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        results = []
        for frame in frames:
            self.prepare(frame)
            self.invoke()
            results.append(self._output[0])
        return self._ports.decode(np.stack(results))

    def prepare(self, frames: np.ndarray) -> None:
        inputs = self._session.get_inputs()[0].shape[-1]
        self._input = np.ascontiguousarray(self._ports.encode(frames, inputs)[np.newaxis])
        self._output = _buffer(self._session.get_outputs()[0], self._input.shape[1])
        self._binding = _bind(self._session, {"input": self._input}, {"output": self._output})

    def invoke(self) -> None:
        self._session.run_with_iobinding(self._binding)


class StepSession:
    """A step model. Its states are in two sets of buffers; a step reads one set and writes the other."""

    per_invoke = 1

    def __init__(self, session: Any, ports: _Ports) -> None:
        self._session, self._ports = session, ports
        self._input = _buffer(session.get_inputs()[0])
        self._output = _buffer(session.get_outputs()[0])
        self._states = [{port.name: _buffer(port) for port in session.get_inputs()[1:]} for _ in range(2)]
        self._bindings = [self._between(*self._states), self._between(*self._states[::-1])]

    @property
    def memory(self) -> dict[str, int | None]:
        states = sum(buffer.nbytes for buffer in self._states[0].values())
        return {"state_bytes": states, "scratch_bytes": None, "arena_bytes": None}

    def outputs(self, frames: np.ndarray) -> np.ndarray:
        return self.trace(frames, ()).outputs

    def trace(self, frames: np.ndarray, at: Sequence[int]) -> Trace:
        encoded = self._ports.encode(frames, self._input.shape[-1])
        outputs = np.empty((*encoded.shape[:2], self._output.shape[-1]), self._output.dtype)
        shapes = {name: (len(encoded), len(at), buffer.size) for name, buffer in self._states[0].items()}
        recorded = {name: np.empty(shape, self._states[0][name].dtype) for name, shape in shapes.items()}
        for index, stream in enumerate(encoded):
            self._stream(stream, at, outputs[index], {name: values[index] for name, values in recorded.items()})
        real = {name: self._ports.decode(values, name) for name, values in recorded.items()}
        return Trace(self._ports.decode(outputs), real if at else {})

    def prepare(self, frames: np.ndarray) -> None:
        self._reset()
        self._input[0] = self._ports.encode(frames, self._input.shape[-1])[0]

    def invoke(self) -> None:
        self._session.run_with_iobinding(self._bindings[0])

    def _stream(
        self, stream: np.ndarray, at: Sequence[int], outputs: np.ndarray, recorded: Mapping[str, np.ndarray]
    ) -> None:
        """Feed a stream [steps, inputs] step by step.

        `outputs` [steps, outputs] takes the outputs, and `recorded` the states after the steps `at`, [at, size].
        """
        row = {step: index for index, step in enumerate(at)}
        self._reset()
        for step, values in enumerate(stream):
            self._input[0] = values
            self._session.run_with_iobinding(self._bindings[step % 2])
            outputs[step] = self._output[0]
            if step + 1 in row:
                for name, state in self._states[(step + 1) % 2].items():
                    recorded[name][row[step + 1]] = state.ravel()

    def _reset(self) -> None:
        for name, state in self._states[0].items():
            state[:] = self._ports.start(name, state)

    def _between(self, states: Mapping[str, np.ndarray], nexts: Mapping[str, np.ndarray]) -> Any:
        outputs = {f"{name}.next": buffer for name, buffer in nexts.items()}
        return _bind(self._session, {"input": self._input, **states}, {"output": self._output, **outputs})


OnnxSession = SequenceSession | StepSession


def _buffer(port: Any, steps: int = 1) -> np.ndarray:
    """Zeros of the shape and type of a session's input or output; a size that is not fixed is that of `steps`."""
    shape = [steps if isinstance(size, str) else size for size in port.shape]
    return np.zeros(shape, {"tensor(float)": "float32"}.get(port.type) or port.type[len("tensor(") : -1])


def _bind(session: Any, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> Any:
    """Bind tensors to the memory of arrays, which the caller keeps alive."""
    binding = session.io_binding()
    for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
        for name, array in arrays.items():
            bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    return binding
