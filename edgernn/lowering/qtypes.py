"""Integer types of values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgernn.fixed_point import LIMITS, Q0_15, Q3_12, Q4_11

Dtype = Literal["int8", "int16", "int32"]


@dataclass(frozen=True)
class QType:
    """An integer type: real = (integer - zero_point) * scale."""

    dtype: Dtype
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
GATE_INT16 = QType("int16", Q3_12)  # [-8, 8), what the table of tanh reads
WIDE_GATE_INT16 = QType("int16", Q4_11)  # [-16, 16), what those of sigmoid and softplus read
SIGMOID_INT8 = QType("int8", 1 / 256, -128)  # [0, 1), the type that TFLite's LOGISTIC and SOFTMAX demand
TOKEN_INT16 = QType("int16", 1.0)  # C and the reference
TOKEN_INT32 = QType("int32", 1.0)  # TFLite and ONNX


def asymmetric_int8(low: float, high: float) -> QType:
    """The int8 type that covers [low, high] and represents 0 exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255 or 1 / 128
    return QType("int8", scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def symmetric_int16(low: float, high: float) -> QType:
    """The int16 type with zero point 0 that covers [low, high]."""
    return QType("int16", max(-low, high) / 32767 or Q0_15)


def power_of_two_int16(low: float, high: float, least: float = 2.0**-15) -> QType:
    """The int16 type with a power-of-two scale and zero point 0 that covers [low, high], and `least`.

    A value that was always 0 tells nothing of its scale, and gets that of [-1, 1).
    """
    if low == high == 0:
        return UNIT_INT16
    largest = max(-low, high, least)
    return QType("int16", 2.0 ** (math.floor(math.log2(largest)) + 1 - 15))
