"""Integer types for every value of a step program.

`native` is the typing of the C runtime and of the integer reference (gates in int16, states in Q0.15);
`operators` is that of TFLite and ONNX, whose operators work on int8 with a scale and a zero point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgernn.errors import ExportError
from edgernn.fixed_point import LIMITS, Q0_15, Q3_12
from edgernn.network import QuantizedNetwork
from edgernn.program import Op, Program

Ranges = Mapping[str, tuple[float, float]]  # smallest and largest real value by value name


@dataclass(frozen=True)
class QType:
    """An integer type: real = (integer - zero_point) * scale."""

    dtype: Literal["int8", "int16"]
    scale: float
    zero_point: int = 0

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """Nearest integer (half up), saturated, in this dtype."""
        integers = np.floor(np.asarray(real, np.float64) / self.scale + 0.5) + self.zero_point
        return np.clip(integers, *LIMITS[self.dtype]).astype(self.dtype)

    def dequantize(self, integers: np.ndarray) -> np.ndarray:
        return (np.asarray(integers, np.float64) - self.zero_point) * self.scale


UNIT_INT8 = QType("int8", 1 / 128)  # [-1, 1)
UNIT_INT16 = QType("int16", Q0_15)  # [-1, 1)
GATE_INT16 = QType("int16", Q3_12)  # [-8, 8), what the tables of sigmoid and tanh read
SIGMOID_INT8 = QType("int8", 1 / 256, -128)  # [0, 1), the type that TFLite's LOGISTIC demands


_NATIVE = {
    "add": GATE_INT16,
    "sub": GATE_INT16,
    "sigmoid": UNIT_INT16,
    "tanh": UNIT_INT16,
    "blend": UNIT_INT16,
}


@dataclass(frozen=True, eq=False)
class TypedProgram:
    """A program whose values all have an integer type, and its constants.

    `weights` int8 [rows, inputs] with `scales` float64 [rows]; `biases` int32 [rows] in units of the product
    of the input's and the row's scale, input zero points not folded in.
    """

    program: Program
    types: Mapping[str, QType]
    weights: Mapping[str, np.ndarray]
    scales: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]


def asymmetric_int8(low: float, high: float) -> QType:
    """The int8 type that covers [low, high] and represents 0 exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255 or 1 / 128
    return QType("int8", scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def symmetric_int16(low: float, high: float) -> QType:
    """The int16 type with zero point 0 that covers [low, high]."""
    return QType("int16", max(-low, high) / 32767 or Q0_15)


def power_of_two_int16(low: float, high: float) -> QType:
    """The int16 type with a power-of-two scale and zero point 0 that covers [low, high]."""
    largest = max(-low, high, 2.0**-15)
    return QType("int16", 2.0 ** (math.floor(math.log2(largest)) + 1 - 15))


def native(quantized: QuantizedNetwork) -> TypedProgram:
    """Typing of the integer reference and of C."""
    program = quantized.network.program()
    types = {program.input: input_type(quantized)} | {s.name: UNIT_INT16 for s in program.states}
    ops: list[Op] = []
    for op in program.ops:
        if op.primitive == "matvec":
            source = op.inputs[0]
            ops.append(replace(op, inputs=(_cast(source, _as_dtype(types[source], "int8"), ops, types),)))
        else:
            ops.append(op)
        types[op.output] = _native_type(op, program, types, quantized.ranges)
    return _typed(program, ops, types, quantized)


def operators(quantized: QuantizedNetwork) -> TypedProgram:
    """Typing of TFLite and ONNX; `quantized.state` decides whether the blend into the state is int8 or int16."""
    program = expand_blend(quantized.network.program())
    state = UNIT_INT8 if quantized.state == "int8" else UNIT_INT16
    types = {program.input: input_type(quantized)} | {s.name: state for s in program.states}
    next_states = {s.next: types[s.name] for s in program.states}
    ops: list[Op] = []
    for op in program.ops:
        dtype = _operand_dtype(op, types)
        inputs = tuple(_cast(name, _as_dtype(types[name], dtype), ops, types) for name in op.inputs)
        ops.append(replace(op, inputs=inputs))
        types[op.output] = next_states.get(op.output) or _operator_type(op, inputs, dtype, types, quantized)
    return _typed(program, ops, types, quantized)


def input_type(quantized: QuantizedNetwork) -> QType:
    """The type of the network's input frame."""
    return asymmetric_int8(*quantized.ranges["input"])


def product_input(name: str, program: Program, ranges: Ranges) -> QType:
    """The int8 type in which a matrix product reads the value `name`, in both typings.

    The network's input and the output of another product go by their range; the rest are states, in [-1, 1).
    """
    producer = program.producer(name)
    if name == program.input or (producer is not None and producer.primitive == "matvec"):
        return asymmetric_int8(*ranges[name])
    return UNIT_INT8


def expand_blend(program: Program) -> Program:
    """The program with g + z * (h - g) as a subtraction, a product and a sum."""
    ops: list[Op] = []
    sizes = dict(program.sizes)
    for op in program.ops:
        if op.primitive != "blend":
            ops.append(op)
            continue
        z, g, h = op.inputs
        difference, scaled = op.output + "/difference", op.output + "/scaled"
        sizes |= dict.fromkeys((difference, scaled), sizes[op.output])
        ops += [
            Op("sub", (h, g), difference),
            Op("mul", (z, difference), scaled),
            Op("add", (g, scaled), op.output),
        ]
    return replace(program, ops=tuple(ops), sizes=sizes)


def _native_type(op: Op, program: Program, types: Mapping[str, QType], ranges: Ranges) -> QType:
    if op.primitive == "slice":
        return types[op.inputs[0]]
    if op.primitive == "mul":
        return _gate_type(op.output, program, ranges)
    if op.primitive != "matvec":
        return _NATIVE[op.primitive]
    if op.output == program.output:
        return power_of_two_int16(*ranges[op.output])
    if all(reader.primitive == "matvec" for reader in program.ops if op.output in reader.inputs):
        return product_input(op.output, program, ranges)
    return _gate_type(op.output, program, ranges)


def _gate_type(name: str, program: Program, ranges: Ranges) -> QType:
    """The one type of all products of a layer, given a value of it: none of them saturates before their sum."""
    layer = name.rpartition("/")[0]
    products = [op.output for op in program.ops if op.primitive == "matvec"]
    own = [ranges[product] for product in products if product.rpartition("/")[0] == layer]
    return QType("int16", max([Q3_12, *(power_of_two_int16(low, high).scale for low, high in own)]))


def _operand_dtype(op: Op, types: Mapping[str, QType]) -> str:
    """An element-wise operator with one int16 operand works on int16; the others work on int8."""
    if op.primitive in ("add", "sub", "mul") and any(types[name].dtype == "int16" for name in op.inputs):
        return "int16"
    return types[op.inputs[0]].dtype if op.primitive == "slice" else "int8"


def _as_dtype(qtype: QType, dtype: str) -> QType:
    """The type of the same dtype family that holds every value of `qtype`, by a shift."""
    if qtype.dtype == dtype:
        return qtype
    if dtype == "int8":
        return QType("int8", qtype.scale * 256)
    low, high = qtype.dequantize(np.array([-128, 127]))
    return QType("int16", 2.0 ** math.ceil(math.log2(max(-low, high))) * Q0_15)


def _operator_type(
    op: Op, inputs: tuple[str, ...], dtype: str, types: Mapping[str, QType], quantized: QuantizedNetwork
) -> QType:
    if op.primitive == "sigmoid":
        return SIGMOID_INT8
    if op.primitive == "tanh":
        return UNIT_INT8
    if op.primitive == "slice":
        return types[inputs[0]]
    by_range = symmetric_int16 if dtype == "int16" else asymmetric_int8
    return by_range(*quantized.ranges[op.output])


def _cast(name: str, qtype: QType, ops: list[Op], types: dict[str, QType]) -> str:
    """The value `name` in the dtype of `qtype`: itself, or a requantised copy that is made once."""
    if types[name].dtype == qtype.dtype:
        return name
    copy = f"{name}/{qtype.dtype}"
    if copy not in types:
        ops.append(Op("requantize", (name,), copy))
        types[copy] = qtype
    return copy


def _typed(program: Program, ops: list[Op], types: dict[str, QType], quantized: QuantizedNetwork) -> TypedProgram:
    sizes = dict(program.sizes)
    for op in ops:
        if op.primitive == "requantize":
            sizes[op.output] = sizes[op.inputs[0]]
    constants = quantized.network.constants()
    products = [op for op in ops if op.bias]
    return TypedProgram(
        program=replace(program, ops=tuple(ops), sizes=sizes),
        types=types,
        weights=quantized.weights,
        scales=quantized.scales,
        biases={
            op.bias: _bias(op, constants[op.bias], types[op.inputs[0]].scale * quantized.scales[op.weight])
            for op in products
        },
    )


def _bias(op: Op, real: np.ndarray, scale: np.ndarray) -> np.ndarray:
    integers = np.floor(real.astype(np.float64) / scale + 0.5)
    low, high = LIMITS["int32"]
    if not ((low <= integers) & (integers <= high)).all():
        raise ExportError(f"{op.bias} does not fit an int32 in units of its products; please report this")
    return integers.astype(np.int32)
