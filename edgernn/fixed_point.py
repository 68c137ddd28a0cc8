"""The integer arithmetic, defined once: the NumPy reference runs it, the C runtime repeats it bit for bit.

Arrays hold their integers as int64 here, so that no intermediate of the definition can overflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767), "int32": (-(2**31), 2**31 - 1)}

Q0_15 = 2.0**-15  # states, sigmoid, tanh and softmax
Q3_12 = 2.0**-12  # what tanh reads
Q4_11 = 2.0**-11  # what sigmoid and softplus read: at 8 a gate is 3e-4 below 1, which a state would lose a step
TABLE_BITS = 7  # integers between two entries of a table: 2**7 is 1/32 in Q3.12 and 1/16 in Q4.11
TABLE_ENTRIES = 257  # [0, 8] in steps of 1/32
TABLE_END = 32768  # 8.0 in Q3.12

NORMALIZE_SIZES = 1024  # the most elements: the squares then fit 60 bits
NORMALIZE_EPSILON = Fraction(1, 1000)  # the default of Keras's LayerNormalization


def saturate(x: np.ndarray, dtype: str) -> np.ndarray:
    return np.clip(x, *LIMITS[dtype])


def shift_right(x: np.ndarray, bits: int | np.ndarray) -> np.ndarray:
    """x / 2**bits, rounded half up (towards plus infinity on a tie)."""
    return (x + (np.int64(1) << np.asarray(bits - 1, np.int64))) >> np.asarray(bits, np.int64)


def multiplier(real: float) -> tuple[int, int]:
    """`real` >= 0 as a 31-bit integer and a right shift in 1..62: real ~ integer * 2**-shift.

    A factor below 2**-32 takes every int32 to 0 and is returned as (0, 31).
    Raises ValueError for a factor of 2**30 and more, or one that is not a number.
    """
    if not 0 <= real < 2.0**30:
        raise ValueError(f"no 31-bit multiplier for {real}")
    fraction, exponent = math.frexp(real)  # real = fraction * 2**exponent, fraction in [0.5, 1)
    integer, shift = round(fraction * 2**31), 31 - exponent
    if integer == 2**31:
        integer, shift = 2**30, shift - 1
    return (0, 31) if real == 0 or shift > 62 else (integer, shift)


def rescale(accumulator: np.ndarray, integers: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """accumulator (int32 range) * integers * 2**-shifts, with one rounding, half up."""
    return shift_right(np.asarray(accumulator, np.int64) * integers, shifts)


def requantize(x: np.ndarray, zero_in: int, integer: int, shift: int, zero_out: int, dtype: str) -> np.ndarray:
    """From one scale and zero point to another's; (integer, shift) = multiplier(scale_in / scale_out).

    Where that ratio is 2**-k and the zero points are 0, this is shift_right(x, k), saturated.
    """
    return saturate(shift_right((x - zero_in) * np.int64(integer), shift) + zero_out, dtype)


def quantize_real(real: np.ndarray, dtype: str) -> np.ndarray:
    """float32 in steps of `dtype` to int64: nearest integer, half up, saturated; not-a-number is the lowest."""
    low, high = LIMITS[dtype]
    clamped = np.fmin(np.fmax(real, np.float32(low)), np.float32(high))  # fmax takes the number of the two
    return np.floor(clamped.astype(np.float64) + 0.5).astype(np.int64)  # exact in float64, not in float32


def activation_table(name: str) -> np.ndarray:
    """What the table of `name` holds for 0, 1/32, ... 8 (sigmoid, softplus: 0, 1/16, ... 16), int16 [257].

    `sigmoid` and `tanh` in Q0.15; `softplus` what it adds to max(x, 0), log(1 + exp(-x)), in Q4.11; `softmax`
    exp(-x) in Q0.15, taken as 0 at 8, so that what is that far below the maximum has no share.
    """
    function, step, scale = _TABLES[name]
    y = function(np.arange(TABLE_ENTRIES) * step)
    return np.minimum(np.floor(y / scale + 0.5), 32767).astype(np.int16)


_TABLES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]] = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 1 / 16, Q0_15),
    "tanh": (np.tanh, 1 / 32, Q0_15),
    "softplus": (lambda x: np.log1p(np.exp(-x)), 1 / 16, Q4_11),
    "softmax": (lambda x: np.where(x < 8, np.exp(-x), 0.0), 1 / 32, Q0_15),
}


def _interpolate(name: str, magnitude: np.ndarray) -> np.ndarray:
    table = activation_table(name).astype(np.int64)
    index = np.minimum(magnitude >> TABLE_BITS, TABLE_ENTRIES - 2)
    low, high = table[index], table[index + 1]
    return low + shift_right((high - low) * (magnitude - (index << TABLE_BITS)), TABLE_BITS)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Q4.11 to Q0.15 by the table over |x|; sigmoid(-x) = 1 - sigmoid(x) keeps it symmetric."""
    y = _interpolate("sigmoid", np.abs(x))
    return np.where(x < 0, 32768 - y, y)


