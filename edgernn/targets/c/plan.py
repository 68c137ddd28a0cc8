"""A typed program as a list of kernel calls over pointers: what the template prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edgernn.lowering import QType, TypedProgram
from edgernn.program import Op, Program
from edgernn.targets.c.constants import Constants
from edgernn.targets.c.kernels import COPIES, COPY, DATA, VIEWS, kernel_of
from edgernn.targets.c.literals import identifier, integer, q_format
from edgernn.targets.c.scratch import Layout, Lifetime, allocate

BYTES = {"int8": 1, "int16": 2}


@dataclass(frozen=True)
class Slot:
    """A value in an area of int16_t: a local pointer of the generated function; `offset` counts int16_t."""

    name: str
    dtype: str
    offset: int
    size: int
    format: str


@dataclass(frozen=True)
class Call:
    kernel: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """What one generated function does: its pointers into scratch, and its calls in order."""

    slots: tuple[Slot, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Plan:
    """`body` runs at every step and ends with the new states in place; `head` makes the output."""

    body: Block
    head: Block
    scratch_bytes: int


def plan(typed: TypedProgram, constants: Constants) -> Plan:
    """Raises ExportError when the runtime has no kernel for an op's types."""
    typed = settled(typed)
    program = typed.program
    body, head = phases(program)
    layout = allocate(lifetimes(typed, body, head))
    pointers = {name: _pointer(name, program, head) for name in program.sizes}
    printer = _Printer(typed, pointers, layout, constants)
    states = {pointers[state.name]: state.next for state in program.states}
    output = {} if pointers[program.output] == "y" else {"y": program.output}
    return Plan(printer.block(body, states), printer.block(head, output), layout.size)


def settled(typed: TypedProgram) -> TypedProgram:
    """The program with copies of what no kernel makes and it keeps or gives: the frame, an old state, a constant.

    All states are then replaced by values in scratch, so that no copy overwrites what another one reads.
    """
    program = typed.program
    wanted = dict.fromkeys((*(state.next for state in program.states), program.output))
    copies = {name: f"{name}/copy" for name in wanted if not _computed(name, program)}
    settled_program = replace(
        program,
        ops=(*program.ops, *(Op("concat", (name,), copy) for name, copy in copies.items())),
        states=tuple(replace(state, next=copies.get(state.next, state.next)) for state in program.states),
        output=copies.get(program.output, program.output),
        sizes={**program.sizes, **{copy: program.sizes[name] for name, copy in copies.items()}},
    )
    types = {**typed.types, **{copy: typed.types[name] for name, copy in copies.items()}}
    return replace(typed, program=settled_program, types=types)


def phases(program: Program) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """The ops of every step and those that run once, after the new states replaced the old ones.

    A head that reads the frame or an old state must run before that, so then every op is of every step.
    """
    head = program.head()
    early = {program.input, *(state.name for state in program.states)}
    reading = [name for op in head if op.primitive not in VIEWS for name in op.inputs]
    if any(_root(name, program)[0] in early for name in reading):
        return program.ops, ()
    return program.body(), head


def lifetimes(typed: TypedProgram, body: tuple[Op, ...], head: tuple[Op, ...]) -> list[Lifetime]:
    """When every value in scratch is needed, counted in ops; new states until the body's end."""
    program = typed.program
    ops = body + head
    made = {op.output: i for i, op in enumerate(ops) if op.primitive not in VIEWS | DATA}
    last = dict(made)
    for i, op in enumerate(ops):
        last |= {_root(name, program)[0]: i for name in op.inputs}
    for state in program.states:
        root = _root(state.next, program)[0]
        last[root] = max(last[root], len(body) - 1)
    last[_root(program.output, program)[0]] = len(ops)
    return [
        Lifetime(name, program.sizes[name] * BYTES[typed.types[name].dtype], first, last[name])
        for name, first in made.items()
        if _pointer(name, program, head) != "y"
    ]


def slot(name: str, qtype: QType, offset: int, size: int) -> Slot:
    """A slot at `offset` bytes."""
    return Slot(identifier(name), qtype.dtype, offset // BYTES["int16"], size, q_format(qtype))


def _computed(name: str, program: Program) -> bool:
    producer = program.producer(_root(name, program)[0])
    return producer is not None and producer.primitive not in DATA


def _root(name: str, program: Program) -> tuple[str, int]:
    """The value that `name` is a view of, and where in it the view starts."""
    start = 0
    while (op := program.producer(name)) is not None and op.primitive in VIEWS:
        name, start = op.inputs[0], start + op.start
    return name, start


def _pointer(name: str, program: Program, head: tuple[Op, ...]) -> str:
    """The C expression that points to the value."""
    root, start = _root(name, program)
    producer = program.producer(root)
    if root == program.input:
        pointer = "x"
    elif root in {state.name for state in program.states}:
        pointer = f"s->{identifier(root)}"
    elif root == program.output and root in {op.output for op in head}:
        pointer = "y"
    elif producer is not None and producer.primitive in DATA:
        pointer = identifier(producer.weight)
    else:
        pointer = identifier(root)
    return _offset(pointer, start)


def _offset(pointer: str, elements: int) -> str:
    return f"{pointer} + {elements}" if elements else pointer


@dataclass(frozen=True)
class _Printer:
    """Prints ops as calls: it knows where every value and every constant is."""

    typed: TypedProgram
    pointers: Mapping[str, str]
    layout: Layout
    constants: Constants

    def block(self, ops: tuple[Op, ...], copies: Mapping[str, str]) -> Block:
        """The function that runs `ops` and then copies: to the keys of `copies`, the values that they name."""
        program = self.typed.program
        computing = [op for op in ops if op.primitive not in VIEWS | DATA]
        touched = [*(name for op in computing for name in (*op.inputs, op.output)), *copies.values()]
        roots = dict.fromkeys(_root(name, program)[0] for name in touched)
        return Block(
            slots=tuple(
                slot(name, self.typed.types[name], self.layout.offsets[name], program.sizes[name])
                for name in roots
                if name in self.layout.offsets
            ),
            calls=(
                *(call for op in computing for call in self.calls(op)),
                *(self.copy(name, target) for target, name in copies.items()),
            ),
        )

    def calls(self, op: Op) -> Iterable[Call]:
        if op.primitive in COPIES:
            return self.parts(op)
        kernel = kernel_of(op, self.typed)
        operands = (*(self.pointers[name] for name in op.inputs), self.pointers[op.output])
        parameters = kernel.parameters(op, self.typed) if kernel.parameters else ()
        size = integer(self.typed.program.sizes[op.output])
        if op.primitive == "matvec":
            linear = self.constants.linears[op.output]
            name = linear.kernel(kernel.name)
            return [Call(name, (f"&{linear.name}", *operands, *parameters))]
        if op.primitive == "lookup":
            entries = integer(len(self.typed.weights[op.weight]))
            return [Call(kernel.name, (identifier(op.weight), entries, *operands, size))]
        return [Call(kernel.name, (*operands, size, *parameters))]

    def parts(self, op: Op) -> Iterable[Call]:
        """The inputs one after the other."""
        start = 0
        for name in op.inputs:
            yield self.copy(name, _offset(self.pointers[op.output], start))
            start += self.typed.program.sizes[name]

    def copy(self, name: str, target: str) -> Call:
        kernel = COPY[self.typed.types[name].dtype]
        return Call(kernel, (self.pointers[name], target, integer(self.typed.program.sizes[name])))
