"""Primitives of a step program as TFLite operators, for float, dynamic and integer artifacts alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgernn.lowering import QType
from edgernn.program import EPSILON, PRIMITIVES, Op
from edgernn.targets.tflite.flatbuffer import FUSED_RELU, TENSOR_TYPES
from edgernn.targets.tflite.operators import OperatorName
from edgernn.targets.tflite.plan import Scope
from edgernn.targets.tflite.softplus import softplus


def emit(scope: Scope) -> None:
    """Append the operators of the scope's ops."""
    for op in scope.ops:
        if op.output not in scope.tensors:  # a split defines all its slices at once
            _EMIT[op.primitive](scope, op)


Emitter = Callable[[Scope, Op], None]


def _matvec(scope: Scope, op: Op) -> None:
    graph, plan = scope.graph, scope.plan
    scales = plan.scales.get(op.weight)
    weight = graph.constant(op.weight, plan.constants[op.weight], scales)
    bias = graph.constant(op.bias, plan.constants[op.bias], plan.bias_scales.get(op.bias)) if op.bias else -1
    output, options = _fused(scope, op)
    kind = plan.dtype(op.output)
    if plan.hybrid:
        kind = "hybrid by row" if np.ptp(plan.scales[op.weight]) > 0 else "hybrid"
        options["asymmetricQuantizeInputs"] = True  # quantised on the fly, activations keep all of 256 steps
    elif kind == "int16":
        options["quantizedBiasType"] = TENSOR_TYPES["int32"]  # its 64-bit products take four times as long
    inputs = [scope.tensors[op.inputs[0]], weight, bias]
    graph.operator("FULLY_CONNECTED", kind, inputs, [scope.define(output)], **options)


def _fused(scope: Scope, op: Op) -> tuple[str, dict[str, object]]:
    """What the operator of a product makes, and its options: that of the relu that alone reads it."""
    program = scope.plan.program
    readers = program.readers(op.output)
    kept = {program.output, *(state.next for state in program.states)}
    if [r.primitive for r in readers] == ["relu"] and readers[0] in scope.ops and op.output not in kept:
        return readers[0].output, {"fusedActivationFunction": FUSED_RELU}
    return op.output, {}


def _elementwise(name: OperatorName, **options: object) -> Emitter:
    def emit_one(scope: Scope, op: Op) -> None:
        inputs = [scope.tensors[value] for value in op.inputs]
        scope.graph.operator(name, scope.plan.dtype(op.output), inputs, [scope.define(op.output)], **options)

    return emit_one


def _constant(scope: Scope, op: Op) -> None:
    vector = scope.plan.constants[op.weight][None]
    scope.tensors[op.output] = scope.graph.constant(op.weight, vector, qtype=scope.plan.types.get(op.output))


def _lookup(scope: Scope, op: Op) -> None:
    graph, plan = scope.graph, scope.plan
    index = graph.reshape(scope.tensors[op.inputs[0]], graph.tensor("", [scope.rows], "int32"))
    table = plan.constants[op.weight]
    kind = str(table.dtype)
    rows = graph.constant(op.weight, table, plan.scales.get(op.weight))
    if not plan.hybrid:
        graph.operator("GATHER", kind, [rows, index], [scope.define(op.output)], axis=0)
        return
    found = scope.temporary(table.shape[1], kind, QType("int8", float(plan.scales[op.weight][0])))
    graph.operator("GATHER", kind, [rows, index], [found], axis=0)
    graph.operator("DEQUANTIZE", kind, [found], [scope.define(op.output)])


def _slice(scope: Scope, op: Op) -> None:
    graph, source = scope.graph, op.inputs[0]
    kind = scope.plan.dtype(source)
    siblings = [other for other in scope.ops if other.primitive == "slice" and other.inputs[0] == source]
    if _tiles(siblings, scope.plan.program.sizes):
        axis = graph.constant("", np.array(1, np.int32))
        outputs = [scope.define(other.output) for other in siblings]
        graph.operator("SPLIT", kind, [axis, scope.tensors[source]], outputs, numSplits=len(outputs))
        return
    begin = graph.constant("", np.array([0, op.start], np.int32))
    size = graph.constant("", np.array([scope.rows, scope.size(op.output)], np.int32))
    graph.operator("SLICE", kind, [scope.tensors[source], begin, size], [scope.define(op.output)])


def _tiles(slices: Sequence[Op], sizes: Mapping[str, int]) -> bool:
    """Whether the slices cut their source into equal parts, in order and without a gap."""
    part = sizes[slices[0].output]
    covers = len(slices) * part == sizes[slices[0].inputs[0]]
    return covers and all(op.start == i * part and sizes[op.output] == part for i, op in enumerate(slices))


def _mean(scope: Scope, op: Op) -> None:
    axis = scope.graph.constant("", np.array([1], np.int32))
    inputs = [scope.tensors[op.inputs[0]], axis]
    scope.graph.operator("MEAN", scope.plan.dtype(op.output), inputs, [scope.define(op.output)], keepDims=True)


def _rsqrt(scope: Scope, op: Op) -> None:
    """1 / sqrt(x + epsilon); in integers epsilon is a step or more, so that the root is never that of 0."""
    (x,) = op.inputs
    graph, qtype, kind = scope.graph, scope.plan.types.get(x), scope.plan.dtype(x)
    epsilon, wider, added = np.array([[EPSILON]], np.float32), None, None
    if qtype:
        wider = QType(qtype.dtype, qtype.scale + EPSILON / 32767)
        added = QType(qtype.dtype, max(EPSILON, wider.scale) / 16384)
        epsilon = np.array([[16384]], np.int16)
    total = scope.temporary(1, kind, wider)
    constant = graph.constant("", epsilon, qtype=added)
    graph.operator("ADD", kind, [scope.tensors[x], constant], [total], potScaleInt16=False)
    graph.operator("RSQRT", kind, [total], [scope.define(op.output)])


def _expanded(scope: Scope, op: Op) -> None:
    raise AssertionError("every plan has its blends and normalisations expanded")


_EMIT: Mapping[str, Emitter] = {
    "matvec": _matvec,
    "lookup": _lookup,
    "constant": _constant,
    "add": _elementwise("ADD", potScaleInt16=False),
    "sub": _elementwise("SUB", potScaleInt16=False),
    "max": _elementwise("MAXIMUM"),
    "mul": _elementwise("MUL"),
    "sigmoid": _elementwise("LOGISTIC"),
    "tanh": _elementwise("TANH"),
    "relu": _elementwise("RELU"),
    "softplus": softplus,
    "softmax": _elementwise("SOFTMAX", beta=1.0),
    "normalize": _expanded,
    "blend": _expanded,
    "slice": _slice,
    "concat": _elementwise("CONCATENATION", axis=1),
    "mean": _mean,
    "rsqrt": _rsqrt,
    "requantize": _elementwise("QUANTIZE"),
}

if set(_EMIT) != set(PRIMITIVES):
    raise AssertionError("a primitive has no TFLite operator")
