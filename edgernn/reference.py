"""THE definition of what a network computes: NumPy interpreters of its step programs, float and integer.

Both stream: they start from the initial states and return the output after every step, so that a sequence
model's result is the last one. Many streams run at once, as rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgernn import fixed_point
from edgernn.errors import ExportError
from edgernn.lowering import QType, TypedPass, TypedProgram, input_type, native
from edgernn.network import Network, Pass, QuantizedNetwork
from edgernn.program import EPSILON, EXPANDED, PRIMITIVES, Op, Program, State

Values = dict[str, np.ndarray]  # value name to [streams, size]
Observer = Callable[[str, np.ndarray], None]

PRODUCT_SHIFTS = range(1, 31)  # the product of two int16 and its rounding fit an int32
SUM_SHIFTS = range(16)  # the sum of two int16 times 2**15 fits an int32


def float_outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Float outputs after every step, float64 [streams, steps, outputs].

    `x` are normalised frames [streams, frames, inputs]. Weights are float32, the arithmetic is float64: the
    reference must not have a rounding error of its own. A network that ends with a bidirectional layer and what
    works on its result has one output, after all frames.
    """
    return run_float(network.passes(), network.constants(), x)


def run_float(
    passes: Sequence[Pass], constants: Mapping[str, np.ndarray], x: np.ndarray, observe: Observer | None = None
) -> np.ndarray:
    """`float_outputs` for passes and their constants; `observe` sees every value [streams, size] of each step."""
    wide = {name: value.astype(np.float64) for name, value in constants.items()}
    x = x.astype(np.float64)
    for one in passes:
        ways = [
            _float_stream(program, wide, way, observe) for program, way in zip(one.programs, (1, -1), strict=False)
        ]
        x = _joined(ways, x, one.frames, one.ends)
    return x


def integer_outputs(quantized: QuantizedNetwork, x: np.ndarray) -> np.ndarray:
    """Integer outputs after every step, int16 [streams, steps, outputs], as the C runtime gives them.

    `x` are quantised frames [streams, frames, inputs] (`quantize_input`).
    """
    return run_integer(native(quantized), x)


def run_integer(passes: Sequence[TypedPass], x: np.ndarray, observe: Observer | None = None) -> np.ndarray:
    """`integer_outputs` for passes with native types; `observe` sees every value of each step."""
    x = x.astype(np.int64)
    for one in passes:
        ways = [_integer_stream(typed, way, observe) for typed, way in zip(one.programs, (1, -1), strict=False)]
        x = _joined(ways, x, one.frames, one.ends)
    return x.astype(passes[-1].output.dtype)


def input_factor(quantized: QuantizedNetwork) -> np.ndarray:
    """What takes a frame less its mean to steps of the input's type, float32 [inputs]."""
    unit = quantized.network.std.astype(np.float64) * input_type(quantized).scale
    with np.errstate(over="ignore"):  # infinite where it is beyond float32, which `quantize` refuses
        return (1 / unit).astype(np.float32)


def quantize_input(quantized: QuantizedNetwork, frames: np.ndarray) -> np.ndarray:
    """Raw frames [..., inputs] normalised and quantised, in float32 as the C runtime does it.

    The mean is taken off first: where it is many deviations away from 0, a product would lose the difference.
    """
    qtype = input_type(quantized)
    centred = frames.astype(np.float32) - quantized.network.mean
    real = centred * input_factor(quantized) + np.float32(qtype.zero_point)
    return fixed_point.quantize_real(real, qtype.dtype).astype(qtype.dtype)


class FloatStream:
    """A float network that streams, step by step along one stream."""

    def __init__(self, network: Network) -> None:
        wide = {name: value.astype(np.float64) for name, value in network.constants().items()}
        self._stream = _float_stream(network.program(), wide, 1, None)
        self._states = self._stream.begin(1, np.dtype(np.float64))

    def step(self, frames: np.ndarray) -> np.ndarray:
        """Outputs, float64 [outputs], after the normalised frames of a step, [elements]."""
        y, self._states = self._stream.step(frames.astype(np.float64)[None], self._states)
        return y[0]


