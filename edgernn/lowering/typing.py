"""Giving the values of a step program their types: what both typings have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgernn.errors import ExportError
from edgernn.fixed_point import LIMITS
from edgernn.lowering.qtypes import GATE_INT16, WIDE_GATE_INT16, QType
from edgernn.network import Pass, QuantizedNetwork
from edgernn.program import Op, Program, State, layer_of, shared_name

# What looks up a table in int16, and the type that the table is for.
TABLES: Mapping[str, QType] = {"sigmoid": WIDE_GATE_INT16, "tanh": GATE_INT16, "softplus": WIDE_GATE_INT16}


@dataclass(frozen=True, eq=False)
class TypedProgram:
    """A program whose values all have an integer type, and its constants.

    `weights` int8 [rows, inputs] with `scales` float64 [rows]; `biases` int32 [rows] in units of the product of
    the input's and the row's scale, input zero points not folded in; `vectors` are the constant vectors in the
    type of the value that they are. All go by the names of the network's constants.
    """

    program: Program
    types: Mapping[str, QType]
    weights: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]
    vectors: Mapping[str, np.ndarray]

    def initial(self, state: State) -> int:
        """The integer that the elements of a state have at the start of a stream."""
        real = np.clip(state.initial, *state.bounds) if state.bounds else state.initial
        return int(self.types[state.name].quantize(np.array(real)))


@dataclass(frozen=True, eq=False)
class TypedPass:
    """A pass (see `network.Pass`) with types; both programs read and give values of one type each."""

    forward: TypedProgram
    backward: TypedProgram | None
    frames: int
    ends: bool

    @property
    def programs(self) -> tuple[TypedProgram, ...]:
        return (self.forward,) if self.backward is None else (self.forward, self.backward)

    @property
    def output(self) -> QType:
        return self.forward.types[self.forward.program.output]


class Typing:
    """Gives the values of one program their types; a subclass says which types its target works with."""

    def __init__(
        self, quantized: QuantizedNetwork, program: Program, way: Pass, source: QType, result: bool
    ) -> None:
        self.quantized, self.program, self.way = quantized, program, way
        self.result = result  # whether its output is that of the network
        self.constants = quantized.network.constants()
        self.states = {s.name: s for s in program.states}
        self.nexts = {shared_name(s.next): s for s in program.states}  # those of earlier frames of a step too
        self.declared: dict[str, QType] = {program.input: source}
        self.types: dict[str, QType] = {}
        self.ops: list[Op] = []

    def typed(self) -> TypedProgram:
        for name in (self.program.input, *self.states):
            self.types[name] = self.type_of(name)
        for op in self.program.ops:
            wanted = self.operands(op)
            inputs = tuple(self.cast(name, qtype) for name, qtype in zip(op.inputs, wanted, strict=True))
            self.types[op.output] = self.type_of(op.output)
            self.ops.append(replace(op, inputs=inputs))
        self._settle_states()
        sizes = dict(self.program.sizes)
        for op in self.ops:
            sizes.setdefault(op.output, sizes[op.inputs[0]] if op.inputs else 0)
        matrices = [op.weight for op in self.ops if op.weight in self.quantized.weights]
        return TypedProgram(
            program=replace(self.program, ops=tuple(self.ops), sizes=sizes),
            types=self.types,
            weights={name: self.quantized.weights[name] for name in matrices},
            scales={name: self.quantized.scales[name] for name in matrices},
            biases={op.bias: self._bias(op) for op in self.ops if op.bias},
            vectors={
                op.weight: self.types[op.output].quantize(self.constants[op.weight])
                for op in self.ops
                if op.primitive == "constant"
            },
        )

    def cast(self, name: str, qtype: QType | None) -> str:
        """The value `name` in the type `qtype`: itself, or a requantised copy that is made once."""
        if qtype is None or self.types[name] == qtype:
            return name
        copy = f"{name}/{qtype.dtype}"
        while copy in self.types and self.types[copy] != qtype:
            copy += "'"
        if copy not in self.types:
            self.ops.append(Op("requantize", (name,), copy))
            self.types[copy] = qtype
        return copy

    def type_of(self, name: str) -> QType:
        """The type of a value of the program; it follows from what makes it and what reads it."""
        if name not in self.declared:
            self.declared[name] = self._decide(name)
        return self.declared[name]

    def range(self, name: str) -> tuple[float, float]:
        return self.quantized.ranges[shared_name(name)]

    def wide(self, name: str) -> bool:
        """Whether the layer of a value works with int16 activations."""
        return self.quantized.precisions.get(layer_of(name)) == "int16x8"

    def kind(self, name: str) -> str:
        return next((layer.kind for layer in self.quantized.network.layers if layer.name == layer_of(name)), "")

    def users(self, name: str) -> tuple[Op, ...]:
        """The ops that read a value, or parts of it."""
        found: list[Op] = []
        for op in self.program.readers(name):
            found += self.users(op.output) if op.primitive == "slice" else [op]
        return tuple(found)

    def table_input(self, users: Sequence[Op]) -> QType | None:
        """The int16 type of a value that only tables read: the widest of theirs; None for another value."""
        wanted = [TABLES.get(user.primitive) for user in users]
        types = [qtype for qtype in wanted if qtype is not None]
        return max(types, key=lambda t: t.scale) if types and len(types) == len(wanted) else None

    def next_of(self, name: str) -> State | None:
        """The state that a value becomes."""
        return self.nexts.get(shared_name(name))

    def operands(self, op: Op) -> tuple[QType | None, ...]:
        """The types in which an op reads its inputs; None takes a value as it is."""
        raise NotImplementedError

    def state_type(self, state: State) -> QType:
        raise NotImplementedError

    def own_type(self, op: Op) -> QType:
        """The type of what an op makes, where neither a state nor the network's output decides it."""
        raise NotImplementedError

    def output_type(self, name: str) -> QType:
        raise NotImplementedError

    def _decide(self, name: str) -> QType:
        if name in self.states:
            return self.state_type(self.states[name])
        producer = self.program.producer(name)
        if producer is None:
            raise ExportError(f"{name}: nothing makes it; please report this")
        if self.next_of(name):
            return self.type_of(self.nexts[shared_name(name)].name)
        if producer.primitive == "slice":
            return self.type_of(producer.inputs[0])
        if name == self.program.output and self.result:
            return self.output_type(name)
        return self.own_type(producer)

    def kept_from(self, state: State) -> str:
        """The value whose elements a state holds, as they are or the largest of them; empty for a computed one."""
        producer = self.program.producer(state.next)
        while producer is not None and producer.primitive == "slice":
            producer = self.program.producer(producer.inputs[0])
        if producer is None or producer.primitive not in ("concat", "max"):
            return ""
        return producer.inputs[-1]  # the newest

    def state_range(self, state: State) -> tuple[float, float]:
        """The range of a state and, where it is a weighted mean, of what goes into it."""
        producer = self.program.producer(state.next)
        blended = producer.inputs[1:] if producer is not None and producer.primitive == "blend" else ()
        ranges = [self.both_ways(state.next), *(self.range(name) for name in blended if name not in self.states)]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def _settle_states(self) -> None:
        """A state is replaced by a value of its own type, and by one that an op of this program makes."""
        states = []
        for state in self.program.states:
            name = self.cast(state.next, self.types[state.name])
            states.append(replace(state, next=name))
        self.program = replace(self.program, states=tuple(states))

    def _bias(self, op: Op) -> np.ndarray:
        scale = self.types[op.inputs[0]].scale * self.quantized.scales[op.weight]
        integers = np.floor(self.constants[op.bias].astype(np.float64) / scale + 0.5)
        low, high = LIMITS["int32"]
        if not ((low <= integers) & (integers <= high)).all():
            raise ExportError(f"{op.bias} does not fit an int32 in units of its products; please report this")
        return integers.astype(np.int32)

    def both_ways(self, name: str) -> tuple[float, float]:
        """The range of a value, and of the same value of the other direction where there is one."""
        if self.way.backward is None:
            return self.range(name)
        lows, highs = zip(*(self.range(p.output) for p in self.way.programs), strict=True)
        return (min(lows), max(highs)) if name == self.program.output else self.range(name)
