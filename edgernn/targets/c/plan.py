"""A typed program as a list of kernel calls over pointers: what the template prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edgernn.lowering import QType, TypedProgram
from edgernn.program import Op, Program
from edgernn.targets.c.constants import Constants
from edgernn.targets.c.fuse import Task, tasks
from edgernn.targets.c.join import AND
from edgernn.targets.c.kernels import COPIES, COPY, DATA, TURNING, VIEWS, kernel_of
from edgernn.targets.c.literals import identifier, integer, q_format
from edgernn.targets.c.packing import GROUP
from edgernn.targets.c.scratch import Layout, Lifetime, allocate

BYTES = {"int8": 1, "int16": 2}
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
    direct = _in_place(program, body)
    layout = allocate(lifetimes(typed, body, head, direct))
    pointers = {name: _pointer(name, program, head, direct) for name in program.sizes}
    large = frozenset(task.ops[0].output for task in body if batched and _is_large(task, typed, constants))
    printer = _Printer(typed, pointers, layout, constants, large)
    states = {
        pointers[state.name]: state.next for state in program.states if pointers[state.name] != pointers[state.next]
    }
    output = {} if pointers[program.output] == "y" else {"y": program.output}
    ahead = printer.ahead(first.ops[0]) if first else None
    work = _works(first, program)[0][1] if first else 0
    return Plan(
        printer.block(body, states), printer.block(head, output), max(layout.size, work), ahead, bool(large)
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
    late = {_root(name, program)[0] for name in (program.output, *(n for task in head for n in task.inputs))}
    found = [task for task in body if task.ops[0].primitive == "matvec" and task.inputs == (program.input,)]
    fit = [
        task
        for task in found
        if not constants.linears[task.outputs[0]].matrix.sparse
        and typed.types[task.outputs[0]].dtype == "int16"
        and task.outputs[0] not in late
    ]
    return fit[0] if len(fit) == 1 else None


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


def _in_place(program: Program, body: tuple[Task, ...]) -> dict[str, str]:
    """Next states that are made in the state's own place, and the states: nothing reads the old one any more.

    The task that makes it may read the old state if its kernel allows that.
    """
    found = {}
    for state in program.states:
        maker = next((i for i, task in enumerate(body) if state.next in task.outputs), None)
        others = [other for other in program.states if _root(other.next, program)[0] == state.next]
        reading = [i for i, task in enumerate(body) if any(_root(n, program)[0] == state.name for n in task.inputs)]
        if maker is None or len(others) != 1 or any(i > maker for i in reading):
            continue
        if maker not in reading or state.name == body[maker].replaces:
            found[state.next] = state.name
    return found


def lifetimes(
    typed: TypedProgram, body: tuple[Task, ...], head: tuple[Task, ...], direct: Mapping[str, str]
) -> list[Lifetime]:
    """When every value in scratch is needed, counted in tasks; new states until the body's end."""
    program = typed.program
    every = body + head
    made = {name: i for i, task in enumerate(every) if _computes(task) for name in task.outputs}
    last = dict(made)
    for i, task in enumerate(every):
        last |= {_root(name, program)[0]: i for name in task.inputs}
    for state in program.states:
        root = _root(state.next, program)[0]
        last[root] = max(last[root], len(body) - 1)
    last[_root(program.output, program)[0]] = len(every)
    values = [
        Lifetime(name, program.sizes[name] * BYTES[typed.types[name].dtype], first, last[name])
        for name, first in made.items()
        if name not in direct and _pointer(name, program, head, direct) != "y"
    ]
    return values + [
        Lifetime(_work(op), size, i, i) for i, task in enumerate(every) for op, size in _works(task, program)
    ]


def _works(task: Task, program: Program) -> list[tuple[Op, int]]:
    """The scratch of matrix products themselves, in bytes: an int16_t a column, up to a multiple of four."""
    sizes = [(op, program.sizes[op.inputs[0]]) for op in task.ops if op.primitive == "matvec"]
    return [(op, -(-columns // GROUP) * GROUP * BYTES["int16"]) for op, columns in sizes]


def _work(op: Op) -> str:
    return f"{op.output}/work"


def _computes(task: Task) -> bool:
    return task.ops[0].primitive not in VIEWS | DATA


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


def _pointer(name: str, program: Program, head: tuple[Task, ...], direct: Mapping[str, str]) -> str:
    """The C expression that points to the value."""
    root, start = _root(name, program)
    root = direct.get(root, root)
    producer = program.producer(root)
    if root == program.input:
        pointer = "x"
    elif root in {state.name for state in program.states}:
        pointer = f"s->{identifier(root)}"
    elif root == program.output and any(root in task.outputs for task in head):
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
    large: frozenset[str]  # the products that turn

    def block(self, found: tuple[Task, ...], copies: Mapping[str, str]) -> Block:
        """The function that does tasks and then copies: to the keys of `copies`, the values that they name."""
        program = self.typed.program
        computing = [task for task in found if _computes(task)]
        touched = [*(name for task in computing for name in (*task.inputs, *task.outputs)), *copies.values()]
        roots = dict.fromkeys(_root(name, program)[0] for name in touched)
        values = [
            replace(
                slot(name, self.typed.types[name], self.layout.offsets[name], program.sizes[name]),
                format=self.format(name),
            )
            for name in roots
            if name in self.layout.offsets
        ]
        return Block(
            slots=(*values, *(self.work(op, size) for task in computing for op, size in _works(task, program))),
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
        return Slot(identifier(_work(op)), "int16", self.layout.offsets[_work(op)] // BYTES["int16"], words, "work")

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
            arguments = (f"&{linear.name}", *operands, *parameters, identifier(_work(op)))
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
