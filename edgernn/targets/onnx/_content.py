"""Reading a written file back: which operators it has, and what arithmetic they do.

The rule is that of QDQ files. An operator computes in integers when all it reads at run time comes from
DequantizeLinear, all it gives goes to QuantizeLinear and its matrices are stored as integers; with any float
in that chain it computes in float. QuantizeLinear and DequantizeLinear on activations belong to such an
operator and are integer; on a constant they only unpack it. Data movement and loops do no arithmetic. The
products of DynamicQuantizeLSTM are integer, but it reads and gives float, and so are its gates: it counts as float.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgernn.errors import ExportError, InputError
from edgernn.targets import Arithmetic, Content, Operator, reading

Work = Literal["product", "elementwise", "quantize", "move"]

# Every operator that this target writes, and the kind of its work.
WORK: dict[str, Work] = {
    "Gemm": "product",
    "Conv": "product",
    "GRU": "product",
    "LSTM": "product",
    "RNN": "product",
    "DynamicQuantizeLSTM": "product",
    "Add": "elementwise",
    "Sub": "elementwise",
    "Mul": "elementwise",
    "Max": "elementwise",
    "Sigmoid": "elementwise",
    "Tanh": "elementwise",
    "Relu": "elementwise",
    "Softplus": "elementwise",
    "Softmax": "elementwise",
    "ReduceMean": "elementwise",
    "ReduceMax": "elementwise",
    "ReduceSum": "elementwise",
    "Sqrt": "elementwise",
    "Reciprocal": "elementwise",
    "Pow": "elementwise",
    "QuantizeLinear": "quantize",
    "DequantizeLinear": "quantize",
    "Clip": "move",  # of the index of a table
    "Slice": "move",
    "Concat": "move",
    "Gather": "move",
    "Reshape": "move",
    "Transpose": "move",
    "Squeeze": "move",
    "Unsqueeze": "move",
    "Identity": "move",
    "Scan": "move",
}
MATRIX_INPUTS = {  # which inputs are matrices or tables of weights
    "Gemm": (1,),
    "Conv": (1,),
    "GRU": (1, 2),
    "LSTM": (1, 2),
    "RNN": (1, 2),
    "DynamicQuantizeLSTM": (1, 2),
    "Gather": (0,),
}
MATRIX_PRODUCTS = frozenset(name for name, work in WORK.items() if work == "product")
BOUNDARY: frozenset[str] = frozenset()  # quantising is integer here, and nothing else is at the boundary

if set(MATRIX_INPUTS) != MATRIX_PRODUCTS | {"Gather"}:
    raise AssertionError("a matrix product does not say where its weights are")


def content(path: Path) -> Content:
    """The operators of a file and the bytes of its float and integer weight matrices.

    Raises InputError when the file is missing, damaged or not ONNX, ExportError when it has an operator that
    this target does not write.
    """
    with reading(path):
        graph = _load(path)
        unknown = sorted({node.op_type for g in _graphs(graph) for node in g.node} - set(WORK))
        if unknown:
            raise ExportError(f"{path.name} holds {', '.join(unknown)}, which edgernn does not write")
        return _content(_Wiring.of(graph))


def _content(wiring: _Wiring) -> Content:
    counts = Counter((node.op_type, _arithmetic(node, wiring)) for node in wiring.nodes)
    matrices = {name: wiring.constants[name] for node in wiring.nodes for name in _matrices(node, wiring)}
    return Content(
        tuple(Operator(name, count, arithmetic) for (name, arithmetic), count in sorted(counts.items())),
        sum(m.nbytes for m in matrices.values() if np.issubdtype(m.dtype, np.floating)),
        sum(m.nbytes for m in matrices.values() if np.issubdtype(m.dtype, np.integer)),
    )


def _load(path: Path) -> Any:
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    if not graph.node:
        raise InputError(f"{path} holds no ONNX graph")
    return graph


@dataclass(frozen=True, eq=False)
class _Wiring:
    """Who makes and who reads each tensor, loop bodies included: names are unique in the whole file."""

    nodes: tuple[Any, ...]
    constants: dict[str, np.ndarray]
    producers: dict[str, Any]
    readers: dict[str, list[str]]  # tensor to the operators that read it; "" stands for an output of the graph

    @classmethod
    def of(cls, graph: Any) -> _Wiring:
        from onnx import numpy_helper

        graphs = tuple(_graphs(graph))
        nodes = tuple(node for g in graphs for node in g.node)
        constants = {t.name: numpy_helper.to_array(t) for g in graphs for t in g.initializer}
        readers: dict[str, list[str]] = {port.name: [""] for g in graphs for port in g.output}
        for node in nodes:
            for name in node.input:
                readers.setdefault(name, []).append(node.op_type)
        return cls(nodes, constants, {name: node for node in nodes for name in node.output}, readers)

    def constant(self, name: str) -> str:
        """The constant that a tensor is, moved or unpacked; "" for one that is computed at run time."""
        if name in self.constants:
            return name
        maker = self.producers.get(name)
        if maker is None or WORK[maker.op_type] not in ("quantize", "move") or maker.op_type == "Scan":
            return ""
        sources = [self.constant(operand) for operand in maker.input]
        return sources[0] if all(sources) else ""

    def dequantized(self, name: str) -> bool:
        return name in self.producers and self.producers[name].op_type == "DequantizeLinear"


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _matrices(node: Any, wiring: _Wiring) -> list[str]:
    """The constants that a product uses as matrices."""
    operands = [node.input[i] for i in MATRIX_INPUTS.get(node.op_type, ())]
    return [name for name in map(wiring.constant, operands) if name]


def _arithmetic(node: Any, wiring: _Wiring) -> Arithmetic:
    work = WORK[node.op_type]
    if work == "move":
        return "none"
    if work == "quantize":
        return "none" if wiring.constant(node.input[0]) else "integer"
    return "integer" if _in_integers(node, wiring) else "float"


def _in_integers(node: Any, wiring: _Wiring) -> bool:
    operands = [name for name in node.input if name and not wiring.constant(name)]
    results = [reader for name in node.output for reader in wiring.readers.get(name, [])]
    return (
        bool(operands and results)
        and all(map(wiring.dequantized, operands))
        and set(results) == {"QuantizeLinear"}
        and all(np.issubdtype(wiring.constants[m].dtype, np.integer) for m in _matrices(node, wiring))
    )
