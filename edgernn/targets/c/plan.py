"""A typed program as a list of kernel calls over pointers: what the template prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edgernn.lowering import QType, TypedProgram
from edgernn.program import Op, Program
from edgernn.targets.c.constants import Constants
from edgernn.targets.c.fuse import Task, tasks
from edgernn.targets.c.join import AND
from edgernn.targets.c.kernels import COPIES, COPY, DATA, TURNING, kernel_of
from edgernn.targets.c.literals import identifier, integer, q_format
from edgernn.targets.c.order import (
    BYTES,
    computes,
    in_place,
    is_given,
    lifetimes,
    phases,
    root,
    settled,
    work,
    works,
)
from edgernn.targets.c.scratch import Layout, allocate

LARGE_BYTES = 24 * 1024  # of weights: first caches are 32 kB and more


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
class Ahead:
    """A product of the frame alone: `kernel` computes it for several steps at once. `name` is its value, int16."""

    name: str
    kernel: str
    linear: str
    rows: int
    format: str


@dataclass(frozen=True)
class Plan:
    """`body` runs at every step and ends with the new states in place; `head` makes the output.

    `ahead` is what the body finds done. A body that is `turning` is told to read its large matrices backward at
    every second step of a window.
    """

    body: Block
    head: Block
    scratch_bytes: int
    ahead: Ahead | None = None
    turning: bool = False


def plan(typed: TypedProgram, constants: Constants, batched: bool = False) -> Plan:
    """With `batched` a dense product of the frame is `ahead`, where there is one.

    Raises ExportError when the runtime has no kernel for an op's types.
    """
    typed = settled(typed)
    program = typed.program
    body, head = (tasks(ops, typed) for ops in phases(program))
    first = _of_the_frame(body, head, typed, constants) if batched else None
    body = tuple(task for task in body if task is not first)
    direct = in_place(program, body)
    layout = allocate(lifetimes(typed, body, head, direct))
    pointers = {name: _pointer(name, program, head, direct) for name in program.sizes}
    large = frozenset(task.ops[0].output for task in body if batched and _is_large(task, typed, constants))
    printer = _Printer(typed, pointers, layout, constants, large)
    states = {
        pointers[state.name]: state.next for state in program.states if pointers[state.name] != pointers[state.next]
    }
    output = {} if pointers[program.output] == "y" else {"y": program.output}
    ahead = printer.ahead(first.ops[0]) if first else None
    least = works(first, program)[0][1] if first else 0
    return Plan(
        printer.block(body, states), printer.block(head, output), max(layout.size, least), ahead, bool(large)
    )


def _is_large(task: Task, typed: TypedProgram, constants: Constants) -> bool:
    """Whether a task is a dense product that may not find its weights in a processor's first cache."""
    op = task.ops[0]
    if op.primitive != "matvec" or kernel_of(op, typed).name not in TURNING:
        return False
    matrix = constants.linears[op.output].matrix
    return not matrix.sparse and matrix.weight.size >= LARGE_BYTES


def _of_the_frame(
    body: tuple[Task, ...], head: tuple[Task, ...], typed: TypedProgram, constants: Constants
) -> Task | None:
    """The one product of the body that reads the frame, where it is dense, gives int16 and is not for the head."""
    program = typed.program
    late = {root(name, program)[0] for name in (program.output, *(n for task in head for n in task.inputs))}
    found = [task for task in body if task.ops[0].primitive == "matvec" and task.inputs == (program.input,)]
    fit = [
        task
        for task in found
        if not constants.linears[task.outputs[0]].matrix.sparse
        and typed.types[task.outputs[0]].dtype == "int16"
        and task.outputs[0] not in late
    ]
    return fit[0] if len(fit) == 1 else None


def slot(name: str, qtype: QType, offset: int, size: int) -> Slot:
    """A slot at `offset` bytes."""
    return Slot(identifier(name), qtype.dtype, offset // BYTES["int16"], size, q_format(qtype))


def _pointer(name: str, program: Program, head: tuple[Task, ...], direct: Mapping[str, str]) -> str:
    """The C expression that points to the value."""
    made, start = root(name, program)
    place = direct.get(made, made)
    producer = program.producer(place)
    if place == program.input:
        pointer = "x"
    elif place in {state.name for state in program.states}:
        pointer = f"s->{identifier(place)}"
    elif is_given(place, program, head):
        pointer = "y"
    elif producer is not None and producer.primitive in DATA:
        pointer = identifier(producer.weight)
    else:
        pointer = identifier(place)
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
    large: frozenset[str]  # the products that turn

    def block(self, found: tuple[Task, ...], copies: Mapping[str, str]) -> Block:
        """The function that does tasks and then copies: to the keys of `copies`, the values that they name."""
        program = self.typed.program
        computing = [task for task in found if computes(task)]
        touched = [*(name for task in computing for name in (*task.inputs, *task.outputs)), *copies.values()]
        roots = dict.fromkeys(root(name, program)[0] for name in touched)
        values = [
            replace(
                slot(name, self.typed.types[name], self.layout.offsets[name], program.sizes[name]),
                format=self.format(name),
            )
            for name in roots
            if name in self.layout.offsets
        ]
        return Block(
            slots=(*values, *(self.work(op, size) for task in computing for op, size in works(task, program))),
            calls=(
                *(call for task in computing for call in self.calls(task)),
                *(self.copy(name, target) for target, name in copies.items()),
            ),
        )

    def format(self, name: str) -> str:
        """What the integers of a value mean; its parts may have scales of their own where products were joined."""
        parts = [op.output for op in self.typed.program.readers(name) if AND in name] or [name]
        return ", ".join(dict.fromkeys(q_format(self.typed.types[part]) for part in parts))

    def work(self, op: Op, size: int) -> Slot:
        words = size // BYTES["int16"]
        return Slot(identifier(work(op)), "int16", self.layout.offsets[work(op)] // BYTES["int16"], words, "work")

    def ahead(self, op: Op) -> Ahead:
        linear, kernel = self.constants.linears[op.output], kernel_of(op, self.typed).name
        several = kernel.replace("ernn_matvec_", "ernn_matmul_")
        rows = self.typed.program.sizes[op.output]
        return Ahead(self.pointers[op.output], several, linear.name, rows, self.format(op.output))

    def calls(self, task: Task) -> Iterable[Call]:
        if task.kernel:
            return [
                Call(task.kernel, (*(self.pointers[n] for n in (*task.inputs, *task.outputs)), *task.parameters))
            ]
        op = task.ops[0]
        if op.primitive in COPIES:
            return self.parts(op)
        kernel = kernel_of(op, self.typed)
        operands = (*(self.pointers[name] for name in op.inputs), self.pointers[op.output])
        parameters = kernel.parameters(op, self.typed) if kernel.parameters else ()
        size = integer(self.typed.program.sizes[op.output])
        if op.primitive == "matvec":
            linear = self.constants.linears[op.output]
            arguments = (f"&{linear.name}", *operands, *parameters, identifier(work(op)))
            if op.output in self.large:
                return [Call(TURNING[kernel.name], (*arguments, "backward"))]
            return [Call(linear.kernel(kernel.name), arguments)]
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
