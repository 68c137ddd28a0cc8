"""Reading a TFLite file: tensors, constants and sections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgernn.errors import InputError
from edgernn.inspect.anatomy import Anatomy, Constant, Role, Tensor, heads, port_role, sizes
from edgernn.targets.tflite import METADATA, content

_DTYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_ELEMENT_WISE = {getattr(schema.BuiltinOperator, name) for name in ("ADD", "SUB", "MUL", "MAXIMUM")}


def read(path: Path) -> Anatomy:
    """Raises InputError when edgernn did not write it, ExportError for an operator that edgernn never writes."""
    operators = content(path).operators
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    entries = {entry.name.decode(): entry.buffer for entry in model.metadata or ()}
    if METADATA not in entries:
        raise InputError(f"{path} was not written by edgernn: it has no {METADATA} metadata")
    metadata = bytes(model.buffers[entries[METADATA]].data)
    about = json.loads(metadata)
    return Anatomy(
        name=about["name"],
        form=about["form"],
        precision=about["precision"],
        heads=heads(about),
        operators=operators,
        tensors=(*_ports(model), *_carried(model)),
        constants=_constants(model),
        sizes=_sizes(model) | {"metadata": len(metadata)},
    )


def _ports(model: Any) -> Iterator[Tensor]:
    signature = model.signatureDefs[0]
    graph = model.subgraphs[signature.subgraphIndex]
    inputs = {entry.name.decode(): graph.tensors[entry.tensorIndex] for entry in signature.inputs}
    outputs = {entry.name.decode(): graph.tensors[entry.tensorIndex] for entry in signature.outputs}
    for name, tensor in (inputs | outputs).items():
        if role := port_role(name, inputs, outputs):
            yield _tensor(name, role, tensor)


def _carried(model: Any) -> Iterator[Tensor]:
    """What loops hand from step to step: neither their counter nor what every step hands on as it is."""
    for graph in model.subgraphs:
        for operator in graph.operators:
            body = getattr(operator.builtinOptions, "bodySubgraphIndex", None)
            if body is None:
                continue
            step = model.subgraphs[body]
            for i, (before, after) in enumerate(zip(step.inputs, step.outputs, strict=True)):
                tensor = step.tensors[before]
                if before != after and len(tensor.shape):
                    yield _tensor(_name(tensor) or f"loop.{i}", "carried", tensor)


def _tensor(name: str, role: Role, tensor: Any) -> Tensor:
    quantization = tensor.quantization
    known = quantization is not None and quantization.scale is not None and len(quantization.scale) == 1
    return Tensor(
        name=name,
        role=role,
        shape=tuple(int(n) for n in tensor.shape),
        dtype=_DTYPES[tensor.type],
        scale=float(quantization.scale[0]) if known else None,
        zero_point=int(quantization.zeroPoint[0]) if known else None,
    )


def _constants(model: Any) -> tuple[Constant, ...]:
    """Every named tensor with data, once; constants that only serve the graph have no name."""
    operands = _element_wise(model)
    found = {_name(tensor): _constant(model, tensor, operands) for tensor in _named(model)}
    return tuple(found.values())


def _element_wise(model: Any) -> frozenset[str]:
    """The constants that element-wise operators read: vectors, which TFLite keeps as [1, size]."""
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    found = set()
    for graph in model.subgraphs:
        for operator in graph.operators:
            if codes[operator.opcodeIndex] in _ELEMENT_WISE:
                found |= {_name(graph.tensors[index]) for index in operator.inputs}
    return frozenset(found)


def _constant(model: Any, tensor: Any, vectors: frozenset[str]) -> Constant:
    layer, _, name = _name(tensor).partition("/")
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), _DTYPES[tensor.type]).reshape(tensor.shape)
    if _name(tensor) in vectors:
        values = values.reshape(-1)
    return Constant(layer, name, values, tensor.quantization.scale if tensor.quantization else None)


def _named(model: Any) -> Iterator[Any]:
    """The constants of loops come first: the main graph runs what follows them."""
    for graph in (*model.subgraphs[1:], model.subgraphs[0]):
        for tensor in graph.tensors:
            if "/" in _name(tensor) and model.buffers[tensor.buffer].data is not None:
                yield tensor


def _name(tensor: Any) -> str:
    return tensor.name.decode() if tensor.name else ""


def _sizes(model: Any) -> dict[str, int]:
    """Equal buffers and equal vectors of scales are in the file once."""
    buffers = {"bias": {}, "weight": {}}  # type: dict[str, dict[int, int]]
    for tensor in _named(model):
        role = _constant(model, tensor, frozenset()).role
        buffers[role][tensor.buffer] = len(model.buffers[tensor.buffer].data)
    weights = buffers["weight"]
    return sizes(
        weights=sum(weights.values()),
        biases=sum(size for buffer, size in buffers["bias"].items() if buffer not in weights),
        scales=sum(map(len, _vectors(model))),
    )


def _vectors(model: Any) -> set[bytes]:
    """The scales and the zero points of all tensors, as stored."""
    tables = [t.quantization for graph in model.subgraphs for t in graph.tensors if t.quantization]
    return {vector.tobytes() for table in tables for vector in (table.scale, table.zeroPoint) if vector is not None}
