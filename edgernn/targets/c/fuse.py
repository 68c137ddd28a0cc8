"""Chains of element-wise ops that one kernel of the runtime computes at once: the gates of whole cells.

The kernel gives the same bits as the ops one by one; it saves their loads and stores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgernn.lowering import TypedProgram
from edgernn.program import Op, Primitive
from edgernn.reference import product_shift, sum_shift
from edgernn.targets.c.literals import integer

LONGEST_SHIFT = 15  # of what an LSTM's tanh reads


@dataclass(frozen=True)
class Task:
    """What one step of a plan computes: a single op, or the ops of `kernel`.

    `inputs` and `outputs` are values in the order of the kernel's arguments, `parameters` its last ones. The kernel
    may write its first output over the input `replaces`.
    """

    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kernel: str = ""
    parameters: tuple[str, ...] = ()
    replaces: str = ""


def tasks(ops: Sequence[Op], typed: TypedProgram) -> tuple[Task, ...]:
    """All of `ops`; a chain stands where its last op stood.

    Raises ExportError where no shift joins the types of a chain.
    """
    chains = [chain for op in ops if (chain := _chain(op, ops, typed))]
    inside = {op.output for chain in chains for op in chain.ops}
    last = {chain.ops[0].output: chain for chain in chains}
    found = []
    for op in ops:
        if op.output in last:
            found.append(last[op.output])
        elif op.output not in inside:
            found.append(Task((op,), op.inputs, (op.output,)))
    return tuple(found)


def _chain(op: Op, ops: Sequence[Op], typed: TypedProgram) -> Task | None:
    """The chain that ends with `op`, where nothing else reads what it makes on the way."""
    for match in _CHAINS.get(op.primitive, ()):
        try:
            found = match(op, _Reader(typed))
        except _NoMatchError:
            continue
        if _closed(found, ops, typed):
            return found
    return None


def _closed(chain: Task, ops: Sequence[Op], typed: TypedProgram) -> bool:
    """Whether all is among `ops`, what stays inside is read inside only, and the outputs only after the chain."""
    program = typed.program
    inside, last = set(chain.ops), ops.index(chain.ops[0])
    kept = {program.output, *(state.next for state in program.states)}
    if not inside <= set(ops):
        return False
    for op in chain.ops:
        others = [reader for reader in program.readers(op.output) if reader not in inside]
        if op.output not in chain.outputs and (others or op.output in kept):
            return False
        if any(reader in ops and ops.index(reader) < last for reader in others):
            return False
    return True


class _NoMatchError(Exception):
    """The ops are not those of the chain."""


@dataclass(frozen=True)
class _Reader:
    """Walks from a value to the op that makes it."""

    typed: TypedProgram

    def size(self, op: Op) -> int:
        """The number of elements that `op` makes, all of them int16."""
        if any(self.typed.types[value].dtype != "int16" for value in (*op.inputs, op.output)):
            raise _NoMatchError
        return self.typed.program.sizes[op.output]

    def op(self, name: str, primitive: Primitive, size: int) -> Op:
        """The op of that primitive and size that makes `name`."""
        found = self.typed.program.producer(name)
        if found is None or found.primitive != primitive or self.size(found) != size:
            raise _NoMatchError
        return found

    def part(self, name: str, index: int, size: int) -> Op:
        """The slice that is part number `index` of its input."""
        found = self.op(name, "slice", size)
        if found.start != index * size:
            raise _NoMatchError
        return found

    def rescaling(self, name: str, size: int) -> tuple[tuple[Op, ...], str, int]:
        """What `name` is requantised from by a shift to the left, or, negative, to the right."""
        producer = self.typed.program.producer(name)
        if producer is None or producer.primitive != "requantize":
            return (), name, 0
        source, target = (self.typed.types[value] for value in (producer.inputs[0], name))
        fraction, exponent = math.frexp(source.scale / target.scale)
        whole = fraction == 0.5 and abs(exponent - 1) <= LONGEST_SHIFT
        if not whole or self.size(producer) != size or source.zero_point or target.zero_point:
            raise _NoMatchError
        return (producer,), producer.inputs[0], exponent - 1


def _gru(blend: Op, read: _Reader) -> Task:
    """A GRU's gates and next state, with its reset after the recurrent product."""
    size = read.size(blend)
    z_name, g_name, h = blend.inputs
    z = read.part(z_name, 0, size)
    g = read.op(g_name, "tanh", size)
    g_sum = read.op(g.inputs[0], "add", size)
    reset = read.op(g_sum.inputs[1], "mul", size)
    r = read.part(reset.inputs[0], 1, size)
    gates = read.op(z.inputs[0], "sigmoid", 2 * size)
    if r.inputs != z.inputs or read.typed.program.sizes[reset.inputs[1]] != size:
        raise _NoMatchError
    total = read.op(gates.inputs[0], "add", 2 * size)
    numbers = (size, sum_shift(total, read.typed), product_shift(reset, read.typed), sum_shift(g_sum, read.typed))
    return Task(
        (blend, g, g_sum, reset, r, z, gates, total),
        (*total.inputs, g_sum.inputs[0], reset.inputs[1], h),
        (blend.output,),
        "ernn_gru_s16",
        tuple(map(integer, numbers)),
        h,
    )


def _lstm(h_next: Op, read: _Reader) -> Task:
    """An LSTM's gates and next states."""
    size = read.size(h_next)
    o = read.part(h_next.inputs[0], 2, size)
    squashed = read.op(h_next.inputs[1], "tanh", size)
    rescaled, memory_name, tanh_shift = read.rescaling(squashed.inputs[0], size)
    memory = read.op(memory_name, "add", size)
    kept, new = (read.op(name, "mul", size) for name in memory.inputs)
    f, i = read.part(kept.inputs[0], 1, size), read.part(new.inputs[0], 0, size)
    g = read.op(new.inputs[1], "tanh", size)
    g_sum = read.op(g.inputs[0], "add", size)
    gates = read.op(o.inputs[0], "sigmoid", 3 * size)
    if not o.inputs == f.inputs == i.inputs:
        raise _NoMatchError
    total = read.op(gates.inputs[0], "add", 3 * size)
    numbers = (
        *(
            size,
            sum_shift(total, read.typed),
            sum_shift(g_sum, read.typed),
            product_shift(kept, read.typed),
            product_shift(new, read.typed),
        ),
        *(sum_shift(memory, read.typed), tanh_shift, product_shift(h_next, read.typed)),
    )
    return Task(
        (h_next, squashed, *rescaled, memory, kept, new, f, i, o, g, g_sum, gates, total),
        (*total.inputs, *g_sum.inputs, kept.inputs[1]),
        (memory.output, h_next.output),
        "ernn_lstm_s16",
        tuple(map(integer, numbers)),
        kept.inputs[1],
    )


_CHAINS: dict[Primitive, tuple[Callable[[Op, _Reader], Task], ...]] = {"blend": (_gru,), "mul": (_lstm,)}
