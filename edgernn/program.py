"""Step programs: what a layer does in one time step, as primitives over named vectors.

A cell is written once, as a function that emits primitives through a `Builder`. Everything else (the NumPy
references, the TFLite and ONNX writers, the C exporter) walks the resulting `Program`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Primitive = Literal[
    "matvec",  # weight @ x + bias
    "add",  # a + b
    "sub",  # a - b
    "mul",  # a * b
    "sigmoid",  # 1 / (1 + exp(-x))
    "tanh",
    "blend",  # g + z * (h - g), inputs in the order z, g, h
    "slice",  # x[start : start + size]
    "requantize",  # the same real value in another integer type; appears in typed programs only
]
PRIMITIVES: tuple[Primitive, ...] = get_args(Primitive)


@dataclass(frozen=True)
class Value:
    """A named vector of one step; `size` is its number of elements."""

    name: str
    size: int


@dataclass(frozen=True)
class Op:
    """One primitive: reads the values `inputs`, defines the value `output`.

    `weight` ([output size, input size]) and `bias` ([output size], empty for none) name constants of the
    network and belong to `matvec`; `start` belongs to `slice`.
    """

    primitive: Primitive
    inputs: tuple[str, ...]
    output: str
    weight: str = ""
    bias: str = ""
    start: int = 0


@dataclass(frozen=True)
class State:
    """A vector kept from step to step: read as the value `name`, replaced by the value `next`; starts at 0."""

    name: str
    next: str


@dataclass(frozen=True)
class Program:
    """One step of a network: `ops` in order of execution.

    `sizes` gives the number of elements of every value, inputs and states included.
    """

    input: str
    output: str
    states: tuple[State, ...]
    ops: tuple[Op, ...]
    sizes: Mapping[str, int]

    def body(self) -> tuple[Op, ...]:
        """The ops that the next states depend on: they run at every step."""
        return _needed(self.ops, [state.next for state in self.states])

    def head(self) -> tuple[Op, ...]:
        """The other ops: only the output needs them, so a sequence that wants its last result runs them once."""
        body = set(self.body())
        return tuple(op for op in self.ops if op not in body)

    def producer(self, name: str) -> Op | None:
        """The op that defines the value `name`; None for the input and the states."""
        return next((op for op in self.ops if op.output == name), None)


def _needed(ops: tuple[Op, ...], roots: Iterable[str]) -> tuple[Op, ...]:
    needed = set(roots)
    kept: list[Op] = []
    for op in reversed(ops):
        if op.output in needed:
            kept.append(op)
            needed.update(op.inputs)
    return tuple(reversed(kept))


@dataclass
class Builder:
    """Collects the ops of a program; every method emits one primitive and returns its value.

    Names are `<scope>/<name>`; a name that is not given is numbered, so they are the same at every build.
    """

    ops: list[Op] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    scope: str = ""

    def within(self, scope: str) -> Builder:
        """The same program under construction, with names below `scope`."""
        return replace(self, scope=scope)

    def input(self, size: int) -> Value:
        return self._value("input", size)

    def state(self, name: str, size: int) -> Value:
        return self._value(self._scoped(name), size)

    def next(self, state: Value, value: Value) -> Value:
        """Make `value` what the state becomes at the end of this step; returns `value`."""
        self.states.append(State(state.name, value.name))
        return value

    def matvec(self, weight: str, x: Value, rows: int, bias: str = "", name: str = "") -> Value:
        return self._emit(
            "matvec", (x,), rows, name, weight=self._scoped(weight), bias=self._scoped(bias) if bias else ""
        )

    def add(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("add", (a, b), a.size, name)

    def sub(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("sub", (a, b), a.size, name)

    def mul(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("mul", (a, b), a.size, name)

    def sigmoid(self, x: Value, name: str = "") -> Value:
        return self._emit("sigmoid", (x,), x.size, name)

    def tanh(self, x: Value, name: str = "") -> Value:
        return self._emit("tanh", (x,), x.size, name)

    def blend(self, z: Value, g: Value, h: Value, name: str = "") -> Value:
        return self._emit("blend", (z, g, h), h.size, name)

    def split(self, x: Value, parts: int) -> list[Value]:
        size = x.size // parts
        return [self._emit("slice", (x,), size, start=i * size) for i in range(parts)]

    def finish(self, output: Value) -> Program:
        return Program("input", output.name, tuple(self.states), tuple(self.ops), dict(self.sizes))

    def _scoped(self, name: str) -> str:
        return f"{self.scope}/{name}" if self.scope else name

    def _value(self, name: str, size: int) -> Value:
        self.sizes[name] = size
        return Value(name, size)

    def _emit(
        self,
        primitive: Primitive,
        inputs: tuple[Value, ...],
        size: int,
        name: str = "",
        weight: str = "",
        bias: str = "",
        start: int = 0,
    ) -> Value:
        value = self._value(self._scoped(name or f"{primitive}_{len(self.ops)}"), size)
        self.ops.append(Op(primitive, tuple(v.name for v in inputs), value.name, weight, bias, start))
        return value