def _float_stream(
    program: Program, constants: Mapping[str, np.ndarray], way: int, observe: Observer | None
) -> _Stream:
    def execute(op: Op, values: Values, streams: int) -> np.ndarray:
        if op.primitive == "constant":
            return np.tile(constants[op.weight], (streams, 1))
        return _FLOAT[op.primitive](op, program, constants, [values[name] for name in op.inputs])

    return _Stream(program, way, execute, lambda state: state.initial, observe)


def _integer_stream(typed: TypedProgram, way: int, observe: Observer | None) -> _Stream:
    products = {op.output: _Product.of(op, typed) for op in typed.program.ops if op.primitive == "matvec"}

    def execute(op: Op, values: Values, streams: int) -> np.ndarray:
        if op.primitive == "constant":
            return np.tile(typed.vectors[op.weight].astype(np.int64), (streams, 1))
        inputs = [values[name] for name in op.inputs]
        if op.primitive == "matvec":
            return products[op.output](inputs[0], typed.types[op.output])
        return _INTEGER[op.primitive](op, typed, inputs)

    return _Stream(typed.program, way, execute, typed.initial, observe)


class _Stream:
    """A step program with a meaning for its ops, run over the frames of many streams at once."""

    def __init__(
        self,
        program: Program,
        way: int,
        execute: Callable[[Op, Values, int], np.ndarray],
        initial: Callable[[State], float],
        observe: Observer | None,
    ) -> None:
        self.program, self.way, self.execute, self.initial, self.observe = program, way, execute, initial, observe

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[streams, steps, size of the input] -> [streams, steps, size of the output], in the frames' order."""
        program = self.program
        streams, steps, _ = x.shape
        states = self.begin(streams, x.dtype)
        outputs = np.empty((streams, steps, program.sizes[program.output]), x.dtype)
        for step in range(steps)[:: self.way]:
            outputs[:, step], states = self.step(x[:, step], states)
        return outputs

    def begin(self, streams: int, dtype: np.dtype) -> Values:
        """What the states of all streams are at their start."""
        program = self.program
        return {s.name: np.full((streams, program.sizes[s.name]), self.initial(s), dtype) for s in program.states}

    def step(self, frames: np.ndarray, states: Values) -> tuple[np.ndarray, Values]:
        """The output after one more frame of each stream, [streams, size of each], and the next states."""
        program = self.program
        values = {program.input: frames, **states}
        for op in program.ops:
            values[op.output] = self.execute(op, values, len(frames))
        if self.observe:
            for name, value in values.items():
                self.observe(name, value)
        return values[program.output], {s.name: values[s.next] for s in program.states}


def _joined(ways: Sequence[_Stream], x: np.ndarray, frames: int, ends: bool) -> np.ndarray:
    """The results of a pass, side by side; where it ends, each way's own last one alone."""
    streams, count, width = x.shape
    steps = count // frames
    x = x[:, : steps * frames].reshape(streams, steps, frames * width)
    results = [way(x) for way in ways]
    if ends:
        results = [
            result[:, -1:] if way.way == 1 else result[:, :1] for way, result in zip(ways, results, strict=True)
        ]
    return np.concatenate(results, axis=-1)


def _slice(op: Op, size: int, x: np.ndarray) -> np.ndarray:
    return x[:, op.start : op.start + size]


def _float_matvec(op: Op, program: Program, constants: Mapping[str, np.ndarray], x: list[np.ndarray]) -> np.ndarray:
    product = x[0] @ constants[op.weight].T
    return product + constants[op.bias] if op.bias else product


