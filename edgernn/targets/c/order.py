"""The tasks of a step in their order: which run at every step, where values live and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgernn.lowering import TypedProgram
from edgernn.program import Op, Program
from edgernn.targets.c.fuse import Task
from edgernn.targets.c.kernels import DATA, VIEWS
from edgernn.targets.c.packing import GROUP
from edgernn.targets.c.scratch import Lifetime

BYTES = {"int8": 1, "int16": 2}


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
    if any(root(name, program)[0] in early for name in reading):
        return program.ops, ()
    return program.body(), head


def in_place(program: Program, body: tuple[Task, ...]) -> dict[str, str]:
    """Next states that are made in the state's own place, and the states: nothing reads the old one any more.

    The task that makes it may read the old state if its kernel allows that.
    """
    found = {}
    for state in program.states:
        maker = next((i for i, task in enumerate(body) if state.next in task.outputs), None)
        others = [other for other in program.states if root(other.next, program)[0] == state.next]
        reading = [i for i, task in enumerate(body) if any(root(n, program)[0] == state.name for n in task.inputs)]
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
    made = {name: i for i, task in enumerate(every) if computes(task) for name in task.outputs}
    last = dict(made)
    for i, task in enumerate(every):
        last |= {root(name, program)[0]: i for name in task.inputs}
    for state in program.states:
        kept = root(state.next, program)[0]
        last[kept] = max(last[kept], len(body) - 1)
    last[root(program.output, program)[0]] = len(every)
    values = [
        Lifetime(name, program.sizes[name] * BYTES[typed.types[name].dtype], first, last[name])
        for name, first in made.items()
        if name not in direct and not is_given(name, program, head)
    ]
    return values + [
        Lifetime(work(op), size, i, i) for i, task in enumerate(every) for op, size in works(task, program)
    ]


def is_given(name: str, program: Program, head: tuple[Task, ...]) -> bool:
    """Whether a value is made where the output goes."""
    return name == program.output and any(name in task.outputs for task in head)


def works(task: Task, program: Program) -> list[tuple[Op, int]]:
    """The scratch of matrix products themselves, in bytes: an int16_t a column, up to a multiple of four."""
    sizes = [(op, program.sizes[op.inputs[0]]) for op in task.ops if op.primitive == "matvec"]
    return [(op, -(-columns // GROUP) * GROUP * BYTES["int16"]) for op, columns in sizes]


def work(op: Op) -> str:
    """The name of a product's scratch."""
    return f"{op.output}/work"


def computes(task: Task) -> bool:
    """Whether a task is a call, and no view or array."""
    return task.ops[0].primitive not in VIEWS | DATA


def _computed(name: str, program: Program) -> bool:
    producer = program.producer(root(name, program)[0])
    return producer is not None and producer.primitive not in DATA


def root(name: str, program: Program) -> tuple[str, int]:
    """The value that `name` is a view of, and where in it the view starts."""
    start = 0
    while (op := program.producer(name)) is not None and op.primitive in VIEWS:
        name, start = op.inputs[0], start + op.start
    return name, start
