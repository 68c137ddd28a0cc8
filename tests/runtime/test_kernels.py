"""Every kernel alone against exact integer arithmetic: `fixed_point`, and formulas over Python's integers."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgernn
from edgernn import fixed_point
from edgernn.engines import compiler

RUNTIME = Path(edgernn.__file__).parent / "runtime"
KERNELS = sorted(RUNTIME.glob("ernn_*.c"))
ALL_INT16 = np.arange(-32768, 32768).astype(np.int16)
EDGES = np.unique(
    np.concatenate([np.array([0, 1, 128, 129, 4096, 16384, 16385, 32766]) + i for i in (-2, -1, 0, 1)])
)
EDGES = np.concatenate([EDGES, -EDGES - 1]).astype(np.int16)  # both ends, zero, and about powers of two


class Linear(ctypes.Structure):
    _fields_ = (
        ("weight", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("multiplier", ctypes.c_void_p),
        ("shift", ctypes.c_void_p),
        ("rows", ctypes.c_size_t),
        ("columns", ctypes.c_size_t),
    )


@pytest.fixture(scope="module", params=["-ffp-contract=off", "-ffp-contract=fast"])
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The runtime as a library; fused multiply-adds, where the processor has them, must change nothing."""
    library = tmp_path_factory.mktemp("runtime") / "runtime.so"
    compiler.shared_library(compiler.find(), KERNELS, library, [request.param])
    return ctypes.CDLL(str(library))


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def elementwise(
    kernel: Callable[..., None], *operands: np.ndarray, out: type = np.int16, **last: int
) -> np.ndarray:
    """Run an element-wise kernel; integers in `last` follow the number of elements."""
    y = np.zeros(operands[0].size, out)
    arrays = [np.ascontiguousarray(operand) for operand in operands]
    bits = [ctypes.c_int(value) for value in last.values()]
    kernel(*map(pointer, arrays), pointer(y), ctypes.c_size_t(y.size), *bits)
    return y


def grid(*axes: np.ndarray) -> list[np.ndarray]:
    return [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]


def half_up(numerator: int, bits: int) -> int:
    """numerator / 2**bits, rounded half up, over Python's unbounded integers."""
    return (2 * numerator + 2**bits) // 2 ** (bits + 1)


def saturated(value: int, low: int = -32768, high: int = 32767) -> int:
    return min(max(value, low), high)


def test_header_declares_exactly_the_kernels_that_have_a_file() -> None:
    declared = re.findall(r"^void (ernn_\w+)\(", (RUNTIME / "edgernn_runtime.h").read_text(), re.MULTILINE)
    assert sorted(declared) == [file.stem for file in KERNELS]


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_activation_on_every_input(runtime: ctypes.CDLL, name: str) -> None:
    y = elementwise(getattr(runtime, f"ernn_{name}_s16"), ALL_INT16)
    expected = getattr(fixed_point, name)(ALL_INT16.astype(np.int64))
    np.testing.assert_array_equal(y, np.minimum(expected, 32767))
    x = ALL_INT16 / 4096.0
    real = 1 / (1 + np.exp(-x)) if name == "sigmoid" else np.tanh(x)
    # two roundings of half a step, and linear interpolation: h**2 / 8 * max|f''|, h = 1/32, |tanh''| <= 0.77
    assert np.abs(y / 32768 - real).max() < 1 / 32768 + (1 / 32) ** 2 / 8 * 0.77


@pytest.mark.parametrize("bits", range(1, 16))
def test_requantize_on_every_input(runtime: ctypes.CDLL, bits: int) -> None:
    y = elementwise(runtime.ernn_requantize_s16_s8, ALL_INT16, out=np.int8, bits=bits)
    expected = np.clip(np.floor(ALL_INT16 / 2.0**bits + 0.5), -128, 127)  # exact in float64
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("shift", [0, 1, 2, 14, 15])
@pytest.mark.parametrize(("name", "function"), [("add", np.add), ("sub", np.subtract)])
def test_sums_are_shifted_and_saturate(
    runtime: ctypes.CDLL, name: str, function: Callable[..., np.ndarray], shift: int
) -> None:
    a, b = grid(EDGES, ALL_INT16[::97])
    y = elementwise(getattr(runtime, f"ernn_{name}_s16"), a, b, shift=shift)
    np.testing.assert_array_equal(y, np.clip(function(a.astype(np.int64), b) * 2**shift, -32768, 32767))