def _row(table: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The rows [streams, size] that index [streams, 1] names; one out of range takes the nearest."""
    return table[np.clip(index[:, 0].astype(np.int64), 0, len(table) - 1)]


def _softmax(x: np.ndarray) -> np.ndarray:
    share = np.exp(x - x.max(axis=-1, keepdims=True))
    return share / share.sum(axis=-1, keepdims=True)


def _normalize(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + EPSILON)


_FLOAT: dict[str, Callable[[Op, Program, Mapping[str, np.ndarray], list[np.ndarray]], np.ndarray]] = {
    "matvec": _float_matvec,
    "lookup": lambda op, program, constants, x: _row(constants[op.weight], x[0]),
    "add": lambda op, program, constants, x: x[0] + x[1],
    "sub": lambda op, program, constants, x: x[0] - x[1],
    "max": lambda op, program, constants, x: np.maximum(x[0], x[1]),
    "mul": lambda op, program, constants, x: x[0] * x[1],
    "sigmoid": lambda op, program, constants, x: 0.5 * (1 + np.tanh(0.5 * x[0])),  # exp would overflow
    "tanh": lambda op, program, constants, x: np.tanh(x[0]),
    "relu": lambda op, program, constants, x: np.maximum(x[0], 0),
    "softplus": lambda op, program, constants, x: np.logaddexp(x[0], 0),
    "softmax": lambda op, program, constants, x: _softmax(x[0]),
    "normalize": lambda op, program, constants, x: _normalize(x[0]),
    "blend": lambda op, program, constants, x: x[1] + x[0] * (x[2] - x[1]),
    "slice": lambda op, program, constants, x: _slice(op, program.sizes[op.output], x[0]),
    "concat": lambda op, program, constants, x: np.concatenate(x, axis=-1),
    "mean": lambda op, program, constants, x: x[0].mean(axis=-1, keepdims=True),
    "rsqrt": lambda op, program, constants, x: 1 / np.sqrt(x[0] + EPSILON),
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


def sum_shift(op: Op, typed: TypedProgram) -> int:
    """The left shift that takes the sum of two values of one type to the output's type.

    Raises ExportError where there is none, or when the two have different types.
    """
    a, b = (typed.types[name] for name in op.inputs)
    if a != b:
        raise ExportError(f"{op.output}: {op.primitive} of values of two types; please report this")
    return _exponent(a.scale / typed.types[op.output].scale, SUM_SHIFTS, op, typed)


def fraction_bits(name: str, typed: TypedProgram) -> int:
    """The fraction bits of a value with a power-of-two scale, as 15 for Q0.15; ExportError for another."""
    fraction, exponent = math.frexp(typed.types[name].scale)
    if fraction != 0.5 or typed.types[name].zero_point:
        raise ExportError(f"{name} has no power-of-two scale; please report this")
    return 1 - exponent


def requantization(op: Op, typed: TypedProgram) -> tuple[int, int, int, int]:
    """Zero point in, 31-bit multiplier, right shift and zero point out of a requantisation."""
    source, target = typed.types[op.inputs[0]], typed.types[op.output]
    return (source.zero_point, *fixed_point.multiplier(source.scale / target.scale), target.zero_point)


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
    zero_in, integer, shift, zero_out = requantization(op, typed)
    return fixed_point.requantize(x[0], zero_in, integer, shift, zero_out, typed.types[op.output].dtype)


def _integer_normalize(op: Op, typed: TypedProgram, x: list[np.ndarray]) -> np.ndarray:
    return fixed_point.normalize(x[0], typed.types[op.inputs[0]].scale, fraction_bits(op.output, typed))


_INTEGER: dict[str, Callable[[Op, TypedProgram, list[np.ndarray]], np.ndarray]] = {
    "lookup": lambda op, typed, x: _row(typed.weights[op.weight].astype(np.int64), x[0]),
    "add": _integer_sum,
    "sub": _integer_sum,
    "max": lambda op, typed, x: np.maximum(x[0], x[1]),
    "mul": _integer_mul,
    "sigmoid": lambda op, typed, x: fixed_point.sigmoid(x[0]),
    "tanh": lambda op, typed, x: np.minimum(fixed_point.tanh(x[0]), 32767),
    "relu": lambda op, typed, x: np.maximum(x[0], 0),
    "softplus": lambda op, typed, x: fixed_point.softplus(x[0]),
    "softmax": lambda op, typed, x: fixed_point.softmax(x[0], fraction_bits(op.inputs[0], typed)),
    "normalize": _integer_normalize,
    # z in Q0.15 is positive, so the blend stays between g and h and cannot overflow
    "blend": lambda op, typed, x: x[1] + fixed_point.shift_right(x[0] * (x[2] - x[1]), 15),
    "slice": lambda op, typed, x: _slice(op, typed.program.sizes[op.output], x[0]),
    "concat": lambda op, typed, x: np.concatenate(x, axis=-1),
    "requantize": _integer_requantize,
}

if {"constant", *_FLOAT} != set(PRIMITIVES) or {"constant", "matvec", *_INTEGER} != set(PRIMITIVES) - EXPANDED:
    raise AssertionError("a primitive has no meaning in the reference")
