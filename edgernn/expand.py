"""Programs in the operators of TFLite and ONNX, which have neither `blend` nor `normalize`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgernn.program import Op, Primitive, Program


def expand(program: Program) -> Program:
    """The program with g + z * (h - g) and (x - mean) / sqrt(variance) as simpler operators."""
    ops: list[Op] = []
    sizes = dict(program.sizes)
    for op in program.ops:
        parts = _PARTS[op.primitive](op) if op.primitive in _PARTS else [(op, 0)]
        for part, elements in parts:
            ops.append(part)
            sizes.setdefault(part.output, elements or sizes[op.output])
    return replace(program, ops=tuple(ops), sizes=sizes)


Parts = list[tuple[Op, int]]  # with the number of elements of each result, 0 for that of the whole


def _blend(op: Op) -> Parts:
    z, g, h = op.inputs
    difference, scaled = f"{op.output}/difference", f"{op.output}/scaled"
    return [
        (Op("sub", (h, g), difference), 0),
        (Op("mul", (difference, z), scaled), 0),
        (Op("add", (g, scaled), op.output), 0),
    ]


def _normalize(op: Op) -> Parts:
    (x,) = op.inputs
    mean, centred, squares = (f"{op.output}/{part}" for part in ("mean", "centred", "squares"))
    variance, factor = f"{op.output}/variance", f"{op.output}/factor"
    return [
        (Op("mean", (x,), mean), 1),
        (Op("sub", (x, mean), centred), 0),
        (Op("mul", (centred, centred), squares), 0),
        (Op("mean", (squares,), variance), 1),
        (Op("rsqrt", (variance,), factor), 1),
        (Op("mul", (centred, factor), op.output), 0),
    ]


_PARTS: Mapping[Primitive, Callable[[Op], Parts]] = {"blend": _blend, "normalize": _normalize}
