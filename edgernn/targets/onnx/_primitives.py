"""The primitives of an expanded step program as ONNX operators on float tensors [rows, size].

A row is a step: a step model has one, the layers of a sequence model work on all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgernn.program import EPSILON, PRIMITIVES, Op
from edgernn.targets.onnx._graph import Constants, Graph, tensor_name

Emit = Callable[[Graph, Op, Sequence[str], str, int], None]  # graph, op, its inputs, its output, output size


def emit_constants(graph: Graph, ops: Sequence[Op], constants: Constants) -> None:
    """Add the constants of a program, which `emit_ops` then finds by name."""
    for name in dict.fromkeys(name for op in ops for name in (op.weight, op.bias) if name):
        if name in constants.integers and any(op.primitive == "lookup" and op.weight == name for op in ops):
            constants.store(graph, name)
        else:
            constants.emit(graph, name)


def emit_ops(graph: Graph, ops: Sequence[Op], sizes: Mapping[str, int], names: Mapping[str, str]) -> None:
    """Add float operators; `names` are the tensors of the values that are not named for themselves."""
    known = {op.output: tensor_name(op.weight) for op in ops if op.primitive == "constant"} | dict(names)
    for op in ops:
        inputs = [known.get(name, tensor_name(name)) for name in op.inputs]
        if op.primitive != "constant":
            OPERATORS[op.primitive](
                graph, op, inputs, known.get(op.output, tensor_name(op.output)), sizes[op.output]
            )


def rows_of_table(graph: Graph, op: Op, table: str, entries: int, index: str, output: str) -> None:
    """Rows [rows, size] of a table by int32 `index` [rows, 1]; an index out of range takes the nearest."""
    bounds = [
        graph.constant(f"{table}.{name}", np.array(v, np.int32))
        for name, v in (("first", 0), ("last", entries - 1))
    ]
    inside = graph.emit("Clip", (index, *bounds), f"{output}.clipped")
    flat = graph.emit("Squeeze", (inside, graph.index(1)), f"{output}.index")
    graph.emit("Gather", (table, flat), output, axis=0)


def _one_node(operator: str) -> Emit:
    def emit(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
        graph.emit(operator, inputs, output)

    return emit


def _matvec(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    operands = [inputs[0], tensor_name(op.weight)] + ([tensor_name(op.bias)] if op.bias else [])
    graph.emit("Gemm", operands, output, transB=1)


def _lookup(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    """An int8 table is unpacked row by row."""
    table = tensor_name(op.weight)
    stored = f"{table}.integers"
    if stored not in graph.constants:
        rows_of_table(graph, op, table, len(graph.constants[table]), inputs[0], output)
        return
    integers = f"{output}.integers"
    rows_of_table(graph, op, stored, len(graph.constants[stored]), inputs[0], integers)
    graph.emit("DequantizeLinear", (integers, f"{table}.scale", f"{table}.zero_point"), output)


def _constant(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    raise AssertionError("a constant has no node: who reads it reads the stored tensor")


def _slice(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    start, end, axis = graph.index(op.start), graph.index(op.start + size), graph.index(1)
    graph.emit("Slice", (inputs[0], start, end, axis), output)


def _concat(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    graph.emit("Concat", inputs, output, axis=1)


def _mean(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    graph.reduce("ReduceMean", inputs[0], 1, output)


def _rsqrt(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    epsilon = graph.constant(f"{graph.scope}epsilon", np.array(EPSILON, np.float32))
    raised = graph.emit("Add", (inputs[0], epsilon), f"{output}.raised")
    graph.emit("Reciprocal", (graph.emit("Sqrt", (raised,), f"{output}.root"),), output)


OPERATORS: Mapping[str, Emit] = {
    "matvec": _matvec,
    "lookup": _lookup,
    "constant": _constant,
    "add": _one_node("Add"),
    "sub": _one_node("Sub"),
    "max": _one_node("Max"),
    "mul": _one_node("Mul"),
    "sigmoid": _one_node("Sigmoid"),
    "tanh": _one_node("Tanh"),
    "relu": _one_node("Relu"),
    "softplus": _one_node("Softplus"),
    "softmax": _one_node("Softmax"),
    "slice": _slice,
    "concat": _concat,
    "mean": _mean,
    "rsqrt": _rsqrt,
}
NOT_WRITTEN = {"blend", "normalize", "requantize"}  # expanded before, or a pair of QuantizeLinear and its opposite

if set(OPERATORS) | NOT_WRITTEN != set(PRIMITIVES):
    raise AssertionError("a primitive has no ONNX operator")
