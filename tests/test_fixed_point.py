from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
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
    exact = 1 / (1 + np.exp(-EVERY_INT16 * fixed_point.Q4_11))
    # linear interpolation over 1/16: (1/16)**2 / 8 * max|f''| = 4.7e-5, and half a step of Q0.15 twice
    assert np.abs(y - exact).max() < 4.7e-5 + fixed_point.Q0_15


def test_tanh_over_every_input() -> None:
    y = fixed_point.tanh(EVERY_INT16) * fixed_point.Q0_15
    # max|tanh''| = 0.77 gives 9.4e-5
    assert np.abs(y - np.tanh(EVERY_INT16 * fixed_point.Q3_12)).max() < 9.4e-5 + fixed_point.Q0_15


def test_softplus_over_every_input() -> None:
    y = fixed_point.softplus(EVERY_INT16) * fixed_point.Q4_11
    exact = np.minimum(np.log1p(np.exp(EVERY_INT16 * fixed_point.Q4_11)), 32767 / 2048)
    # max|softplus''| = 1/4 gives 1.2e-4 at 1/16, and half a step of Q4.11 twice
    assert np.abs(y - exact).max() < 1.2e-4 + fixed_point.Q4_11
    assert np.diff(y).min() >= 0


SOFTMAX_ENDS = 255 / 32  # from here on the table goes to 0


@settings(max_examples=300)
@given(
    bits=st.integers(0, 15),
    size=st.integers(1, 80),
    spread=st.integers(0, 16),
    seed=st.integers(0, 2**32 - 1),
)
def test_softmax_against_the_exact_shares(bits: int, size: int, spread: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(-(2**15), 2**15, (4, size)) >> (16 - spread)
    distance = (x.max(axis=1, keepdims=True) - x) * 2.0**-bits
    powers = np.exp(-distance)
    total = powers.sum(axis=1, keepdims=True)
    dropped = np.where(distance > SOFTMAX_ENDS, powers, 0).sum(axis=1, keepdims=True)
    # relative to a power: interpolation over 1/32, 1.22e-4, and half a step of Q3.12; absolute: two halves of Q0.15
    relative, absolute = 1.22e-4 + fixed_point.Q3_12 / 2, fixed_point.Q0_15
    bound = 2 * relative + (dropped + (size + 1) * absolute) / total + absolute
    y = fixed_point.softmax(x, bits)
    assert (np.abs(y * fixed_point.Q0_15 - powers / total) < bound).all()
    assert (y.min(), y.max()) >= (0, 0)
    assert y.max() <= 32767
    # every share is rounded by half a step at most, and 1 is 32767
    assert np.abs(y.sum(axis=1) - 32767).max() <= size / 2


@pytest.mark.parametrize("bits", [0, 3, 11, 12, 13, 15])
def test_softmax_is_0_beyond_8_and_shares_a_draw(bits: int) -> None:
    below = 8 * 2**bits
    if below <= 32767:
        assert fixed_point.softmax(np.array([[0, -below, -32768]]), bits).tolist() == [[32767, 0, 0]]
    assert fixed_point.softmax(np.array([[5, 5, 5]]), bits).tolist() == [[10922] * 3]


def test_softmax_fits_int32_in_c() -> None:
    share, most = 32767, 2**16  # the largest share of the most elements
    assert most * share < 2**31
    assert share * 32767 + most * share // 2 < 2**31


def normalised(x: np.ndarray, scale: float) -> np.ndarray:
    real = x * scale
    centred = real - real.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-3)


