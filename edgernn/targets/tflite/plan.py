"""What an artifact is made of: the step programs with their constants, in the types of one precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgernn.expand import expand
from edgernn.lowering import TOKEN_INT32, QType, TypedProgram, operators
from edgernn.network import Network, Precision, QuantizedNetwork
from edgernn.program import Op, Program, State
from edgernn.targets.tflite.flatbuffer import SubgraphWriter


@dataclass(frozen=True, eq=False)
class Plan:
    """A program and its constants in the types of one precision.

    `types` lacks the values that are float32. `scales` [rows] belong to the int8 weights of the same name,
    `bias_scales` to the int32 biases; `hybrid`: the weights are int8, the values float32. `typed` is the integer
    program that it comes from.
    """

    program: Program
    types: Mapping[str, QType]
    constants: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]
    bias_scales: Mapping[str, np.ndarray]
    hybrid: bool = False
    typed: TypedProgram | None = None

    def dtype(self, value: str) -> str:
        return self.types[value].dtype if value in self.types else "float32"

    def initial(self, state: State) -> float:
        """What the elements of a state are at the start of a stream, in the numbers of its type."""
        return self.typed.initial(state) if self.typed else state.initial


@dataclass(frozen=True)
class PlannedPass:
    """A pass of the network (see `network.Pass`): one program, or a forward and a backward one."""

    plans: tuple[Plan, ...]
    frames: int
    ends: bool


def planned(network: Network, quantized: QuantizedNetwork, precision: Precision) -> tuple[PlannedPass, ...]:
    """The passes of a network in the types of one precision, without ops that nothing needs."""
    if precision in ("float32", "dynamic"):
        return tuple(
            PlannedPass(tuple(_float(network, quantized, precision, p) for p in one.programs), one.frames, one.ends)
            for one in network.passes()
        )
    return tuple(
        PlannedPass(tuple(_integer(typed) for typed in one.programs), one.frames, one.ends)
        for one in operators(quantized.at(precision))
    )


def _float(network: Network, quantized: QuantizedNetwork, precision: Precision, program: Program) -> Plan:
    program = _alive(expand(program))
    types = dict.fromkeys(_tokens(program), TOKEN_INT32)
    if precision == "float32":
        return Plan(program, types, network.constants(), {}, {})
    constants = {**network.constants(), **quantized.weights}
    return Plan(program, types, constants, quantized.scales, {}, hybrid=True)


def _alive(program: Program) -> Program:
    """Where a step takes all its frames at once, nothing reads the single ones."""
    needed = {program.output, *(state.next for state in program.states)}
    kept: list[Op] = []
    for op in reversed(program.ops):
        if op.output in needed:
            kept.append(op)
            needed.update(op.inputs)
    return replace(program, ops=tuple(reversed(kept)))


def _tokens(program: Program) -> set[str]:
    """The values that hold rows of a table: what a lookup reads, and what that is a part of."""
    names = {op.inputs[0] for op in program.ops if op.primitive == "lookup"}
    return names | {op.inputs[0] for op in program.ops if op.output in names}


def _integer(typed: TypedProgram) -> Plan:
    products = [op for op in typed.program.ops if op.bias]
    bias_scales = {op.bias: typed.types[op.inputs[0]].scale * typed.scales[op.weight] for op in products}
    constants = {**typed.weights, **typed.biases, **typed.vectors}
    return Plan(_alive(typed.program), typed.types, constants, typed.scales, bias_scales, typed=typed)


@dataclass(frozen=True, eq=False)
class Scope:
    """Where the operators of some ops go: `tensors` maps the values known so far, and gains the new ones.

    Every tensor is [rows, size]: one row in a step, more where a whole window goes through at once.
    """

    graph: SubgraphWriter
    plan: Plan
    ops: Sequence[Op]
    tensors: dict[str, int]
    rows: int = 1

    def size(self, value: str) -> int:
        return self.plan.program.sizes[value]

    def define(self, value: str) -> int:
        """A new tensor for a value of the program."""
        self.tensors[value] = value_tensor(self.graph, self.plan, value, rows=self.rows)
        return self.tensors[value]

    def temporary(self, size: int, dtype: str, qtype: QType | None = None) -> int:
        """A new tensor for what is between two operators of one op."""
        return self.graph.tensor("", [self.rows, size], dtype, qtype)


def value_tensor(graph: SubgraphWriter, plan: Plan, value: str, name: str = "", rows: int = 1) -> int:
    """A new tensor [rows, size] for a value of the program.

    Only what a caller sees gets a name: those of all others would cost more flash than a layer's biases.
    """
    return graph.tensor(name, [rows, plan.program.sizes[value]], plan.dtype(value), plan.types.get(value))