@pytest.mark.parametrize("bits", [1, 2, 12, 15, 16, 29, 30])
def test_mul_rounds_once_and_saturates(runtime: ctypes.CDLL, bits: int) -> None:
    a, b = grid(EDGES, EDGES)
    y = elementwise(runtime.ernn_mul_s16, a, b, bits=bits)
    assert y.tolist() == [saturated(half_up(p * q, bits)) for p, q in zip(a.tolist(), b.tolist(), strict=True)]


def test_blend_at_the_extremes(runtime: ctypes.CDLL) -> None:
    z, g, h = grid(np.array([0, 1, 2, 11, 16383, 16384, 16385, 32757, 32766, 32767], np.int16), EDGES, EDGES)
    y = elementwise(runtime.ernn_blend_s16, z, g, h)
    wide = [array.astype(np.int64) for array in (z, g, h)]
    expected = wide[1] + fixed_point.shift_right(wide[0] * (wide[2] - wide[1]), 15)
    np.testing.assert_array_equal(y, expected)
    assert ((np.minimum(g, h) <= y) & (y <= np.maximum(g, h))).all()


def matvec(
    runtime: ctypes.CDLL,
    weight: np.ndarray,
    bias: np.ndarray,
    factors: np.ndarray,
    x: np.ndarray,
    zero_point: int | None = None,
) -> list[int]:
    """`factors` are [rows, 2]: multiplier and shift; with a zero point the result is int8."""
    multiplier = np.ascontiguousarray(factors[:, 0], np.int32)
    shift = np.ascontiguousarray(factors[:, 1], np.uint8)
    arrays = (np.ascontiguousarray(weight, np.int8), np.ascontiguousarray(bias, np.int32), multiplier, shift)
    layer = Linear(*map(pointer, arrays), *weight.shape)
    y = np.zeros(len(weight), np.int16 if zero_point is None else np.int8)
    kernel = runtime.ernn_matvec_s8_s16 if zero_point is None else runtime.ernn_matvec_s8_s8
    last = () if zero_point is None else (ctypes.c_int(zero_point),)
    kernel(ctypes.byref(layer), pointer(np.ascontiguousarray(x, np.int8)), pointer(y), *last)
    return y.tolist()


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 67), columns=st.integers(1, 67), seed=st.integers(0, 2**32 - 1))
def test_matvec_of_any_shape(runtime: ctypes.CDLL, rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.choice([-128, -127, -1, 0, 1, 127, *rng.integers(-128, 128, 8)], (rows, columns))
    x = rng.choice([-128, 127, *rng.integers(-128, 128, 6)], columns)
    bias = rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)
    factors = np.stack([rng.integers(0, 2**31, rows), rng.integers(1, 63, rows)], axis=1)
    sums = (weight @ x + bias).tolist()
    expected = [saturated(half_up(s * m, n)) for s, (m, n) in zip(sums, factors.tolist(), strict=True)]
    assert matvec(runtime, weight, bias, factors, x) == expected


@pytest.mark.parametrize("multiplier", [0, 1, 2**30, 2**30 + 1, 2**31 - 1])
def test_matvec_rescales_every_sum_with_one_rounding(runtime: ctypes.CDLL, multiplier: int) -> None:
    """A weight of zero leaves the bias as the sum: ties of both signs, saturation, the ends of int32."""
    ends = [-(2**31), -(2**31) + 1, -(2**30), 2**30, 2**31 - 1]
    ties = [sign * (2 * k + 1) for sign in (-1, 1) for k in range(6)]
    limits = [sign * (32767 + k) for sign in (-1, 1) for k in range(4)]
    cases = [(s, n) for s in (*ends, 0, *ties, *limits) for n in (1, 2, 15, 30, 31, 32, 33, 46, 47, 61, 62)]
    bias = np.array([s for s, _ in cases])
    factors = np.array([(multiplier, n) for _, n in cases])
    y = matvec(runtime, np.zeros((len(cases), 1), np.int8), bias, factors, np.array([5]))
    assert y == [saturated(half_up(s * multiplier, n)) for s, n in cases]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 67),
    columns=st.integers(1, 9),
    zero_point=st.integers(-128, 127),
    seed=st.integers(0, 2**32 - 1),
)
def test_matvec_to_int8_adds_the_zero_point_and_saturates(
    runtime: ctypes.CDLL, rows: int, columns: int, zero_point: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weight, x = rng.integers(-128, 128, (rows, columns)), rng.integers(-128, 128, columns)
    bias = rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)
    factors = np.stack([rng.integers(0, 2**31, rows), rng.integers(30, 46, rows)], axis=1)
    sums = (weight @ x + bias).tolist()
    rescaled = [half_up(s * m, n) for s, (m, n) in zip(sums, factors.tolist(), strict=True)]
    expected = [saturated(real + zero_point, -128, 127) for real in rescaled]
    assert matvec(runtime, weight, bias, factors, x, zero_point) == expected


