"""A typed program as a list of kernel calls over pointers: what the template prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgernn.errors import ExportError
from edgernn.lowering import TypedProgram
from edgernn.program import Op, Program
from edgernn.targets.c.kernels import COPY, VIEWS, kernel_of
from edgernn.targets.c.literals import identifier, integer, q_format
from edgernn.targets.c.scratch import Layout, Lifetime, allocate

BYTES = {"int8": 1, "int16": 2}


@dataclass(frozen=True)
class Slot:
    """A value in scratch: a local pointer of the generated function; `offset` counts int16_t."""

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


def plan(typed: TypedProgram) -> Plan:
    """Raises ExportError when the runtime has no kernel for an op's types, or no way to keep a state."""
    program = typed.program
    body, head = phases(program)
    layout = allocate(lifetimes(typed, body, head))
    pointers = {name: _pointer(name, program, head) for name in program.sizes}
    states = {pointers[state.name]: state.next for state in program.states}
    output = {} if pointers[program.output] == "y" else {"y": program.output}
    return Plan(
        body=_block(body, states, typed, pointers, layout),
        head=_block(head, output, typed, pointers, layout),
        scratch_bytes=layout.size,
    )


def phases(program: Program) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """The ops of every step and those that run once, after the new states replaced the old ones.

    A head that reads the frame or an old state must run before that, so then every op is of every step.
    """
    head = program.head()
    early = {program.input, *(state.name for state in program.states)}
    if any(early.intersection(op.inputs) for op in head):
        return program.ops, ()
    return program.body(), head


def lifetimes(typed: TypedProgram, body: tuple[Op, ...], head: tuple[Op, ...]) -> list[Lifetime]:
    """When every value in scratch is needed, counted in ops; new states until the body's end."""
    program = typed.program
    ops = body + head
    made = {op.output: i for i, op in enumerate(ops) if op.primitive not in VIEWS}
    last = dict(made)
    for i, op in enumerate(ops):
        last |= {_root(name, program)[0]: i for name in op.inputs}
    for state in program.states:
        root = _root(state.next, program)[0]
        if root not in made:
            raise ExportError(f"{state.name}: the C target has no state that is another value unchanged")
        last[root] = max(last[root], len(body) - 1)
    last[_root(program.output, program)[0]] = len(ops)
    return [
        Lifetime(name, program.sizes[name] * BYTES[typed.types[name].dtype], first, last[name])
        for name, first in made.items()
        if _pointer(name, program, head) != "y"
    ]


def _root(name: str, program: Program) -> tuple[str, int]:
    """The value that `name` is a view of, and where in it the view starts."""
    start = 0
    while (op := program.producer(name)) is not None and op.primitive in VIEWS:
        name, start = op.inputs[0], start + op.start
    return name, start


def _pointer(name: str, program: Program, head: tuple[Op, ...]) -> str:
    """The C expression that points to the value."""
    root, start = _root(name, program)
    if root == program.input:
        pointer = "x"
    elif root in {state.name for state in program.states}:
        pointer = f"s->{identifier(root)}"
    elif root == program.output and root in {op.output for op in head}:
        pointer = "y"
    else:
        pointer = identifier(root)
    return f"{pointer} + {start}" if start else pointer


def _block(
    ops: tuple[Op, ...],
    copies: Mapping[str, str],
    typed: TypedProgram,
    pointers: Mapping[str, str],
    layout: Layout,
) -> Block:
    """The function that runs `ops` and then copies: to the keys of `copies`, the values that they name."""
    computing = [op for op in ops if op.primitive not in VIEWS]
    touched = [*(name for op in computing for name in (*op.inputs, op.output)), *copies.values()]
    roots = dict.fromkeys(_root(name, typed.program)[0] for name in touched)
    return Block(
        slots=tuple(_slot(name, typed, layout) for name in roots if name in layout.offsets),
        calls=(
            *(_call(op, typed, pointers) for op in computing),
            *(
                Call(COPY, (pointers[name], target, integer(typed.program.sizes[name])))
                for target, name in copies.items()
            ),
        ),
    )


def _slot(name: str, typed: TypedProgram, layout: Layout) -> Slot:
    qtype = typed.types[name]
    offset = layout.offsets[name] // BYTES["int16"]
    return Slot(identifier(name), qtype.dtype, offset, typed.program.sizes[name], q_format(qtype))


def _call(op: Op, typed: TypedProgram, pointers: Mapping[str, str]) -> Call:
    kernel = kernel_of(op, typed)
    operands = (*(pointers[name] for name in op.inputs), pointers[op.output])
    parameter = () if kernel.parameter is None else (integer(kernel.parameter(op, typed)),)
    if op.primitive == "matvec":
        return Call(kernel.name, (f"&{identifier(op.weight)}", *operands, *parameter))
    return Call(kernel.name, (*operands, integer(typed.program.sizes[op.output]), *parameter))
