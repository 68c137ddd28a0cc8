"""THE definition of what a network computes: NumPy interpreters of its step program, float and integer.

Both stream: they start from zero states and return the output after every step, so that a sequence model's
result is the last one. Many streams run at once, as rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from edgernn import fixed_point
from edgernn.errors import ExportError
from edgernn.lowering import QType, TypedProgram, input_type, native
from edgernn.network import Network, QuantizedNetwork
from edgernn.program import PRIMITIVES, Op, Program

Values = dict[str, np.ndarray]  # value name to [streams, size]
Observer = Callable[[str, np.ndarray], None]

PRODUCT_SHIFTS = range(1, 31)  # the product of two int16 and its rounding fit an int32
REQUANTIZE_SHIFTS = range(1, 16)
SUM_SHIFTS = range(16)  # the sum of two int16 times 2**15 fits an int32


def float_outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Float outputs after every step, float64 [streams, steps, outputs].

    `x` are normalised frames [streams, steps, inputs]. Weights are float32, the arithmetic is float64: the
    reference must not have a rounding error of its own.
    """
    return run_float(network.program(), network.constants(), x)


def run_float(
    program: Program, constants: Mapping[str, np.ndarray], x: np.ndarray, observe: Observer | None = None
) -> np.ndarray:
    """`float_outputs` for a program and its constants; `observe` sees every value [streams, size] of each step."""
    wide = {name: value.astype(np.float64) for name, value in constants.items()}

    def execute(op: Op, values: Values) -> np.ndarray:
        return _FLOAT[op.primitive](op, program, wide, [values[name] for name in op.inputs])

    return _stream(program, x.astype(np.float64), execute, observe)


def integer_outputs(quantized: QuantizedNetwork, x: np.ndarray) -> np.ndarray:
    """Integer outputs after every step, int16 [streams, steps, outputs], as the C runtime gives them.

    `x` are quantised frames, int8 [streams, steps, inputs] (`quantize_input`).
    """
    return run_integer(native(quantized), x)


def run_integer(typed: TypedProgram, x: np.ndarray, observe: Observer | None = None) -> np.ndarray:
    """`integer_outputs` for a program with native types; `observe` sees every value of each step."""
    products = {op.output: _Product.of(op, typed) for op in typed.program.ops if op.primitive == "matvec"}

    def execute(op: Op, values: Values) -> np.ndarray:
        inputs = [values[name] for name in op.inputs]
        if op.primitive == "matvec":
            return products[op.output](inputs[0], typed.types[op.output])
        return _INTEGER[op.primitive](op, typed, inputs)

    outputs = _stream(typed.program, x.astype(np.int64), execute, observe)
    return outputs.astype(typed.types[typed.program.output].dtype)


def input_factor(quantized: QuantizedNetwork) -> np.ndarray:
    """What takes a frame less its mean to steps of the input's type, float32 [inputs]."""
    unit = quantized.network.std.astype(np.float64) * input_type(quantized).scale
    with np.errstate(over="ignore"):  # infinite where it is beyond float32, which `quantize` refuses
        return (1 / unit).astype(np.float32)


def quantize_input(quantized: QuantizedNetwork, frames: np.ndarray) -> np.ndarray:
    """Raw frames [..., inputs] normalised and quantised to int8, in float32 as the C runtime does it.

    The mean is taken off first: where it is many deviations away from 0, a product would lose the difference.
    """
    centred = frames.astype(np.float32) - quantized.network.mean
    real = centred * input_factor(quantized) + np.float32(input_type(quantized).zero_point)
    scaled = np.fmin(np.fmax(real, np.float32(-128)), np.float32(127))  # fmax: not-a-number becomes -128
    return (np.trunc(scaled + np.float32(128.5)) - 128).astype(np.int8)


def _stream(
    program: Program, x: np.ndarray, execute: Callable[[Op, Values], np.ndarray], observe: Observer | None
) -> np.ndarray:
    streams, steps, _ = x.shape
    states = {s.name: np.zeros((streams, program.sizes[s.name]), x.dtype) for s in program.states}
    outputs = np.empty((streams, steps, program.sizes[program.output]), x.dtype)
    for step in range(steps):
        values = {program.input: x[:, step], **states}
        for op in program.ops:
            values[op.output] = execute(op, values)
        states = {s.name: values[s.next] for s in program.states}
        outputs[:, step] = values[program.output]
        if observe:
            for name, value in values.items():
                observe(name, value)
    return outputs


def _slice(op: Op, size: int, x: np.ndarray) -> np.ndarray:
    return x[:, op.start : op.start + size]


def _float_matvec(op: Op, program: Program, constants: Mapping[str, np.ndarray], x: list[np.ndarray]) -> np.ndarray:
    product = x[0] @ constants[op.weight].T
    return product + constants[op.bias] if op.bias else product


_FLOAT: dict[str, Callable[[Op, Program, Mapping[str, np.ndarray], list[np.ndarray]], np.ndarray]] = {
    "matvec": _float_matvec,
    "add": lambda op, program, constants, x: x[0] + x[1],
    "sub": lambda op, program, constants, x: x[0] - x[1],
    "mul": lambda op, program, constants, x: x[0] * x[1],
    "sigmoid": lambda op, program, constants, x: 0.5 * (1 + np.tanh(0.5 * x[0])),  # exp would overflow
    "tanh": lambda op, program, constants, x: np.tanh(x[0]),
    "blend": lambda op, program, constants, x: x[1] + x[0] * (x[2] - x[1]),
    "slice": lambda op, program, constants, x: _slice(op, program.sizes[op.output], x[0]),
    "requantize": lambda op, program, constants, x: x[0],
}


