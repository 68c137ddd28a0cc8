"""The primitives of a step program as ONNX operators on float tensors [rows, size].

A row is a step: a step model has one, the layers of a sequence model work on all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edgernn.program import PRIMITIVES, Op, Program
from edgernn.targets.onnx._graph import Constants, Graph, tensor_name

Emit = Callable[[Graph, Op, Sequence[str], str, int], None]  # graph, op, its inputs, its output, output size


def emit_constants(graph: Graph, program: Program, constants: Constants) -> None:
    """Add the constants of a program, which its products then find by name."""
    for op in program.ops:
        for name in filter(None, (op.weight, op.bias)):
            constants.emit(graph, name)


def emit_ops(graph: Graph, program: Program, names: Mapping[str, str]) -> None:
    """Add a float program; `names` are the tensors of the values that are not named for themselves."""
    for op in program.ops:
        inputs = [names.get(name, tensor_name(name)) for name in op.inputs]
        FLOAT[op.primitive](
            graph, op, inputs, names.get(op.output, tensor_name(op.output)), program.sizes[op.output]
        )


def _one_node(operator: str) -> Emit:
    def emit(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
        graph.emit(operator, inputs, output)

    return emit


def _matvec(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    operands = [inputs[0], tensor_name(op.weight)] + ([tensor_name(op.bias)] if op.bias else [])
    graph.emit("Gemm", operands, output, transB=1)


def _blend(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    z, g, h = inputs
    difference = graph.emit("Sub", (h, g), f"{output}.difference")
    scaled = graph.emit("Mul", (z, difference), f"{output}.scaled")
    graph.emit("Add", (g, scaled), output)


def _slice(graph: Graph, op: Op, inputs: Sequence[str], output: str, size: int) -> None:
    start, end, axis = graph.index(op.start), graph.index(op.start + size), graph.index(1)
    graph.emit("Slice", (inputs[0], start, end, axis), output)


FLOAT: Mapping[str, Emit] = {
    "matvec": _matvec,
    "add": _one_node("Add"),
    "sub": _one_node("Sub"),
    "mul": _one_node("Mul"),
    "sigmoid": _one_node("Sigmoid"),
    "tanh": _one_node("Tanh"),
    "blend": _blend,
    "slice": _slice,
    "requantize": _one_node("Identity"),  # the real value stays the same
}

if set(FLOAT) != set(PRIMITIVES):
    raise AssertionError("a primitive has no ONNX operator")
