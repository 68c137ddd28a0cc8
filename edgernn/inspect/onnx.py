"""Reading an ONNX file: tensors, constants and sections."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgernn.errors import InputError
from edgernn.inspect.anatomy import Anatomy, Constant, Tensor, heads, port_role, sizes
from edgernn.targets.onnx import content

METADATA = "edgernn"  # the key of the metadata, a JSON object
# The gates of ONNX's recurrent operators in the order of their matrices, by the names of edgernn's cells.
_CELLS = {
    "GRU": ("z", "r", "g"),
    "LSTM": ("i", "o", "f", "g"),
    "DynamicQuantizeLSTM": ("i", "o", "f", "g"),
    "RNN": (),
}
_BY_COLUMN = "DynamicQuantizeLSTM"  # whose matrices are [directions, columns, rows]
_SCALES = (".scale", ".zero_point")  # end the names of what dequantises a tensor
_INTEGERS = ".integers"  # ends the name of a constant that is stored behind a DequantizeLinear


@dataclass(frozen=True, eq=False)
class _File:
    """All graphs of a file; names are unique in it."""

    graphs: tuple[Any, ...]
    arrays: Mapping[str, np.ndarray]

    def nodes(self) -> Iterator[Any]:
        for graph in self.graphs:
            yield from graph.node


def read(path: Path) -> Anatomy:
    """Raises InputError when edgernn did not write it, ExportError for an operator that edgernn never writes."""
    operators = content(path).operators
    model = onnx.load(path, load_external_data=False)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    if METADATA not in properties:
        raise InputError(f"{path} was not written by edgernn: it has no {METADATA} metadata")
    about = json.loads(properties[METADATA])
    graphs = tuple(_graphs(model.graph))
    arrays = {tensor.name: numpy_helper.to_array(tensor) for graph in graphs for tensor in graph.initializer}
    file = _File(graphs, arrays)
    constants = _constants(file)
    return Anatomy(
        name=about["name"],
        form=about["form"],
        precision=about["precision"],
        heads=heads(about),
        operators=operators,
        tensors=(*_ports(model.graph, about.get("quantization", {})), *_carried(file)),
        constants=constants,
        sizes=_sizes(file, constants, properties[METADATA]),
    )


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _ports(graph: Any, quantization: Mapping[str, Mapping[str, Any]]) -> Iterator[Tensor]:
    inputs, outputs = [port.name for port in graph.input], [port.name for port in graph.output]
    for port in (*graph.input, *graph.output):
        if role := port_role(port.name, inputs, outputs):
            qtype = quantization.get(port.name, {})
            yield Tensor(port.name, role, *_type(port), qtype.get("scale"), qtype.get("zero_point"))


def _carried(file: _File) -> Iterator[Tensor]:
    """The states of the Scan loops, by their names in the loops' bodies."""
    for node in file.nodes():
        if node.op_type == "Scan":
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            ports = attributes["body"].input
            for port in ports[: len(ports) - attributes["num_scan_inputs"]]:
                yield Tensor(port.name, "carried", *_type(port))


def _type(port: Any) -> tuple[tuple[int | str, ...], str]:
    tensor = port.type.tensor_type
    shape = tuple(d.dim_param or d.dim_value for d in tensor.shape.dim)
    return shape, str(helper.tensor_dtype_to_np_dtype(tensor.elem_type))


def _constants(file: _File) -> tuple[Constant, ...]:
    """The arrays that are named for a layer's constant, `<layer>.<constant>`."""
    cells = {name: node.op_type for node in file.nodes() for name in _cell_matrices(node, file)}
    serving = _serving(file)
    return tuple(
        _constant(name, file, cells.get(name, ""))
        for name, array in file.arrays.items()
        if name not in serving and array.ndim and array.dtype not in (np.int64, np.bool_)
    )


def _serving(file: _File) -> set[str]:
    """Arrays that are no constant of a layer: scales, zero points, first states, what has no layer in its name."""
    starts = {name for node in file.nodes() if node.op_type == "Scan" for name in node.input}
    return {name for name in file.arrays if name in starts or name.endswith(_SCALES) or "." not in name}


def _constant(name: str, file: _File, cell: str) -> Constant:
    own = name.removesuffix(_INTEGERS)
    layer, _, constant = own.partition(".")
    values = file.arrays[name]
    if values.dtype == np.uint8:
        values = (values.astype(np.int16) - file.arrays[f"{own}.zero_point"].flat[0]).astype(np.int8)
    return Constant(
        layer=layer,
        name=constant.replace(".", "/"),
        values=values,
        scales=file.arrays.get(f"{own}.scale"),
        gates=_CELLS.get(cell, ()),
        # a recurrent operator's matrices are [directions, rows, columns]
        gate_axis=max(values.ndim - (1 if cell == _BY_COLUMN else 2), 0),
    )


def _cell_matrices(node: Any, file: _File) -> Iterable[str]:
    """The two matrices of a recurrent operator."""
    producers = {output: other for other in file.nodes() for output in other.output}
    if node.op_type in _CELLS:
        for name in node.input[1:3]:
            yield name if name in file.arrays else producers[name].input[0]


def _sizes(file: _File, constants: Iterable[Constant], metadata: str) -> dict[str, int]:
    by_role = {"weight": 0, "bias": 0}
    for constant in constants:
        by_role[constant.role] += constant.values.nbytes
    return sizes(
        weights=by_role["weight"],
        biases=by_role["bias"],
        scales=sum(array.nbytes for name, array in file.arrays.items() if name.endswith(_SCALES)),
        metadata=len(metadata.encode()),
    )
