"""Integer types for every value of a network's step programs.

`native` is the typing of the C runtime and of the integer reference: element-wise work in int16 with power-of-two
scales. `operators` is that of TFLite and ONNX, whose operators work on int8 (or int16) with any scale.
"""

from __future__ import annotations

from edgernn.expand import expand
from edgernn.lowering.native_types import NativeTyping
from edgernn.lowering.operator_types import OperatorTyping
from edgernn.lowering.qtypes import (
    GATE_INT16,
    SIGMOID_INT8,
    TOKEN_INT16,
    TOKEN_INT32,
    UNIT_INT8,
    UNIT_INT16,
    WIDE_GATE_INT16,
    Dtype,
    QType,
    asymmetric_int8,
    power_of_two_int16,
    symmetric_int16,
)
from edgernn.lowering.typing import TypedPass, TypedProgram, Typing
from edgernn.network import Pass, QuantizedNetwork

__all__ = [
    "GATE_INT16",
    "SIGMOID_INT8",
    "TOKEN_INT16",
    "TOKEN_INT32",
    "UNIT_INT8",
    "UNIT_INT16",
    "WIDE_GATE_INT16",
    "Dtype",
    "QType",
    "TypedPass",
    "TypedProgram",
    "asymmetric_int8",
    "input_type",
    "native",
    "operators",
    "power_of_two_int16",
    "symmetric_int16",
]


def native(quantized: QuantizedNetwork) -> tuple[TypedPass, ...]:
    """Typing of the integer reference and of C."""
    return _passes(quantized, quantized.network.passes(), NativeTyping, TOKEN_INT16)


def operators(quantized: QuantizedNetwork) -> tuple[TypedPass, ...]:
    """Typing of TFLite and ONNX; `quantized.state` is the type of the states of int8 layers."""
    expanded = tuple(one.mapped(expand) for one in quantized.network.passes())
    return _passes(quantized, expanded, OperatorTyping, TOKEN_INT32)


def input_type(quantized: QuantizedNetwork) -> QType:
    """The type of a frame in C and in the reference."""
    return _frame_type(quantized, TOKEN_INT16)


def _frame_type(quantized: QuantizedNetwork, token: QType) -> QType:
    network, low_high = quantized.network, quantized.ranges["input"]
    if network.tokens:
        return token
    wide = quantized.precisions[network.layers[0].name] == "int16x8"
    return power_of_two_int16(*low_high, least=2.0**-60) if wide else asymmetric_int8(*low_high)


def _passes(
    quantized: QuantizedNetwork, passes: tuple[Pass, ...], typing: type[Typing], token: QType
) -> tuple[TypedPass, ...]:
    found: list[TypedPass] = []
    source = _frame_type(quantized, token)
    for number, one in enumerate(passes):
        last = number + 1 == len(passes)
        forward, *backward = (
            typing(quantized, program, one, source, last and not one.ends).typed() for program in one.programs
        )
        found.append(TypedPass(forward, backward[0] if backward else None, one.frames, one.ends))
        source = found[-1].output
    return tuple(found)