def test_multipliers_round_as_fixed_point_does(runtime: ctypes.CDLL) -> None:
    rng = np.random.default_rng(7)
    factors = np.array([fixed_point.multiplier(f) for f in 10.0 ** rng.uniform(-9, 4, 500)])
    bias = rng.integers(-(2**31), 2**31, 500) >> rng.integers(0, 28, 500)
    y = matvec(runtime, np.zeros((500, 1), np.int8), bias, factors, np.array([0]))
    expected = fixed_point.saturate(fixed_point.rescale(bias, *factors.T), "int16")
    np.testing.assert_array_equal(y, expected)


def test_quantize_clamps_rounds_half_up_and_takes_nan_as_lowest(runtime: ctypes.CDLL) -> None:
    pairs = [
        (np.nan, -128), (np.inf, 127), (-np.inf, -128), (3e38, 127), (-3e38, -128), (127.4, 127),
        (126.5, 127), (126.4999, 126), (-127.5, -127), (-127.5001, -128), (-0.5, 0), (0.5, 1), (-1.5, -1),
        (0.0, 0), (-0.0, 0),
    ]  # fmt: skip
    x = np.array([value for value, _ in pairs], np.float32)
    ones, zeros = np.ones(len(x), np.float32), np.zeros(len(x), np.float32)
    y = elementwise(runtime.ernn_quantize_f32_s8, x, zeros, ones, out=np.int8, zero_point=0)
    assert y.tolist() == [value for _, value in pairs]


@pytest.mark.parametrize("zero_point", [-128, 5, 127])
def test_quantize_rounds_every_operation_by_itself(runtime: ctypes.CDLL, zero_point: int) -> None:
    """NumPy rounds the difference, the product and the sum to float32; so many frames that a fused one differs."""
    rng = np.random.default_rng(3)
    mean = rng.normal(0, 1e3, 400_000).astype(np.float32)
    target = rng.integers(-100, 100, mean.size) + 0.5 - zero_point  # near a tie, where one rounding more shows
    x = (mean + target).astype(np.float32)
    factor = (target / (x - mean)).astype(np.float32)
    y = elementwise(runtime.ernn_quantize_f32_s8, x, mean, factor, out=np.int8, zero_point=zero_point)
    real = np.clip((x - mean) * factor + np.float32(zero_point), np.float32(-128), np.float32(127))
    np.testing.assert_array_equal(y, np.floor(real + np.float32(128.5)).astype(np.int64) - 128)
    exact = (x.astype(np.float64) - mean) * factor + zero_point
    assert (y != np.clip(np.floor(exact + 0.5), -128, 127)).any()


def test_copy(runtime: ctypes.CDLL) -> None:
    np.testing.assert_array_equal(elementwise(runtime.ernn_copy_s16, ALL_INT16), ALL_INT16)


def test_dequantize_is_exact(runtime: ctypes.CDLL) -> None:
    y = np.zeros(ALL_INT16.size, np.float32)
    size, scale = ctypes.c_size_t(y.size), ctypes.c_float(2.0**-11)
    runtime.ernn_dequantize_s16_f32(pointer(ALL_INT16), pointer(y), size, scale)
    np.testing.assert_array_equal(y, ALL_INT16 / 2048.0)
