"""The integer arithmetic, defined once: the NumPy reference runs it, the C runtime repeats it bit for bit.

Arrays hold their integers as int64 here, so that no intermediate of the definition can overflow.
"""

from __future__ import annotations

import math

import numpy as np

LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767), "int32": (-(2**31), 2**31 - 1)}

Q0_15 = 2.0**-15  # states, sigmoid and tanh
Q3_12 = 2.0**-12  # gate pre-activations
TABLE_BITS = 7  # Q3.12 steps between two entries of a table: 2**7 = 1/32
TABLE_ENTRIES = 257  # [0, 8] in steps of 1/32


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


def activation_table(name: str) -> np.ndarray:
    """Q0.15 values of `sigmoid` or `tanh` at 0, 1/32, ... 8, as int16 [TABLE_ENTRIES]."""
    x = np.arange(TABLE_ENTRIES) / 32.0
    y = 1 / (1 + np.exp(-x)) if name == "sigmoid" else np.tanh(x)
    return np.minimum(np.floor(y / Q0_15 + 0.5), 32767).astype(np.int16)


def _interpolate(table: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    index = np.minimum(magnitude >> TABLE_BITS, TABLE_ENTRIES - 2)
    low, high = table[index], table[index + 1]
    return low + shift_right((high - low) * (magnitude - (index << TABLE_BITS)), TABLE_BITS)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Q3.12 to Q0.15 by the table over |x|; sigmoid(-x) = 1 - sigmoid(x) keeps it symmetric."""
    y = _interpolate(activation_table("sigmoid").astype(np.int64), np.abs(x))
    return np.where(x < 0, 32768 - y, y)


def tanh(x: np.ndarray) -> np.ndarray:
    """Q3.12 to Q0.15 by the table over |x|; tanh(-x) = -tanh(x)."""
    y = _interpolate(activation_table("tanh").astype(np.int64), np.abs(x))
    return np.where(x < 0, -y, y)
