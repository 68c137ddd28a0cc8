"""log(1 + exp(x)), for which TFLite has no operator."""

from __future__ import annotations

import numpy as np

from edgernn.fixed_point import Q4_11
from edgernn.lowering import UNIT_INT16, WIDE_GATE_INT16, QType
from edgernn.program import Op
from edgernn.targets.tflite.flatbuffer import TENSOR_TYPES
from edgernn.targets.tflite.plan import Scope

KNOT = QType("int8", 1 / 8)  # between two entries of the table
BASE = 127  # the largest int8 weight; entries are the digits high and low of a number of this base
TERM = QType("int16", 1.0)  # of a digit
DIGIT_SCALE = np.array([Q4_11])
_INT8, _INT32 = TENSOR_TYPES["int8"], TENSOR_TYPES["int32"]


def softplus(scope: Scope, op: Op) -> None:
    """Of one element, [rows, 1] to [rows, 1]."""
    if scope.plan.dtype(op.output) == "float32":
        _float(scope, op)
    else:
        _integer(scope, op)


def _float(scope: Scope, op: Op) -> None:
    """-log(sigmoid(-x)), exact to float32 as long as sigmoid(-x) is above 0: for x up to some 87."""
    graph, (x,) = scope.graph, op.inputs
    size = scope.size(x)
    negative, share, log = (scope.temporary(size, "float32") for _ in range(3))
    graph.operator("NEG", "float32", [scope.tensors[x]], [negative])
    graph.operator("LOGISTIC", "float32", [negative], [share])
    graph.operator("LOG", "float32", [share], [log])
    graph.operator("NEG", "float32", [log], [scope.define(op.output)])


def _integer(scope: Scope, op: Op) -> None:
    """softplus(k) + sigmoid(x) (x - k), k the nearest multiple of 1/8; within three steps of Q4.11.

    The tangent at x, not at k, leaves a second-order error of at most (1/16)**2 / 8, a step.
    """
    graph, x = scope.graph, scope.tensors[op.inputs[0]]
    knot = scope.temporary(1, "int8", KNOT)
    graph.operator("QUANTIZE", "int8", [x], [knot])
    base = _at_knot(scope, knot)
    wide, rest, slope, rise = (
        scope.temporary(1, "int16", qtype)
        for qtype in (WIDE_GATE_INT16, WIDE_GATE_INT16, UNIT_INT16, WIDE_GATE_INT16)
    )
    graph.operator("QUANTIZE", "int16", [knot], [wide])
    graph.operator("SUB", "int16", [x, wide], [rest], potScaleInt16=False)
    graph.operator("LOGISTIC", "int16", [x], [slope])
    graph.operator("MUL", "int16", [rest, slope], [rise])
    graph.operator("ADD", "int16", [base, rise], [scope.define(op.output)], potScaleInt16=False)


def _at_knot(scope: Scope, knot: int) -> int:
    """The entry of the table for a knot, as a value of Q4.11.

    TFLM gathers int8 alone: the row of two digits becomes one number in a product that is exact.
    """
    graph = scope.graph
    number, index = (graph.tensor("", [scope.rows], "int32") for _ in range(2))
    flat = graph.reshape(knot, graph.tensor("", [scope.rows], "int8", KNOT))
    graph.operator("CAST", "int8", [flat], [number], inDataType=_INT8, outDataType=_INT32)
    offset = graph.constant("", np.array([128], np.int32))
    graph.operator("ADD", "int32", [number, offset], [index], potScaleInt16=False)
    row, digits = scope.temporary(2, "int8", QType("int8", 1.0)), scope.temporary(2, "int16", TERM)
    graph.operator("GATHER", "int8", [graph.constant("", _table()), index], [row], axis=0)
    graph.operator("QUANTIZE", "int16", [row], [digits])
    entry = scope.temporary(1, "int16", WIDE_GATE_INT16)
    weight = graph.constant("", np.array([[BASE, 1]], np.int8), DIGIT_SCALE)
    bias = graph.constant("", np.array([BASE * 128], np.int32), DIGIT_SCALE)
    graph.operator("FULLY_CONNECTED", "int16", [digits, weight, bias], [entry], quantizedBiasType=_INT32)
    return entry


def _table() -> np.ndarray:
    """softplus of -16, -16 + 1/8, ... in Q4.11, as int8 digits [256, 2] of base 127, the high one less 128."""
    knots = np.arange(-128, 128) * KNOT.scale
    entries = np.floor(np.logaddexp(knots, 0) / Q4_11 + 0.5).astype(np.int64)
    high = np.minimum(entries // BASE, 255)
    low = np.minimum(entries - BASE * high, 127)  # the last entry, 32513, is a step more than two digits can say
    return np.stack([high - 128, low], axis=1).astype(np.int8)
