"""THE definition of what a network computes: NumPy interpreters of its step program, float and integer.

Both stream: they start from zero states and return the output after every step, so that a sequence model's
result is the last one. Many streams run at once, as rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgernn import fixed_point
from edgernn.lowering import TypedProgram, input_type, native
from edgernn.network import Network, QuantizedNetwork
from edgernn.program import PRIMITIVES, Op, Program

Values = dict[str, np.ndarray]  # value name to [streams, size]
Observer = Callable[[str, np.ndarray], None]


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
            return products[op.output](inputs[0], typed.types[op.output].dtype)
        return _INTEGER[op.primitive](op, typed, inputs)

    outputs = _stream(typed.program, x.astype(np.int64), execute, observe)
    return outputs.astype(typed.types[typed.program.output].dtype)


def input_affine(quantized: QuantizedNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Factor and offset, float32 [inputs], that take a raw frame to the input type's integers, unrounded."""
    qtype = input_type(quantized)
    unit = quantized.network.std.astype(np.float64) * qtype.scale
    offset = qtype.zero_point - quantized.network.mean.astype(np.float64) / unit
    return (1 / unit).astype(np.float32), offset.astype(np.float32)


def quantize_input(quantized: QuantizedNetwork, frames: np.ndarray) -> np.ndarray:
    """Raw frames [..., inputs] normalised and quantised to int8, in float32 as the C runtime does it."""
    factor, offset = input_affine(quantized)
    real = frames.astype(np.float32) * factor + offset
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

    def __call__(self, x: np.ndarray, dtype: str) -> np.ndarray:
        accumulator = (x.astype(np.float64) @ self.weight).astype(np.int64) + self.bias
        return fixed_point.saturate(fixed_point.rescale(accumulator, self.integers, self.shifts), dtype)


def folded_bias(op: Op, typed: TypedProgram) -> np.ndarray:
    """The bias of a matrix product with the input's zero point folded in, int64 [rows] in int32 range."""
    weight = typed.weights[op.weight].astype(np.int64)
    bias = typed.biases[op.bias].astype(np.int64) if op.bias else np.zeros(len(weight), np.int64)
    return bias - typed.types[op.inputs[0]].zero_point * weight.sum(axis=1)


def rescale_factors(op: Op, typed: TypedProgram) -> np.ndarray:
    """What takes each row's accumulator to the output's type, float64 [rows]."""
    return typed.types[op.inputs[0]].scale * typed.scales[op.weight] / typed.types[op.output].scale


def product_shift(op: Op, typed: TypedProgram) -> int:
    """The right shift that takes the product of two power-of-two types to the output's type."""
    a, b = (typed.types[name].scale for name in op.inputs[:2])
    return round(np.log2(typed.types[op.output].scale / (a * b)))


def _integer_mul(op: Op, typed: TypedProgram, x: list[np.ndarray]) -> np.ndarray:
    product = fixed_point.shift_right(x[0] * x[1], product_shift(op, typed))
    return fixed_point.saturate(product, typed.types[op.output].dtype)


def _integer_requantize(op: Op, typed: TypedProgram, x: list[np.ndarray]) -> np.ndarray:
    source, target = typed.types[op.inputs[0]], typed.types[op.output]
    bits = round(np.log2(target.scale / source.scale))
    return fixed_point.saturate(fixed_point.shift_right(x[0], bits), target.dtype)


_INTEGER: dict[str, Callable[[Op, TypedProgram, list[np.ndarray]], np.ndarray]] = {
    "add": lambda op, typed, x: fixed_point.saturate(x[0] + x[1], typed.types[op.output].dtype),
    "sub": lambda op, typed, x: fixed_point.saturate(x[0] - x[1], typed.types[op.output].dtype),
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
