"""Step programs: what a layer does in one time step, as primitives over named vectors.

A cell is written once, as a function that emits primitives through a `Builder`. Everything else (the NumPy
references, the TFLite and ONNX writers, the C exporter, training with fake quantisation) walks the resulting
`Program`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Primitive = Literal[
    "matvec",  # weight @ x + bias
    "lookup",  # weight[x], the row of a table
    "constant",  # the vector weight
    "add",  # a + b
    "sub",  # a - b
    "max",  # the larger of a and b
    "mul",  # a * b
    "sigmoid",  # 1 / (1 + exp(-x))
    "tanh",
    "relu",  # max(x, 0)
    "softplus",  # log(1 + exp(x))
    "softmax",  # exp(x) / sum(exp(x))
    "normalize",  # (x - mean(x)) / sqrt(variance(x) + EPSILON), over the elements
    "blend",  # g + z * (h - g), inputs in the order z, g, h
    "slice",  # x[start : start + size]
    "concat",  # the elements of all inputs, one after the other
    "mean",  # of the elements; appears in expanded programs only
    "rsqrt",  # 1 / sqrt(x + EPSILON); appears in expanded programs only
    "requantize",  # the same real value in another integer type; appears in typed programs only
]
PRIMITIVES: tuple[Primitive, ...] = get_args(Primitive)
PRODUCTS: frozenset[Primitive] = frozenset({"matvec"})
EXPANDED: frozenset[Primitive] = frozenset({"mean", "rsqrt"})  # what `normalize` is made of in an expanded program

EPSILON = 1e-3  # of `normalize`: the default of Keras's LayerNormalization


@dataclass(frozen=True)
class Value:
    """A named vector of one step; `size` is its number of elements."""

    name: str
    size: int


@dataclass(frozen=True)
class Op:
    """One primitive: reads the values `inputs`, defines the value `output`.

    `weight` and `bias` name constants of the network. `weight` is a matrix [output size, input size] for
    `matvec`, a table [entries, output size] for `lookup`, a vector [output size] for `constant`; `bias`
    ([output size], empty for none) belongs to `matvec`; `start` belongs to `slice`. The second factor of `mul`
    and the z of `blend` may have one element for all; so may the second operand of `sub` in expanded programs.
    """

    primitive: Primitive
    inputs: tuple[str, ...]
    output: str
    weight: str = ""
    bias: str = ""
    start: int = 0


@dataclass(frozen=True)
class State:
    """A vector kept from step to step: read as the value `name`, replaced by the value `next`.

    `initial` is the real value of its elements at the start of a stream; in integers it is the nearest value within
    `bounds` and the type. `bounds` are the real values that it never leaves, None where only data can tell.
    """

    name: str
    next: str
    initial: float = 0.0
    bounds: tuple[float, float] | None = None


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

    def readers(self, name: str) -> tuple[Op, ...]:
        """The ops that read the value `name`."""
        return tuple(op for op in self.ops if name in op.inputs)


def shared_name(name: str) -> str:
    """The name that a value has in common with those of other frames of the same step: `gru/z@1` is `gru/z`."""
    return re.sub(r"@\d+", "", name)


def layer_of(name: str) -> str:
    """The layer that a value or a constant belongs to, `gru` for `gru/z`; empty for the input."""
    return name.split("/", 1)[0] if "/" in name else ""


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

    Names are `<scope>/<name>`; a name that is not given is numbered, so they are the same at every build. Where
    one step takes several frames, a layer's ops are there several times: values of the second frame end in `@1`.
    """

    ops: list[Op] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    scope: str = ""
    frame: int = 0

    def within(self, scope: str, frame: int = 0) -> Builder:
        """The same program under construction, with names below `scope`, for a frame of the step."""
        return replace(self, scope=scope, frame=frame)

    def input(self, size: int, name: str = "input") -> Value:
        return self._value(name, size)

    def state(self, name: str, size: int) -> Value:
        return self._value(f"{self.scope}/{name}" if self.scope else name, size)

    def next(
        self, state: Value, value: Value, initial: float = 0.0, bounds: tuple[float, float] | None = None
    ) -> Value:
        """Make `value` what the state becomes at the end of this step; returns `value`."""
        self.states.append(State(state.name, value.name, initial, bounds))
        return value

    def matvec(self, weight: str, x: Value, rows: int, bias: str = "", name: str = "") -> Value:
        return self._emit("matvec", (x,), rows, name, weight=weight, bias=bias)

    def lookup(self, table: str, index: Value, size: int, name: str = "") -> Value:
        return self._emit("lookup", (index,), size, name, weight=table)

    def constant(self, vector: str, size: int, name: str = "") -> Value:
        return self._emit("constant", (), size, name, weight=vector)

    def add(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("add", (a, b), a.size, name)

    def sub(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("sub", (a, b), a.size, name)

    def max(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("max", (a, b), a.size, name)

    def mul(self, a: Value, b: Value, name: str = "") -> Value:
        return self._emit("mul", (a, b), a.size, name)

    def sigmoid(self, x: Value, name: str = "") -> Value:
        return self._emit("sigmoid", (x,), x.size, name)

    def tanh(self, x: Value, name: str = "") -> Value:
        return self._emit("tanh", (x,), x.size, name)

    def relu(self, x: Value, name: str = "") -> Value:
        return self._emit("relu", (x,), x.size, name)

    def softplus(self, x: Value, name: str = "") -> Value:
        return self._emit("softplus", (x,), x.size, name)

    def softmax(self, x: Value, name: str = "") -> Value:
        return self._emit("softmax", (x,), x.size, name)

    def normalize(self, x: Value, name: str = "") -> Value:
        return self._emit("normalize", (x,), x.size, name)

    def blend(self, z: Value, g: Value, h: Value, name: str = "") -> Value:
        return self._emit("blend", (z, g, h), h.size, name)

    def slice(self, x: Value, start: int, size: int, name: str = "") -> Value:
        return self._emit("slice", (x,), size, name, start=start)

    def split(self, x: Value, parts: int) -> list[Value]:
        """Equal parts of `x`; `x` itself where there is one."""
        size = x.size // parts
        return [x] if parts == 1 else [self.slice(x, i * size, size) for i in range(parts)]

    def concat(self, values: Sequence[Value], name: str = "") -> Value:
        """All values in one; the value itself where there is one, or where they are all parts of one in order."""
        if len(values) == 1:
            return values[0]
        return self._whole(values) or self._emit("concat", tuple(values), sum(v.size for v in values), name)

    def finish(self, output: Value) -> Program:
        return Program("input", output.name, tuple(self.states), tuple(self.ops), dict(self.sizes))

    def _whole(self, values: Sequence[Value]) -> Value | None:
        """What `values` are the slices of, when together they are all of it."""
        made = {op.output: op for op in self.ops if op.primitive == "slice"}
        cuts = [made.get(value.name) for value in values]
        start = 0
        for cut, value in zip(cuts, values, strict=True):
            if cut is None or cuts[0] is None or cut.inputs != cuts[0].inputs or cut.start != start:
                return None
            start += value.size
        source = cuts[0].inputs[0] if cuts[0] else ""
        return Value(source, start) if start == self.sizes[source] else None

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
        value = self._value(self._scoped(name or f"{primitive}_{self._count()}") + self._suffix(), size)
        weight, bias = (self._scoped(name) if name else "" for name in (weight, bias))
        self.ops.append(Op(primitive, tuple(v.name for v in inputs), value.name, weight, bias, start))
        return value

    def _scoped(self, name: str) -> str:
        return f"{self.scope}/{name}" if self.scope else name

    def _suffix(self) -> str:
        return f"@{self.frame}" if self.frame else ""

    def _count(self) -> int:
        """The ops of this scope and frame so far: numbers are the same in every frame of a step."""
        prefix, frame = self._scoped(""), self._suffix()
        names = [op.output for op in self.ops if op.output.startswith(prefix)]
        return sum(name == shared_name(name) + frame for name in names)