@settings(max_examples=300)
@given(
    size=st.sampled_from([*range(1, 10), 31, 32, 33, 64, 100, 127, 128, 255, 513, 1023, 1024]),
    exponent=st.integers(-20, 15),
    bits=st.integers(0, 15),
    spread=st.integers(0, 16),
    seed=st.integers(0, 2**32 - 1),
)
def test_normalize_rounds_the_exact_result(size: int, exponent: int, bits: int, spread: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.clip(
        (rng.integers(-(2**15), 2**15, (4, size)) >> (16 - spread)) + rng.integers(-9999, 9999), -32768, 32767
    )
    y = fixed_point.normalize(x, 2.0**exponent, bits)
    wanted = np.clip(normalised(x, 2.0**exponent) * 2**bits, -32768, 32767)
    # half a step; the factor has 29 bits and more, which of 32767 steps is below 1e-4
    assert np.abs(y - wanted).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("size", [1, 2, 3, 1023, 1024])
@pytest.mark.parametrize("exponent", [-20, -15, 0, 15])
def test_normalize_at_the_ends_of_int16(size: int, exponent: int) -> None:
    halves, one = np.where(np.arange(size) % 2, -32768, 32767), np.eye(1, size, dtype=np.int64)[0]
    x = np.stack([halves, np.full(size, -32768), np.full(size, 32767), one, -one])
    y = fixed_point.normalize(x, 2.0**exponent, 10)
    assert np.abs(y - np.clip(normalised(x, 2.0**exponent) * 1024, -32768, 32767)).max() <= 0.5 + 1e-4
    assert not y[1:3].any()  # all elements alike


def test_normalize_fits_the_integers_of_c() -> None:
    for size in range(1, 1025):
        for exponent in (-20, -15, -7, 0, 15):
            up, epsilon, root, shift = fixed_point.normalize_constants(size, 2.0**exponent, 0)
            most = size**3 * 2**30  # sum of squares: n**2 * sum of (x - mean)**2, |x - mean| at most 2**15
            assert 0 < epsilon < epsilon + (most << up) < 2**64
            assert 2**61 <= root < 2**62
            # what is under the root ends in [2**62, 2**64), so that the factor is in (2**29, 2**31]
            fours = (64 - epsilon.bit_length()) // 2  # the most: all elements alike
            assert shift <= 62
            assert shift - 15 - fours >= 1  # with the most fraction bits of a result


@pytest.mark.parametrize(
    ("size", "scale", "bits"),
    [(0, 1.0, 9), (1025, 1.0, 9), (8, 2.0**-21, 9), (8, 2.0**16, 9), (8, 1.0, 16), (8, 1.0, -1), (8, np.nan, 9)],
)
def test_normalize_refuses_what_it_cannot_hold(size: int, scale: float, bits: int) -> None:
    with pytest.raises(ValueError, match="no integer normalisation of"):
        fixed_point.normalize_constants(size, scale, bits)


@given(
    x=st.integers(-32768, 32767),
    zeros=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
    ratio=st.floats(2.0**-20, 2.0**20),
    dtype=st.sampled_from(["int8", "int16"]),
)
def test_requantize_rounds_once_and_saturates(x: int, zeros: tuple[int, int], ratio: float, dtype: str) -> None:
    integer, shift = fixed_point.multiplier(ratio)
    low, high = fixed_point.LIMITS[dtype]
    exact = half_up((x - zeros[0]) * Fraction(integer, 2**shift)) + zeros[1]
    y = fixed_point.requantize(np.array([x]), zeros[0], integer, shift, zeros[1], dtype)
    assert y.tolist() == [min(max(exact, low), high)]


@pytest.mark.parametrize("bits", range(1, 16))
def test_requantize_by_a_power_of_two_is_a_shift(bits: int) -> None:
    y = fixed_point.requantize(EVERY_INT16, 0, *fixed_point.multiplier(2.0**-bits), 0, "int16")
    np.testing.assert_array_equal(y, fixed_point.shift_right(EVERY_INT16, bits))


@given(x=st.floats(width=32), dtype=st.sampled_from(["int8", "int16"]))
def test_quantize_real_is_the_nearest_integer(x: float, dtype: str) -> None:
    low, high = fixed_point.LIMITS[dtype]
    y = fixed_point.quantize_real(np.array([x], np.float32), dtype)
    if np.isnan(x):
        assert y.tolist() == [low]
    elif np.isinf(x):
        assert y.tolist() == [low if x < 0 else high]
    else:
        assert y.tolist() == [min(max(half_up(Fraction(x)), low), high)]


def test_activations_are_symmetric_monotonic_and_fit_int16() -> None:
    for y in (fixed_point.sigmoid(EVERY_INT16), fixed_point.tanh(EVERY_INT16)):
        assert np.diff(y).min() >= 0
        assert (y.min(), y.max()) >= (-32768, 0)
        assert y.max() <= 32767
    positive = EVERY_INT16[EVERY_INT16 > 0]
    np.testing.assert_array_equal(fixed_point.tanh(-positive), -fixed_point.tanh(positive))
    np.testing.assert_array_equal(fixed_point.sigmoid(-positive), 32768 - fixed_point.sigmoid(positive))
