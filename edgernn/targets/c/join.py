"""Matrix products of one value made one product: the kernel reads the value once, and is called once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgernn.lowering import TypedPass, TypedProgram
from edgernn.program import Op

AND = "+"  # between the names of what was joined


def join(one: TypedPass) -> TypedPass:
    """A pass whose programs compute the products that read one value, and give int16, at once."""
    backward = None if one.backward is None else _joined(one.backward)
    return replace(one, forward=_joined(one.forward), backward=backward)


def _joined(typed: TypedProgram) -> TypedProgram:
    for group in _groups(typed):
        typed = _together(typed, group)
    return typed


def _groups(typed: TypedProgram) -> list[list[Op]]:
    """Products of one value in one layer; those of every step and those of the output only are not joined."""
    program = typed.program
    found: dict[tuple[int, str, str], list[Op]] = {}
    for number, phase in enumerate((program.body(), program.head())):
        for op in phase:
            if op.primitive == "matvec" and _plain(op, typed):
                found.setdefault((number, op.inputs[0], op.weight.rpartition("/")[0]), []).append(op)
    return [group for group in found.values() if len(group) > 1]


def _plain(op: Op, typed: TypedProgram) -> bool:
    """Whether the product gives int16 with a power-of-two scale: then a row's scale can make up for another's."""
    qtype = typed.types[op.output]
    shared = sum(other.weight == op.weight for other in typed.program.ops) > 1
    return qtype.dtype == "int16" and not qtype.zero_point and math.frexp(qtype.scale)[0] == 0.5 and not shared


def _together(typed: TypedProgram, group: Sequence[Op]) -> TypedProgram:
    """The program with one product in place of the first of `group`, and the others as parts of it."""
    program, first = typed.program, group[0]
    whole = replace(
        first,
        output=_name([op.output for op in group]),
        weight=_name([op.weight for op in group]),
        bias=_name([op.weight for op in group]) + "/bias",
    )
    rows = [program.sizes[op.output] for op in group]
    starts = np.cumsum([0, *rows[:-1]])
    parts = [
        Op("slice", (whole.output,), op.output, start=int(start)) for op, start in zip(group, starts, strict=True)
    ]
    target = typed.types[first.output].scale
    scales = [typed.scales[op.weight] * (target / typed.types[op.output].scale) for op in group]
    biases = [
        typed.biases[op.bias] if op.bias else np.zeros(size, np.int32) for op, size in zip(group, rows, strict=True)
    ]
    ops = [one for op in program.ops for one in ((whole, *parts) if op is first else () if op in group else (op,))]
    return replace(
        typed,
        program=replace(program, ops=tuple(ops), sizes={**program.sizes, whole.output: sum(rows)}),
        types={**typed.types, whole.output: typed.types[first.output]},
        weights={**typed.weights, whole.weight: np.concatenate([typed.weights[op.weight] for op in group])},
        scales={**typed.scales, whole.weight: np.concatenate(scales)},
        biases={**typed.biases, whole.bias: np.concatenate(biases)},
    )


def _name(names: Sequence[str]) -> str:
    """`gru/kernel_zr` and `gru/kernel_g` are `gru/kernel_zr+kernel_g`."""
    return AND.join([names[0], *(name.rpartition("/")[2] for name in names[1:])])