def tanh(x: np.ndarray) -> np.ndarray:
    """Q3.12 to Q0.15 by the table over |x|; tanh(-x) = -tanh(x)."""
    y = _interpolate("tanh", np.abs(x))
    return np.where(x < 0, -y, y)


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)) from Q4.11 to Q4.11: max(x, 0) and the table over |x|."""
    return saturate(np.maximum(x, 0) + _interpolate("softplus", np.abs(x)), "int16")


def softmax(x: np.ndarray, bits: int) -> np.ndarray:
    """Over the last axis, int16 with scale 2**-bits to Q0.15; `bits` 0..15, at most 2**16 elements.

    The distance to the maximum is brought to Q3.12, ends at 8.0 and goes through the table of exp(-distance):
    an element 8.0 and more below the maximum is 0. Everything after that fits an int32.
    """
    below = x.max(axis=-1, keepdims=True) - x
    distance = shift_right(below, bits - 12) if bits > 12 else below << (12 - bits)
    share = _interpolate("softmax", np.minimum(distance, TABLE_END))
    total = share.sum(axis=-1, keepdims=True)
    return (share * 32767 + total // 2) // total


class Normalization(NamedTuple):
    """What `normalize` and its C kernel know of a layer, in the order of the kernel's arguments.

    The real result is (x - mean) / sqrt(var + 1e-3). With d = n * x - sum, an integer, it is
    d * sqrt(n) / sqrt(sum of d**2 + 1e-3 * n**3 / scale**2), in which the units of x are gone.
    """

    up: int  # even, 0..28; the sum of squares times 2**up leaves the most fraction bits that fit a uint64
    epsilon: int  # 1e-3 * n**3 / scale**2 * 2**up, 1 and more
    root: int  # sqrt(n) * 2**c with c such that 2**61 <= root < 2**62
    shift: int  # c - up / 2 - bits


def normalize_constants(n: int, scale: float, bits: int) -> Normalization:
    """The constants for `n` elements, 1..1024, of `scale`, to a result of scale 2**-bits, `bits` 0..15.

    Raises ValueError for other sizes, other bits and scales outside 2**-20..2**15.
    """
    if not (1 <= n <= NORMALIZE_SIZES and 2.0**-20 <= scale <= 2.0**15 and 0 <= bits <= 15):
        raise ValueError(f"no integer normalisation of {n} elements of scale {scale} to {bits} fraction bits")
    epsilon = NORMALIZE_EPSILON * n**3 / Fraction(scale) ** 2
    largest = n**3 * 2**30 + epsilon  # of the sum of squares: |x - mean| is at most 2**15
    up = next(up for up in range(28, -1, -2) if largest * 2**up + 1 < 2**64)
    exponent = 61 - (n.bit_length() - 1) // 2
    root = math.isqrt(n << 2 * exponent)
    return Normalization(up, max(1, round(epsilon * 2**up)), root, exponent - up // 2 - bits)


def normalize(x: np.ndarray, scale: float, bits: int) -> np.ndarray:
    """(x - mean) / sqrt(var + 1e-3) over the last axis, int16 of `scale` to int16 of scale 2**-bits, saturated.

    The root is taken of 63 or 64 bits and divides once; each element is then multiplied by a 31-bit factor and
    shifted, with one rounding. Raises ValueError as `normalize_constants` does.
    """
    n = x.shape[-1]
    constants = normalize_constants(n, scale, bits)
    centred = n * x - x.sum(axis=-1, keepdims=True)  # 26 bits and a sign
    squares = (centred**2).sum(axis=-1)  # at most 2**60
    factors = [_normal_factor(square, constants) for square in squares.ravel().tolist()]
    integers, shifts = np.moveaxis(np.array(factors, np.int64).reshape(*squares.shape, 1, 2), -1, 0)
    return saturate(rescale(centred, integers, shifts), "int16")


def _normal_factor(squares: int, constants: Normalization) -> tuple[int, int]:
    """1 / sqrt(var + 1e-3) in the units of `normalize`, as a 31-bit integer and a right shift, 1..62."""
    radicand, shift = (squares << constants.up) + constants.epsilon, constants.shift
    while radicand < 2**62:
        radicand, shift = radicand << 2, shift - 1
    return constants.root // math.isqrt(radicand), shift
