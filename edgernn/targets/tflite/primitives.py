"""Primitives of a step program as TFLite operators, for float, dynamic and integer artifacts alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.lowering import QType, expand_blend, operators
from edgernn.network import Network, Precision, QuantizedNetwork
from edgernn.program import PRIMITIVES, Op, Program
from edgernn.targets.tflite.flatbuffer import SubgraphWriter
from edgernn.targets.tflite.operators import OperatorName


@dataclass(frozen=True, eq=False)
class Plan:
    """A program and its constants in the types of one precision.

    `types` is empty where values are float32. `scales` [rows] belong to the int8 weights of the same name,
    `bias_scales` to the int32 biases.
    """

    program: Program
    types: Mapping[str, QType]
    constants: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]
    bias_scales: Mapping[str, np.ndarray]

    @property
    def hybrid(self) -> bool:
        return bool(self.scales) and not self.types

    def dtype(self, value: str) -> str:
        return self.types[value].dtype if value in self.types else "float32"


def plan(network: Network, quantized: QuantizedNetwork, precision: Precision) -> Plan:
    constants = network.constants()
    if precision == "float32":
        return Plan(expand_blend(network.program()), {}, constants, {}, {})
    if precision == "dynamic":
        program = expand_blend(network.program())
        return Plan(program, {}, {**constants, **quantized.weights}, quantized.scales, {})
    typed = operators(quantized)
    bias_scales = {
        op.bias: typed.types[op.inputs[0]].scale * typed.scales[op.weight] for op in typed.program.ops if op.bias
    }
    return Plan(typed.program, typed.types, {**typed.weights, **typed.biases}, typed.scales, bias_scales)


def value_tensor(graph: SubgraphWriter, plan: Plan, value: str, name: str = "") -> int:
    """A new tensor [1, size] for a value of the program.

    Only what a caller sees gets a name: those of all others would cost more flash than a layer's biases.
    """
    return graph.tensor(name, [1, plan.program.sizes[value]], plan.dtype(value), plan.types.get(value))


def emit(graph: SubgraphWriter, plan: Plan, ops: Sequence[Op], tensors: dict[str, int]) -> None:
    """Append the operators of `ops`; `tensors` maps the values known so far to tensors and gains the new ones."""
    for op in ops:
        if op.output not in tensors:  # a split defines all its slices at once
            _EMIT[op.primitive](graph, plan, op, tensors, ops)


Emitter = Callable[[SubgraphWriter, Plan, Op, dict[str, int], Sequence[Op]], None]


def _define(graph: SubgraphWriter, plan: Plan, op: Op, tensors: dict[str, int]) -> int:
    tensors[op.output] = value_tensor(graph, plan, op.output)
    return tensors[op.output]


def _matvec(graph: SubgraphWriter, plan: Plan, op: Op, tensors: dict[str, int], ops: Sequence[Op]) -> None:
    x = tensors[op.inputs[0]]
    weight = graph.constant(op.weight, plan.constants[op.weight], plan.scales.get(op.weight))
    bias = graph.constant(op.bias, plan.constants[op.bias], plan.bias_scales.get(op.bias)) if op.bias else -1
    by_row = plan.hybrid and np.ptp(plan.scales[op.weight]) > 0
    kind = ("hybrid by row" if by_row else "hybrid") if plan.hybrid else plan.dtype(op.output)
    # asymmetric: activations quantised on the fly keep their full range of 256 steps
    graph.operator(
        "FULLY_CONNECTED",
        kind,
        [x, weight, bias],
        [_define(graph, plan, op, tensors)],
        asymmetricQuantizeInputs=plan.hybrid,
    )


def _elementwise(name: OperatorName, **options: object) -> Emitter:
    def emit_one(graph: SubgraphWriter, plan: Plan, op: Op, tensors: dict[str, int], ops: Sequence[Op]) -> None:
        inputs = [tensors[value] for value in op.inputs]
        graph.operator(name, plan.dtype(op.output), inputs, [_define(graph, plan, op, tensors)], **options)

    return emit_one


def _slice(graph: SubgraphWriter, plan: Plan, op: Op, tensors: dict[str, int], ops: Sequence[Op]) -> None:
    source = op.inputs[0]
    siblings = [other for other in ops if other.primitive == "slice" and other.inputs[0] == source]
    if _tiles(siblings, plan.program.sizes):
        axis = graph.constant("", np.array(1, np.int32))
        outputs = [_define(graph, plan, other, tensors) for other in siblings]
        graph.operator("SPLIT", plan.dtype(source), [axis, tensors[source]], outputs, numSplits=len(outputs))
        return
    begin = graph.constant("", np.array([0, op.start], np.int32))
    size = graph.constant("", np.array([1, plan.program.sizes[op.output]], np.int32))
    output = _define(graph, plan, op, tensors)
    graph.operator("SLICE", plan.dtype(source), [tensors[source], begin, size], [output])


def _tiles(slices: Sequence[Op], sizes: Mapping[str, int]) -> bool:
    """Whether the slices cut their source into equal parts, in order and without a gap."""
    part = sizes[slices[0].output]
    covers = len(slices) * part == sizes[slices[0].inputs[0]]
    return covers and all(op.start == i * part and sizes[op.output] == part for i, op in enumerate(slices))


def _expanded(graph: SubgraphWriter, plan: Plan, op: Op, tensors: dict[str, int], ops: Sequence[Op]) -> None:
    raise AssertionError("every plan has its blends expanded")


_EMIT: Mapping[str, Emitter] = {
    "matvec": _matvec,
    "add": _elementwise("ADD", potScaleInt16=False),
    "sub": _elementwise("SUB", potScaleInt16=False),
    "mul": _elementwise("MUL"),
    "sigmoid": _elementwise("LOGISTIC"),
    "tanh": _elementwise("TANH"),
    "blend": _expanded,
    "slice": _slice,
    "requantize": _elementwise("QUANTIZE"),
}

if set(_EMIT) != set(PRIMITIVES):
    raise AssertionError("a primitive has no TFLite operator")