class _Product:
    """An integer matrix-vector product with its constants prepared: zero point folded, multipliers encoded."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray, factors: np.ndarray) -> None:
        self.weight = weight.T.astype(np.float64)  # products and sums stay below 2**53: exact, and fast
        self.bias = bias
        self.integers, self.shifts = np.array([fixed_point.multiplier(f) for f in factors], np.int64).T

    @classmethod
    def of(cls, op: Op, typed: TypedProgram) -> _Product:
        return cls(typed.weights[op.weight], folded_bias(op, typed), rescale_factors(op, typed))

    def __call__(self, x: np.ndarray, qtype: QType) -> np.ndarray:
        accumulator = (x.astype(np.float64) @ self.weight).astype(np.int64) + self.bias
        product = fixed_point.rescale(accumulator, self.integers, self.shifts)
        return fixed_point.saturate(product + qtype.zero_point, qtype.dtype)


def folded_bias(op: Op, typed: TypedProgram) -> np.ndarray:
    """The bias of a matrix product with the input's zero point folded in, int64 [rows] in int32 range."""
    weight = typed.weights[op.weight].astype(np.int64)
    bias = typed.biases[op.bias].astype(np.int64) if op.bias else np.zeros(len(weight), np.int64)
    return bias - typed.types[op.inputs[0]].zero_point * weight.sum(axis=1)


def rescale_factors(op: Op, typed: TypedProgram) -> np.ndarray:
    """What takes each row's accumulator to the output's type, float64 [rows]."""
    return typed.types[op.inputs[0]].scale * typed.scales[op.weight] / typed.types[op.output].scale


def product_shift(op: Op, typed: TypedProgram) -> int:
    """The right shift that takes the product of two types to the output's; ExportError where there is none."""
    a, b = (typed.types[name].scale for name in op.inputs)
    return _exponent(typed.types[op.output].scale / (a * b), PRODUCT_SHIFTS, op, typed)


def requantize_shift(op: Op, typed: TypedProgram) -> int:
    """The right shift that takes the input's type to the output's; ExportError where there is none."""
    ratio = typed.types[op.output].scale / typed.types[op.inputs[0]].scale
    return _exponent(ratio, REQUANTIZE_SHIFTS, op, typed)


def sum_shift(op: Op, typed: TypedProgram) -> int:
    """The left shift that takes the sum of two values of one type to the output's type.

    Raises ExportError where there is none, or when the two have different types.
    """
    a, b = (typed.types[name] for name in op.inputs)
    if a != b:
        raise ExportError(f"{op.output}: {op.primitive} of values of two types; please report this")
    return _exponent(a.scale / typed.types[op.output].scale, SUM_SHIFTS, op, typed)


def _exponent(ratio: float, allowed: range, op: Op, typed: TypedProgram) -> int:
    """log2 of `ratio`, when it is a whole number in `allowed` and no zero point is in the way."""
    fraction, exponent = math.frexp(ratio)  # ratio = fraction * 2**exponent; 0.5 for a power of two
    shifted = any(typed.types[name].zero_point for name in (*op.inputs, op.output))
    if shifted or fraction != 0.5 or exponent - 1 not in allowed:
        raise ExportError(f"{op.output}: no shift takes its inputs' types to its own; please report this")
    return exponent - 1


def _integer_sum(op: Op, typed: TypedProgram, x: list[np.ndarray]) -> np.ndarray:
    total = x[0] + x[1] if op.primitive == "add" else x[0] - x[1]
    return fixed_point.saturate(total << sum_shift(op, typed), typed.types[op.output].dtype)


def _integer_mul(op: Op, typed: TypedProgram, x: list[np.ndarray]) -> np.ndarray:
    product = fixed_point.shift_right(x[0] * x[1], product_shift(op, typed))
    return fixed_point.saturate(product, typed.types[op.output].dtype)


def _integer_requantize(op: Op, typed: TypedProgram, x: list[np.ndarray]) -> np.ndarray:
    shifted = fixed_point.shift_right(x[0], requantize_shift(op, typed))
    return fixed_point.saturate(shifted, typed.types[op.output].dtype)


_INTEGER: dict[str, Callable[[Op, TypedProgram, list[np.ndarray]], np.ndarray]] = {
    "add": _integer_sum,
    "sub": _integer_sum,
    "mul": _integer_mul,
    "sigmoid": lambda op, typed, x: fixed_point.sigmoid(x[0]),
    "tanh": lambda op, typed, x: np.minimum(fixed_point.tanh(x[0]), 32767),
    # z in Q0.15 is positive, so the blend stays between g and h and cannot overflow
    "blend": lambda op, typed, x: x[1] + fixed_point.shift_right(x[0] * (x[2] - x[1]), 15),
    "slice": lambda op, typed, x: _slice(op, typed.program.sizes[op.output], x[0]),
    "requantize": _integer_requantize,
}

if set(_FLOAT) != set(PRIMITIVES) or {"matvec", *_INTEGER} != set(PRIMITIVES):
    raise AssertionError("a primitive has no meaning in the reference")
