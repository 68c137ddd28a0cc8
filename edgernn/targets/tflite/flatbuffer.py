"""A TFLite model under construction: tensors, operators, subgraphs, signatures, metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgernn.lowering import QType
from edgernn.targets.tflite.operators import OPERATORS, OperatorName

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
FUSED_RELU = schema.ActivationFunctionType.RELU
TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "bool": schema.TensorType.BOOL,
}


class SharingBuilder(flatbuffers.Builder):
    """A builder that stores equal strings and equal vectors once, which readers cannot tell from copies.

    A recurrent step has many small tensors: shapes and quantisation parameters would outweigh the weights.
    """

    def __init__(self) -> None:
        super().__init__(1024)
        self._strings: dict[str, int] = {}
        self._vectors: dict[tuple[str, bytes], int] = {}

    def CreateString(self, text: str, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        if text not in self._strings:
            self._strings[text] = int(super().CreateString(text, encoding, errors))
        return self._strings[text]

    def CreateNumpyVector(self, x: np.ndarray) -> int:  # noqa: N802
        key = (x.dtype.str, x.tobytes())
        if key not in self._vectors:
            if x.dtype == np.uint8:
                # the data of a tensor: the schema asks for 16-byte alignment, Python's generated code forgets it
                self.Prep(16, x.size)
            self._vectors[key] = int(super().CreateNumpyVector(x))
        return self._vectors[key]


class _Shared:
    """A table that is packed once, however many others refer to it."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self._packed: int | None = None

    def Pack(self, builder: SharingBuilder) -> int:  # noqa: N802
        if self._packed is None:
            self._packed = int(self.table.Pack(builder))
        return self._packed


@dataclass
class ModelWriter:
    """Collects the parts of a model; `to_bytes` gives the same bytes for the same calls."""

    model: Any = field(default_factory=schema.ModelT)
    buffers: dict[bytes, int] = field(default_factory=dict)
    codes: dict[tuple[str, int], int] = field(default_factory=dict)
    tables: dict[object, _Shared] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model.version = SCHEMA_VERSION
        self.model.description = "edgernn"
        self.model.buffers = [schema.BufferT()]  # buffer 0 means "no data" by TFLite's convention
        self.model.operatorCodes, self.model.subgraphs = [], []
        self.model.signatureDefs, self.model.metadata = [], []

    def subgraph(self, name: str) -> SubgraphWriter:
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = name, [], []
        self.model.subgraphs.append(graph)
        return SubgraphWriter(self, graph, len(self.model.subgraphs) - 1)

    def buffer(self, content: bytes) -> int:
        """The index of a buffer with this content; equal contents share one."""
        if content not in self.buffers:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(content, np.uint8)
            self.model.buffers.append(buffer)
            self.buffers[content] = len(self.model.buffers) - 1
        return self.buffers[content]

    def quantization(self, scales: np.ndarray, zero_points: np.ndarray) -> _Shared:
        table = schema.QuantizationParametersT()
        table.scale, table.zeroPoint = scales.astype(np.float32), zero_points.astype(np.int64)
        return self._shared((table.scale.tobytes(), table.zeroPoint.tobytes()), table)

    def options(self, table: str, values: Mapping[str, object]) -> _Shared:
        """The options of an operator: `values` by field of the schema's table."""
        options = getattr(schema, table + "T")()
        for key, value in values.items():
            setattr(options, key, value)
        return self._shared((table, repr(values)), options)

    def _shared(self, key: object, table: Any) -> _Shared:
        return self.tables.setdefault(key, _Shared(table))

    def operator_code(self, name: OperatorName, version: int) -> int:
        if (name, version) not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)  # readers older than schema 3a look here
            code.version = version
            self.model.operatorCodes.append(code)
            self.codes[name, version] = len(self.model.operatorCodes) - 1
        return self.codes[name, version]

    def signature(self, graph: SubgraphWriter, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> None:
        """Name the model's inputs and outputs (name to tensor index), as `serving_default`."""
        definition = schema.SignatureDefT()
        definition.signatureKey, definition.subgraphIndex = "serving_default", graph.index
        definition.inputs = [_tensor_map(*item) for item in inputs.items()]
        definition.outputs = [_tensor_map(*item) for item in outputs.items()]
        self.model.signatureDefs.append(definition)
        graph.graph.inputs, graph.graph.outputs = list(inputs.values()), list(outputs.values())

    def metadata(self, name: str, content: bytes) -> None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, self.buffer(content)
        self.model.metadata.append(entry)

    def to_bytes(self) -> bytes:
        builder = SharingBuilder()
        builder.Finish(self.model.Pack(builder), file_identifier=FILE_IDENTIFIER)
        return bytes(builder.Output())


@dataclass
class SubgraphWriter:
    """One subgraph of a model under construction; tensors are known by their index."""

    writer: ModelWriter
    graph: Any
    index: int
    constants: dict[object, int] = field(default_factory=dict)

    def tensor(self, name: str, shape: Sequence[int], dtype: str, qtype: QType | None = None) -> int:
        """A tensor that an operator or the caller fills; one without a name takes no room for it."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name or None, np.array(shape, np.int32)
        tensor.type, tensor.buffer = TENSOR_TYPES[dtype], 0
        if qtype and qtype.dtype != "int32":
            tensor.quantization = self.writer.quantization(np.array([qtype.scale]), np.array([qtype.zero_point]))
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(
        self, name: str, value: np.ndarray, scales: np.ndarray | None = None, qtype: QType | None = None
    ) -> int:
        """A tensor with data; `scales` [rows] quantise its first dimension, equal ones the whole tensor.

        One of the same content that this subgraph has already serves again.
        """
        content = np.ascontiguousarray(value).tobytes()
        key = (name, value.shape, value.dtype.str, content, qtype, None if scales is None else scales.tobytes())
        if key not in self.constants:
            index = self.constants[key] = self.tensor(name, value.shape, str(value.dtype), qtype)
            tensor = self.graph.tensors[index]
            tensor.buffer = self.writer.buffer(content)
            if scales is not None:
                distinct = scales[:1] if np.ptp(scales) == 0 else scales
                tensor.quantization = self.writer.quantization(distinct, np.zeros(len(distinct)))
        return self.constants[key]

    def operator(
        self, name: OperatorName, kind: str, inputs: Sequence[int], outputs: Sequence[int], **options: object
    ) -> None:
        """Append an operator; `kind` picks its version, `options` are the fields of its options table."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.writer.operator_code(name, OPERATORS[name].versions[kind])
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        table = _OPTIONS.get(name)
        if table:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = self.writer.options(table, options)
        self.graph.operators.append(operator)

    def reshape(self, tensor: int, into: int) -> int:
        """Put the elements of a tensor into another, whose shape they take; returns that one."""
        shape = np.array(self.graph.tensors[into].shape, np.int32)
        self.operator("RESHAPE", "", [tensor, self.constant("", shape)], [into], newShape=shape)
        return into


_OPTIONS: Mapping[str, str] = {
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "SPLIT": "SplitOptions",
    "GATHER": "GatherOptions",
    "WHILE": "WhileOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "SOFTMAX": "SoftmaxOptions",
    "MEAN": "ReducerOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "RESHAPE": "ReshapeOptions",
}


def _tensor_map(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry
