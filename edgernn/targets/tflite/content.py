"""Reading a TFLite file back: which operators it has, and what arithmetic they do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from ai_edge_litert import schema_py_generated as schema

from edgernn.errors import ExportError, InputError
from edgernn.lowering import TOKEN_INT32, QType
from edgernn.targets import Arithmetic, Content, Operator, reading
from edgernn.targets.tflite.operators import MATRIX_PRODUCTS, OPERATORS, OperatorName

METADATA = "edgernn"  # the name of the metadata entry, a JSON object
_WEIGHTS = dict.fromkeys(MATRIX_PRODUCTS, 1) | {"GATHER": 0}  # which input of an operator holds them
_FLOATS = {schema.TensorType.FLOAT32, schema.TensorType.FLOAT16}
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def content(path: Path) -> Content:
    """Raises InputError when the file is missing, damaged or not TFLite.

    Raises ExportError for an operator that is not in the list of those that edgernn writes.
    """
    with reading(path):
        model = _model(path)
        return Content(_operators(model, path.name), *_weight_bytes(model))


def _model(path: Path) -> Any:
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise InputError(f"{path} is not a TFLite file")
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def _operators(model: Any, file: str) -> tuple[Operator, ...]:
    counts: Counter[tuple[str, Arithmetic]] = Counter()
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = _name(model, operator)
            if name not in OPERATORS:
                raise ExportError(f"{file} holds {name}, which edgernn does not write")
            counts[name, _arithmetic(graph, operator, cast(OperatorName, name))] += 1
    return tuple(Operator(name, count, arithmetic) for (name, arithmetic), count in sorted(counts.items()))


def _weight_bytes(model: Any) -> tuple[int, int]:
    """Bytes of the float and of the integer matrices and tables; one that several operators share counts once.

    What edgernn made itself, to write a function that TFLite lacks, has no name and is no weight.
    """
    floats: dict[int, int] = {}
    integers: dict[int, int] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            place = _WEIGHTS.get(_name(model, operator))
            weight = None if place is None else graph.tensors[operator.inputs[place]]
            if weight is not None and weight.name and _data(model, weight) is not None:
                sizes = floats if weight.type in _FLOATS else integers
                sizes[weight.buffer] = len(_data(model, weight))
    return sum(floats.values()), sum(integers.values())


def _data(model: Any, tensor: Any) -> Any:
    return model.buffers[tensor.buffer].data


def _name(model: Any, operator: Any) -> str:
    """Old writers know only the deprecated field, new ones fill both where they can: the larger one counts."""
    code = model.operatorCodes[operator.opcodeIndex]
    return _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


@dataclass(frozen=True)
class Port:
    """An input or an output of a model: its name in the signature, shape and type (None for float32)."""

    name: str
    shape: tuple[int, ...]
    qtype: QType | None


@dataclass(frozen=True)
class Description:
    """What a caller needs to run a file: its ports in the order of the subgraph, and its metadata."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, Any]


def describe(path: Path) -> Description:
    """Raises InputError when the file is missing, damaged or not a TFLite file of edgernn."""
    with reading(path):
        return _description(_model(path), path)


def _description(model: Any, path: Path) -> Description:
    entries = {entry.name.decode(): entry.buffer for entry in model.metadata or ()}
    if METADATA not in entries or not model.signatureDefs:
        raise InputError(f"{path} was not written by edgernn: it has no {METADATA} metadata")
    signature, graph = model.signatureDefs[0], model.subgraphs[0]
    return Description(
        inputs=tuple(_port(graph, entry) for entry in signature.inputs),
        outputs=tuple(_port(graph, entry) for entry in signature.outputs),
        metadata=json.loads(bytes(model.buffers[entries[METADATA]].data)),
    )


def _port(graph: Any, entry: Any) -> Port:
    tensor = graph.tensors[entry.tensorIndex]
    qtype = None
    if tensor.type == schema.TensorType.INT32:
        qtype = TOKEN_INT32
    elif tensor.type not in _FLOATS:
        dtype: Literal["int8", "int16"] = "int8" if tensor.type == schema.TensorType.INT8 else "int16"
        quantization = tensor.quantization
        qtype = QType(dtype, float(quantization.scale[0]), int(quantization.zeroPoint[0]))
    return Port(entry.name.decode(), tuple(int(n) for n in tensor.shape), qtype)


def _arithmetic(graph: Any, operator: Any, name: OperatorName) -> Arithmetic:
    if OPERATORS[name].work in ("movement", "control"):
        return "none"
    types = {graph.tensors[i].type for i in (*operator.inputs, *operator.outputs) if i >= 0}
    if types == {schema.TensorType.INT32}:
        return "none"  # it counts the steps of a loop, or the rows of a table
    return "float" if types & _FLOATS else "integer"
