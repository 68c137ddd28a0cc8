"""A typed network in TensorFlow: real numbers that are rounded and cut off where its integers are.

Rounding has the gradient 1, what is cut off has 0. Every matrix and table is int8 as post-training quantisation
makes it, at the largest weight it has now. Left exact is what is far below an int8 step: biases, constant vectors,
tables of functions, and int16 where a value cannot leave its type (gates, blends, parts of other values).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edgernn.fixed_point import LIMITS
from edgernn.lowering import QType, TypedPass, TypedProgram
from edgernn.network import Granularity, QuantizedNetwork
from edgernn.program import Op, Primitive, State
from edgernn.train import programs
from edgernn.train.backend import tf

MOVED: frozenset[Primitive] = frozenset(
    {"slice", "concat", "max", "lookup", "constant"}
)  # the same numbers elsewhere
INSIDE: frozenset[Primitive] = frozenset(
    {"sigmoid", "tanh", "softmax", "softplus", "blend"}
)  # of int16 never cut off
SMALLEST = 2.0**-40  # scale of a matrix


class Limits(NamedTuple):
    """The smallest and largest real number of an integer type, and its bits."""

    low: float
    high: float
    bits: int


def outputs(passes: Sequence[TypedPass], constants: programs.Constants, x: Any) -> Any:
    """Outputs after every step [batch, steps, outputs] for normalised frames [batch, frames, inputs].

    `constants` come from `rounded`.
    """
    first = passes[0].forward
    x = _rounded(x, limits(first.types[first.program.input]))
    for one in passes:
        ways = [_way(typed, constants) for typed in one.programs]
        x = programs.run_pass(ways, one.frames, one.ends, x)
    return x


def rounded(constants: programs.Constants, quantized: QuantizedNetwork, granularity: Granularity) -> dict[str, Any]:
    """The constants of a network with its matrices and tables in int8."""
    tables = set(quantized.network.tables())
    return {
        name: _rows(value, name in tables or granularity == "tensor") if name in quantized.weights else value
        for name, value in constants.items()
    }


def limits(qtype: QType) -> Limits:
    low, high = (float(end) for end in qtype.dequantize(LIMITS[qtype.dtype]))  # type: ignore[arg-type]
    return Limits(low, high, {"int8": 8, "int16": 16, "int32": 32}[qtype.dtype])


def _way(typed: TypedProgram, constants: programs.Constants) -> programs.Way:
    exact = programs.float_meaning(typed.program, constants)
    rounding = _roundings(typed)

    def meaning(op: Op, inputs: Sequence[Any]) -> Any:
        value = exact(op, inputs)
        return _rounded(value, rounding[op.output]) if op.output in rounding else value

    def initial(state: State) -> float:
        return float(typed.types[state.name].dequantize(typed.initial(state)))  # type: ignore[arg-type]

    return programs.Way(typed.program, meaning, initial)


def _roundings(typed: TypedProgram) -> Mapping[str, Limits]:
    """The limits of the values that have to be rounded to their type."""
    types = typed.types
    return {op.output: limits(types[op.output]) for op in typed.program.ops if _rounds(op, types)}


def _rounds(op: Op, types: Mapping[str, QType]) -> bool:
    qtype = types[op.output]
    if op.primitive in MOVED or (op.primitive == "relu" and types[op.inputs[0]] == qtype):
        return False
    return qtype.dtype == "int8" or op.primitive not in INSIDE


def _rounded(x: Any, to: Limits) -> Any:
    if to.bits > 16:  # tokens
        return x
    return tf.quantization.fake_quant_with_min_max_args(x, to.low, to.high, to.bits)


def _rows(weight: Any, whole: bool) -> Any:
    """A matrix [rows, inputs] at the scale of each row, or of the whole."""
    largest = tf.reduce_max(tf.abs(weight), None if whole else 1, keepdims=True)
    scale = tf.stop_gradient(tf.maximum(largest / 127, SMALLEST))
    return weight + tf.stop_gradient(tf.floor(weight / scale + 0.5) * scale - weight)
