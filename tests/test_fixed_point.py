from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn import fixed_point

INT32 = st.integers(-(2**31), 2**31 - 1)


def half_up(x: Fraction) -> int:
    """Round to nearest, ties towards plus infinity, in exact arithmetic."""
    return floor(x + Fraction(1, 2))


@given(INT32, st.integers(1, 62))
def test_shift_right_is_exact_rounding_half_up(x: int, bits: int) -> None:
    assert fixed_point.shift_right(np.int64(x), bits) == half_up(Fraction(x, 2**bits))


@pytest.mark.parametrize(("x", "wanted"), [(-3, -1), (-1, 0), (1, 1), (3, 2), (-2, -1), (2, 1)])
def test_ties_go_up(x: int, wanted: int) -> None:
    assert fixed_point.shift_right(np.int64(x), 1) == wanted


@given(st.floats(2.0**-32, 2.0**29))
def test_multiplier_is_the_nearest_of_31_bits(real: float) -> None:
    integer, shift = fixed_point.multiplier(real)
    assert 2**30 <= integer < 2**31
    assert 1 <= shift <= 62
    assert abs(Fraction(integer, 2**shift) / Fraction(real) - 1) <= Fraction(1, 2**31)


@pytest.mark.parametrize("real", [0.0, 2.0**-40])
def test_a_factor_too_small_for_any_int32_is_zero(real: float) -> None:
    assert fixed_point.multiplier(real) == (0, 31)


@pytest.mark.parametrize("real", [2.0**30, -1.0, float("nan"), float("inf")])
def test_a_factor_that_has_no_multiplier_is_refused(real: float) -> None:
    with pytest.raises(ValueError, match="no 31-bit multiplier"):
        fixed_point.multiplier(real)


@given(INT32, st.floats(2.0**-31, 2.0))
def test_rescale_rounds_once(accumulator: int, real: float) -> None:
    integer, shift = fixed_point.multiplier(real)
    exact = half_up(Fraction(accumulator) * Fraction(integer, 2**shift))
    assert fixed_point.rescale(np.array([accumulator]), np.array([integer]), np.array([shift]))[0] == exact


EVERY_INT16 = np.arange(-32768, 32768)


def test_sigmoid_over_every_input() -> None:
    y = fixed_point.sigmoid(EVERY_INT16) * fixed_point.Q0_15
    exact = 1 / (1 + np.exp(-EVERY_INT16 * fixed_point.Q3_12))
    # linear interpolation over 1/32: (1/32)**2 / 8 * max|f''| = 1.2e-5, and half a step of Q0.15 twice
    assert np.abs(y - exact).max() < 1.2e-5 + fixed_point.Q0_15


def test_tanh_over_every_input() -> None:
    y = fixed_point.tanh(EVERY_INT16) * fixed_point.Q0_15
    # max|tanh''| = 0.77 gives 9.4e-5
    assert np.abs(y - np.tanh(EVERY_INT16 * fixed_point.Q3_12)).max() < 9.4e-5 + fixed_point.Q0_15


def test_activations_are_symmetric_monotonic_and_fit_int16() -> None:
    for y in (fixed_point.sigmoid(EVERY_INT16), fixed_point.tanh(EVERY_INT16)):
        assert np.diff(y).min() >= 0
        assert (y.min(), y.max()) >= (-32768, 0)
        assert y.max() <= 32767
    positive = EVERY_INT16[EVERY_INT16 > 0]
    np.testing.assert_array_equal(fixed_point.tanh(-positive), -fixed_point.tanh(positive))
    np.testing.assert_array_equal(fixed_point.sigmoid(-positive), 32768 - fixed_point.sigmoid(positive))
