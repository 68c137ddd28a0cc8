"""A typed program in QDQ form: every operator stands between DequantizeLinear and QuantizeLinear.

Between operators values are integers. What only moves them (slice, concat, lookup) works on the integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgernn.lowering import QType, TypedProgram, symmetric_int16
from edgernn.program import EPSILON, Op
from edgernn.targets.onnx._graph import OPSET, OPSET_INT16, Constants, Graph, tensor_name
from edgernn.targets.onnx._primitives import OPERATORS, emit_constants, rows_of_table

Names = Mapping[str, str]


def opset(programs: Sequence[TypedProgram]) -> int:
    """The opset that the types of the programs need."""
    wide = any(qtype.dtype == "int16" for typed in programs for qtype in typed.types.values())
    return OPSET_INT16 if wide else OPSET


def described(qtype: QType) -> dict[str, object]:
    """A type as the metadata gives it: real = (integer - zero_point) * scale."""
    return {"dtype": qtype.dtype, "scale": float(np.float32(qtype.scale)), "zero_point": qtype.zero_point}


def emit_typed(graph: Graph, typed: TypedProgram, names: Names) -> None:
    """Add the program and its constants; `names` are the tensors of values that are not named for themselves."""
    ops = typed.program.ops
    emit_constants(graph, [op for op in ops if op.primitive != "constant"], _constants(typed))
    known = dict(names)
    for op in ops:
        if op.primitive == "constant":
            vector = f"{tensor_name(op.weight)}.integers"
            known[op.output] = graph.constant(vector, typed.vectors[op.weight])
        else:
            _OWN.get(op.primitive, _between)(graph, op, typed, known)


def _constants(typed: TypedProgram) -> Constants:
    products = [op for op in typed.program.ops if op.bias]
    scales = {op.bias: typed.types[op.inputs[0]].scale * typed.scales[op.weight] for op in products}
    return Constants({}, {**typed.weights, **typed.biases}, {**typed.scales, **scales})


def _between(graph: Graph, op: Op, typed: TypedProgram, names: Names) -> None:
    """The float operator on dequantised inputs, its result quantised."""
    target = names.get(op.output, tensor_name(op.output))
    inputs = [_real(graph, name, typed, names) for name in op.inputs]
    OPERATORS[op.primitive](graph, op, inputs, f"{target}.exact", typed.program.sizes[op.output])
    graph.emit("QuantizeLinear", (f"{target}.exact", *_type_of(graph, op.output, typed, names)), target)


def _requantize(graph: Graph, op: Op, typed: TypedProgram, names: Names) -> None:
    target = names.get(op.output, tensor_name(op.output))
    real = _real(graph, op.inputs[0], typed, names)
    graph.emit("QuantizeLinear", (real, *_type_of(graph, op.output, typed, names)), target)


def _move(graph: Graph, op: Op, typed: TypedProgram, names: Names) -> None:
    """Both sides have the same type."""
    sources = [names.get(name, tensor_name(name)) for name in op.inputs]
    target = names.get(op.output, tensor_name(op.output))
    OPERATORS[op.primitive](graph, op, sources, target, typed.program.sizes[op.output])


def _lookup(graph: Graph, op: Op, typed: TypedProgram, names: Names) -> None:
    """A row of the table has the type of the result: one scale, no zero point."""
    index = names.get(op.inputs[0], tensor_name(op.inputs[0]))
    target = names.get(op.output, tensor_name(op.output))
    table = f"{tensor_name(op.weight)}.integers"
    rows_of_table(graph, op, table, len(typed.weights[op.weight]), index, target)


def _rsqrt(graph: Graph, op: Op, typed: TypedProgram, names: Names) -> None:
    """(x + EPSILON) ** -0.5 as two operators, with an int16 type of their own between them."""
    target, source = names.get(op.output, tensor_name(op.output)), typed.types[op.inputs[0]]
    raised = symmetric_int16(0.0, float(source.dequantize(np.array(32767))) + EPSILON)
    between = _parameters(graph, f"{target}.raised", raised)
    epsilon, exponent = (
        _number(graph, f"{graph.scope}epsilon", EPSILON),
        _number(graph, f"{graph.scope}exponent", -0.5),
    )
    total = graph.emit("Add", (_real(graph, op.inputs[0], typed, names), epsilon), f"{target}.raised.exact")
    integers = graph.emit("QuantizeLinear", (total, *between), f"{target}.raised")
    real = graph.emit("DequantizeLinear", (integers, *between), f"{target}.raised.real")
    graph.emit("Pow", (real, exponent), f"{target}.exact")
    graph.emit("QuantizeLinear", (f"{target}.exact", *_type_of(graph, op.output, typed, names)), target)


_OWN: Mapping[str, Callable[[Graph, Op, TypedProgram, Names], None]] = {
    "requantize": _requantize,
    "slice": _move,
    "concat": _move,
    "lookup": _lookup,
    "rsqrt": _rsqrt,
}


def _number(graph: Graph, name: str, value: float) -> str:
    """A real number as an int16 constant behind a DequantizeLinear."""
    if graph.defines(name):
        return name
    integers = graph.constant(f"{name}.integers", np.array(np.sign(value) * 2**14, np.int16))
    return graph.emit(
        "DequantizeLinear", (integers, *_parameters(graph, name, QType("int16", abs(value) / 2**14))), name
    )


def _real(graph: Graph, value: str, typed: TypedProgram, names: Names) -> str:
    source = names.get(value, tensor_name(value))
    real = f"{source}.real"
    if graph.defines(real):
        return real
    return graph.emit("DequantizeLinear", (source, *_type_of(graph, value, typed, names)), real)


def _type_of(graph: Graph, value: str, typed: TypedProgram, names: Names) -> tuple[str, str]:
    """Scale and zero point of a value's type, stored once under the first value that has the type."""
    qtype = typed.types[value]
    owner = next(name for name, other in typed.types.items() if other == qtype)
    return _parameters(graph, names.get(owner, tensor_name(owner)), qtype)


def _parameters(graph: Graph, name: str, qtype: QType) -> tuple[str, str]:
    scale = graph.constant(f"{name}.scale", np.array(qtype.scale, np.float32))
    return scale, graph.constant(f"{name}.zero_point", np.array(qtype.zero_point, qtype.dtype))
