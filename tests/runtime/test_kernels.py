"""Every kernel alone against exact integer arithmetic: `fixed_point`, and formulas over Python's integers."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_paths import KERNELS, builds, library, lifted, paths, product, random_factors

import edgernn
from edgernn import fixed_point
from edgernn.engines import compiler
from edgernn.targets.c.kernels import OWN_HEADERS
from edgernn.targets.c.packing import packed

RUNTIME = Path(edgernn.__file__).parent / "runtime"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
ALL_INT8 = np.arange(-128, 128).astype(np.int8)
ALL_INT16 = np.arange(-32768, 32768).astype(np.int16)
INTEGERS: dict[str, type] = {"s8": np.int8, "s16": np.int16}
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
        ("left", ctypes.c_int),
        ("clip", ctypes.c_int),
    )


@pytest.fixture(scope="module", params=builds())
def runtime(request: pytest.FixtureRequest) -> ctypes.CDLL:
    """The runtime as a library, by every vector path of this machine; fused multiply-adds must change nothing.

    Undefined behaviour stops the process: an overflow, a shift too far, a float beyond its integer.
    """
    return library(request.param)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def elementwise(
    kernel: Callable[..., None], *operands: np.ndarray, out: type = np.int16, **last: int
) -> np.ndarray:
    """Run an element-wise kernel; integers in `last` follow the number of elements."""
    y: np.ndarray = np.zeros(max(operand.size for operand in operands), out)
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
    headers = "".join((RUNTIME / name).read_text() for name in ("edgernn_runtime.h", *OWN_HEADERS))
    declared = re.findall(r"^(?:void |int |size_t |int16_t |const char \*)(ernn_\w+)\(", headers, re.MULTILINE)
    assert sorted(declared) == [file.stem for file in KERNELS if not file.stem.endswith("_table")]


def test_readme_names_every_file() -> None:
    named = re.findall(r"`(\w+\.[ch])`", (RUNTIME / "README.md").read_text().partition("| file |")[2])
    files = [file.name for pattern in ("*.c", "*.h") for file in RUNTIME.glob(pattern)]
    assert sorted({*named, "edgernn_runtime.h"}) == sorted(files)


@pytest.mark.parametrize("flags", paths().values(), ids=paths())
def test_kernels_compile_without_a_warning(flags: list[str], tmp_path: Path) -> None:
    native = ["-march=native"] if len(paths()) > 2 else []
    command = [*compiler.find().command, *STRICT, "-O2", *native, *flags, "-c", *map(str, KERNELS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "softmax"])
def test_tables_are_those_of_the_definition(name: str) -> None:
    file = RUNTIME / f"ernn_{name}_table.c"
    source = (file if file.exists() else RUNTIME / f"ernn_{name}_s16.c").read_text()
    numbers = source.partition("ERNN_TABLE_ENTRIES] = {")[2].partition("}")[0]
    table = fixed_point.activation_table(name).tolist()
    assert [int(n) for n in numbers.split(",") if n.strip()] == [*table, table[-1]]


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_activation_on_every_input(runtime: ctypes.CDLL, name: str) -> None:
    y = elementwise(getattr(runtime, f"ernn_{name}_s16"), ALL_INT16)
    expected = getattr(fixed_point, name)(ALL_INT16.astype(np.int64))
    np.testing.assert_array_equal(y, np.minimum(expected, 32767))
    x = ALL_INT16 / (2048.0 if name == "sigmoid" else 4096.0)
    real = 1 / (1 + np.exp(-x)) if name == "sigmoid" else np.tanh(x)
    # two roundings of half a step, and linear interpolation: h**2 / 8 * max|f''|, tanh has h = 1/32 and 0.77
    assert np.abs(y / 32768 - real).max() < 1 / 32768 + (1 / 32) ** 2 / 8 * 0.77


def test_softplus_on_every_input(runtime: ctypes.CDLL) -> None:
    y = elementwise(runtime.ernn_softplus_s16, ALL_INT16)
    np.testing.assert_array_equal(y, fixed_point.softplus(ALL_INT16.astype(np.int64)))


def test_relu_on_every_input(runtime: ctypes.CDLL) -> None:
    np.testing.assert_array_equal(elementwise(runtime.ernn_relu_s16, ALL_INT16), np.maximum(ALL_INT16, 0))


@pytest.mark.parametrize("bits", range(16))
def test_softmax_of_two(runtime: ctypes.CDLL, bits: int) -> None:
    """Distances of 0 .. 65535 to the largest, every sixteenth, so that each occurs at one of the formats."""
    x = np.stack([np.full(65536, 32767), ALL_INT16], axis=1)[bits::16]
    y = np.stack([softmax(runtime, row, bits) for row in x])
    np.testing.assert_array_equal(y, fixed_point.softmax(x, bits))


@settings(max_examples=100)
@given(size=st.integers(1, 300), bits=st.integers(0, 15), spread=st.integers(0, 16), seed=st.integers(0, 2**32 - 1))
def test_softmax_of_any_size(runtime: ctypes.CDLL, size: int, bits: int, spread: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(-32768, 32768, size) >> (16 - spread)
    np.testing.assert_array_equal(softmax(runtime, x, bits), fixed_point.softmax(x, bits))


@pytest.mark.parametrize("value", [-32768, 0, 32767])
def test_softmax_of_the_most_elements(runtime: ctypes.CDLL, value: int) -> None:
    """All alike: the largest sum. One apart: the largest quotient over the largest sum."""
    x = np.full(2**16, value)
    np.testing.assert_array_equal(softmax(runtime, x, 12), fixed_point.softmax(x, 12))
    x[0] = 32767
    np.testing.assert_array_equal(softmax(runtime, x, 0), fixed_point.softmax(x, 0))


def softmax(runtime: ctypes.CDLL, x: np.ndarray, bits: int) -> np.ndarray:
    return elementwise(runtime.ernn_softmax_s16, x.astype(np.int16), bits=bits)


def normalize(runtime: ctypes.CDLL, x: np.ndarray, scale: float, bits: int) -> np.ndarray:
    up, epsilon, root, shift = fixed_point.normalize_constants(x.size, scale, bits)
    y, operand = np.zeros(x.size, np.int16), x.astype(np.int16)
    wide = ctypes.c_uint64(epsilon), ctypes.c_uint64(root)
    runtime.ernn_normalize_s16(
        pointer(operand), pointer(y), ctypes.c_size_t(x.size), ctypes.c_int(up), *wide, ctypes.c_int(shift)
    )
    return y


SCALES = st.integers(-20, 15).map(lambda exponent: 2.0**exponent)


@settings(max_examples=300)
@given(
    size=st.integers(1, 70) | st.sampled_from([127, 128, 511, 512, 1023, 1024]),
    scale=SCALES,
    bits=st.integers(0, 15),
    spread=st.integers(0, 16),
    seed=st.integers(0, 2**32 - 1),
)
def test_normalize_of_any_size(
    runtime: ctypes.CDLL, size: int, scale: float, bits: int, spread: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = np.clip((rng.integers(-32768, 32768, size) >> (16 - spread)) + rng.integers(-40000, 40000), -32768, 32767)
    np.testing.assert_array_equal(normalize(runtime, x, scale, bits), fixed_point.normalize(x, scale, bits))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 1023, 1024])
@pytest.mark.parametrize("bits", [0, 15])
@pytest.mark.parametrize("scale", [2.0**-20, 2.0**-15, 1.0, 2.0**15])
def test_normalize_at_the_ends_of_int16(runtime: ctypes.CDLL, size: int, scale: float, bits: int) -> None:
    one = np.eye(1, size, dtype=np.int64)[0]
    halves = np.where(np.arange(size) % 2, -32768, 32767)
    for x in (
        halves,
        one,
        -one,
        65535 * one - 32768,
        32767 - 65535 * one,
        *(np.full(size, v) for v in (-32768, 32767)),
    ):
        np.testing.assert_array_equal(normalize(runtime, x, scale, bits), fixed_point.normalize(x, scale, bits))


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


@pytest.mark.parametrize("bits", [1, 15, 30])
@pytest.mark.parametrize("factor", [-32768, -1, 0, 3, 32767])
def test_mul_by_one_element(runtime: ctypes.CDLL, factor: int, bits: int) -> None:
    y = elementwise(runtime.ernn_mul_scalar_s16, ALL_INT16, np.array([factor], np.int16), bits=bits)
    product = fixed_point.shift_right(ALL_INT16.astype(np.int64) * factor, bits)
    np.testing.assert_array_equal(y, fixed_point.saturate(product, "int16"))


@pytest.mark.parametrize(("name", "values"), [("s8", ALL_INT8), ("s16", EDGES)])
def test_max(runtime: ctypes.CDLL, name: str, values: np.ndarray) -> None:
    a, b = grid(values, values)
    y = elementwise(getattr(runtime, f"ernn_max_{name}"), a, b, out=INTEGERS[name])
    np.testing.assert_array_equal(y, np.maximum(a, b))


COLUMNS = st.integers(1, 67) | st.integers(120, 300) | st.sampled_from([508, 511, 512, 513, 516, 520, 1040])

SHARES = np.array([0, 1, 2, 11, 16383, 16384, 16385, 32757, 32766, 32767], np.int16)


def blended(z: np.ndarray | int, g: np.ndarray, h: np.ndarray) -> np.ndarray:
    return g + fixed_point.shift_right(z * (h.astype(np.int64) - g), 15)


def test_blend_at_the_extremes(runtime: ctypes.CDLL) -> None:
    z, g, h = grid(SHARES, EDGES, EDGES)
    y = elementwise(runtime.ernn_blend_s16, z, g, h)
    np.testing.assert_array_equal(y, blended(z.astype(np.int64), g, h))
    assert ((np.minimum(g, h) <= y) & (y <= np.maximum(g, h))).all()


@pytest.mark.parametrize("z", SHARES.tolist())
def test_blend_by_one_element(runtime: ctypes.CDLL, z: int) -> None:
    g, h = grid(EDGES, EDGES)
    y = elementwise(runtime.ernn_blend_scalar_s16, np.array([z], np.int16), g, h)
    np.testing.assert_array_equal(y, blended(z, g, h))


@pytest.mark.parametrize(("source", "values"), [("s8", ALL_INT8), ("s16", ALL_INT16)])
@pytest.mark.parametrize("target", ["s8", "s16"])
@pytest.mark.parametrize("zeros", [(0, 0), (-128, 127), (127, -128), (3, -5)])
def test_rescale_on_every_input(
    runtime: ctypes.CDLL, source: str, values: np.ndarray, target: str, zeros: tuple[int, int]
) -> None:
    kernel, dtype = getattr(runtime, f"ernn_rescale_{source}_{target}"), INTEGERS[target]
    for ratio in (0.0, 2.0**-30, 2.0**-9, 1 / 255, 0.37, 0.5, 1.0, 1.7, 256.0, 3e5, 2.0**29):
        integer, shift = fixed_point.multiplier(ratio)
        last = {"zero_in": zeros[0], "multiplier": integer, "shift": shift, "zero_out": zeros[1]}
        y = elementwise(kernel, values, out=dtype, **last)
        wide = values.astype(np.int64)
        expected = fixed_point.requantize(wide, zeros[0], integer, shift, zeros[1], np.dtype(dtype).name)
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("shift", [1, 31, 62])
@pytest.mark.parametrize("target", ["s8", "s16"])
def test_rescale_at_the_ends_of_its_arguments(runtime: ctypes.CDLL, target: str, shift: int) -> None:
    dtype, largest = INTEGERS[target], 2**31 - 1
    low, high = fixed_point.LIMITS[np.dtype(dtype).name]
    last = {"zero_in": -32768, "multiplier": largest, "shift": shift, "zero_out": high}
    y = elementwise(getattr(runtime, f"ernn_rescale_s16_{target}"), EDGES, out=dtype, **last)
    assert y.tolist() == [
        saturated(half_up((x + 32768) * largest, shift) + high, low, high) for x in EDGES.tolist()
    ]


@pytest.mark.parametrize(("entries", "columns"), [(1, 1), (3, 5), (300, 16)])
def test_lookup_takes_the_row_or_the_nearest(runtime: ctypes.CDLL, entries: int, columns: int) -> None:
    table = np.random.default_rng(1).integers(-128, 128, (entries, columns)).astype(np.int8)
    for index in (-32768, -1, 0, 1, entries // 2, entries - 1, entries, 32767):
        row, y = np.array([index], np.int16), np.zeros(columns, np.int8)
        shape = ctypes.c_size_t(entries), ctypes.c_size_t(columns)
        runtime.ernn_lookup_s8(pointer(table), shape[0], pointer(row), pointer(y), shape[1])
        np.testing.assert_array_equal(y, table[min(max(index, 0), entries - 1)])


def matvec(
    runtime: ctypes.CDLL,
    weight: np.ndarray,
    bias: np.ndarray,
    factors: np.ndarray,
    x: np.ndarray,
    zero_point: int | None = None,
    operand: str = "s8",
) -> list[int]:
    """`factors` are [rows, 2]: multiplier and shift; with a zero point the result is int8."""
    result = "s16" if zero_point is None else "s8"
    y: np.ndarray = np.zeros(len(weight), INTEGERS[result])
    last = () if zero_point is None else (ctypes.c_int(zero_point),)
    vector: np.ndarray = np.ascontiguousarray(x, INTEGERS[operand])
    work = scratch(vector.size)
    with linear(runtime, f"ernn_matvec_{operand}_{result}", weight, bias, factors) as (kernel, layer):
        kernel(layer, pointer(vector), pointer(y), *last, pointer(work))
    return y.tolist()


def scratch(columns: int) -> np.ndarray:
    return np.zeros(-(-columns // 4) * 4, np.int16)


@contextmanager
def linear(
    runtime: ctypes.CDLL, name: str, weight: np.ndarray, bias: np.ndarray, factors: np.ndarray
) -> Iterator[tuple[Callable[..., None], object]]:
    """A kernel and its first argument."""
    kernel, biases = product(runtime, name, bias, weight)
    multiplier, shift, left = lifted(factors)
    arrays = (packed(weight.astype(np.int8)), biases.astype(np.int32), multiplier, shift)
    largest = 2**15 if "_s16_" in name else 2**7
    most = int((np.abs(weight).sum(axis=1) * largest + np.abs(bias)).max(initial=0))
    clip = most << left > 2**31 - 1
    yield kernel, ctypes.byref(Linear(*map(pointer, arrays), *weight.shape, left, clip))


@settings(max_examples=60)
@given(rows=st.integers(1, 200), columns=COLUMNS, seed=st.integers(0, 2**32 - 1))
def test_matvec_of_any_shape(runtime: ctypes.CDLL, rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.choice([-127, -1, 0, 1, 127, *rng.integers(-127, 128, 8)], (rows, columns))
    x = rng.choice([-128, 127, *rng.integers(-128, 128, 6)], columns)
    bias = rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)
    factors = random_factors(rng, rows)
    sums = (weight @ x + bias).tolist()
    expected = [saturated(half_up(s * m, n)) for s, (m, n) in zip(sums, factors.tolist(), strict=True)]
    assert matvec(runtime, weight, bias, factors, x) == expected


@settings(max_examples=60)
@given(
    rows=st.integers(1, 100),
    columns=COLUMNS,
    count=st.integers(0, 20),
    operand=st.sampled_from(["s8", "s16"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_matmul_is_the_product_of_every_input(
    runtime: ctypes.CDLL, rows: int, columns: int, count: int, operand: str, seed: int
) -> None:
    weight, bias, x, factors, expected = any_products(rows, columns, count, operand, seed)
    y, work = np.full((count + 1, rows), 12345, np.int16), scratch(columns)
    with linear(runtime, f"ernn_matmul_{operand}_s16", weight, bias, factors) as (kernel, layer):
        kernel(layer, pointer(x), ctypes.c_size_t(count), pointer(y), pointer(work))
    np.testing.assert_array_equal(y[:count], expected)
    assert (y[count] == 12345).all()


@settings(max_examples=30)
@given(rows=st.integers(1, 200), columns=COLUMNS, seed=st.integers(0, 2**32 - 1))
def test_turning_matvec_is_the_same_in_both_directions(
    runtime: ctypes.CDLL, rows: int, columns: int, seed: int
) -> None:
    weight, bias, x, factors, expected = any_products(rows, columns, 1, "s8", seed)
    for backward in (0, 1):
        y, work = np.zeros(rows, np.int16), scratch(columns)
        with linear(runtime, "ernn_matvec_turning_s8_s16", weight, bias, factors) as (kernel, layer):
            kernel(layer, pointer(x), pointer(y), pointer(work), ctypes.c_int(backward))
        np.testing.assert_array_equal(y, expected[0])


def any_products(
    rows: int, columns: int, count: int, operand: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights, biases, inputs, factors and what comes out; sums fit an int32."""
    rng, low = np.random.default_rng(seed), np.iinfo(INTEGERS[operand]).min
    largest = min(127, 2**30 // (-low * columns))
    weight = rng.choice([-largest, 0, largest, *rng.integers(-largest, largest + 1, 8)], (rows, columns))
    values = [low, -low - 1, *rng.integers(low, -low, 6)]
    x: np.ndarray = rng.choice(values, (count, columns)).astype(INTEGERS[operand])
    bias = rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)
    factors = random_factors(rng, rows)
    rescaled = fixed_point.rescale(x.astype(np.int64) @ weight.T + bias, *factors.T)
    return weight, bias, x, factors, fixed_point.saturate(rescaled, "int16")


@settings(max_examples=100)
@given(
    rows=st.integers(1, 67),
    columns=st.integers(1, 67),
    zero_point=st.none() | st.integers(-128, 127),
    seed=st.integers(0, 2**32 - 1),
)
def test_matvec_of_int16(runtime: ctypes.CDLL, rows: int, columns: int, zero_point: int | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.choice([-127, -1, 0, 1, 127, *rng.integers(-127, 128, 8)], (rows, columns))
    x = rng.choice([-32768, 32767, *rng.integers(-32768, 32768, 6)], columns)
    bias = rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)
    factors = random_factors(rng, rows)
    sums = (weight @ x + bias).tolist()
    rescaled = [half_up(s * m, n) for s, (m, n) in zip(sums, factors.tolist(), strict=True)]
    limits = fixed_point.LIMITS["int16" if zero_point is None else "int8"]
    expected = [saturated(real + (zero_point or 0), *limits) for real in rescaled]
    assert matvec(runtime, weight, bias, factors, x, zero_point, operand="s16") == expected


def test_matvec_of_int16_at_the_ends_of_int32(runtime: ctypes.CDLL) -> None:
    """The largest sums that the exporter lets through, of either sign, in a block of four rows and in the last."""
    columns = (2**31 - 1) // (127 * 32768)
    weight = np.array([[-127], [127], [-127], [127], [-127]]).repeat(columns, axis=1)
    x = np.full(columns, -32768)
    bias, factors = np.zeros(5, np.int64), np.array([(2**30, 46)] * 5)
    expected = [saturated(half_up(s << 30, 46)) for s in (weight @ x).tolist()]
    assert matvec(runtime, weight, bias, factors, x, operand="s16") == expected


@pytest.mark.parametrize("shift", [3, 4, 15, 30, 31, 32, 33, 34, 46, 47, 61, 62])
@pytest.mark.parametrize("multiplier", [0, 2**30, 2**30 + 1, 2**31 - 1])
def test_matvec_rescales_every_sum_with_one_rounding(runtime: ctypes.CDLL, multiplier: int, shift: int) -> None:
    """A weight of zero leaves the bias as the sum: ties of both signs, saturation, the ends of int32."""
    ends = [-(2**31) + 1, -(2**30), 2**30, 2**31 - 1]
    ties = [sign * (2 * k + 1) for sign in (-1, 1) for k in range(6)]
    limits = [sign * (32767 + k) for sign in (-1, 1) for k in range(4)]
    sums = [*ends, 0, *ties, *limits]
    factors = np.array([(multiplier, shift)] * len(sums))
    y = matvec(runtime, np.zeros((len(sums), 1), np.int8), np.array(sums), factors, np.array([5]))
    assert y == [saturated(half_up(s * multiplier, shift)) for s in sums]


@settings(max_examples=60)
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
    weight, x = rng.integers(-127, 128, (rows, columns)), rng.integers(-128, 128, columns)
    bias = rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)
    factors = random_factors(rng, rows)
    sums = (weight @ x + bias).tolist()
    rescaled = [half_up(s * m, n) for s, (m, n) in zip(sums, factors.tolist(), strict=True)]
    expected = [saturated(real + zero_point, -128, 127) for real in rescaled]
    assert matvec(runtime, weight, bias, factors, x, zero_point) == expected


def test_multipliers_round_as_fixed_point_does(runtime: ctypes.CDLL) -> None:
    rng = np.random.default_rng(7)
    for exponent in range(-9, 4):
        factors = np.array([fixed_point.multiplier(f) for f in 10.0 ** (exponent + rng.random(70))])
        bias = rng.integers(-(2**31) + 1, 2**31, 70) >> rng.integers(0, 28, 70)
        y = matvec(runtime, np.zeros((70, 1), np.int8), bias, factors, np.array([0]))
        expected = fixed_point.saturate(fixed_point.rescale(bias, *factors.T), "int16")
        np.testing.assert_array_equal(y, expected)


def any_int16(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.choice([-32768, 32767, *(rng.integers(-32768, 32768, 30) >> rng.integers(0, 14))], size).astype(
        np.int16
    )


def pick(values: np.ndarray, part: int, size: int) -> np.ndarray:
    return values[part * size : (part + 1) * size].astype(np.int64)


def summed(a: np.ndarray, b: np.ndarray, shift: int) -> np.ndarray:
    return fixed_point.saturate((a.astype(np.int64) + b) << shift, "int16").astype(np.int64)


def multiplied(a: np.ndarray, b: np.ndarray, bits: int) -> np.ndarray:
    return fixed_point.saturate(fixed_point.shift_right(a.astype(np.int64) * b, bits), "int16").astype(np.int64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.minimum(fixed_point.sigmoid(x), 32767)


@settings(max_examples=100)
@given(
    size=st.integers(1, 100),
    shifts=st.tuples(st.integers(0, 15), st.integers(0, 15)),
    bits=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_gru_is_its_equations(
    runtime: ctypes.CDLL, size: int, shifts: tuple[int, int], bits: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    zr_x, zr_h = any_int16(rng, 2 * size), any_int16(rng, 2 * size)
    g_x, g_h, h = (any_int16(rng, size) for _ in range(3))
    y = np.zeros(size, np.int16)
    numbers = ctypes.c_size_t(size), *map(ctypes.c_int, (shifts[0], bits, shifts[1]))
    runtime.ernn_gru_s16(*map(pointer, (zr_x, zr_h, g_x, g_h, h, y)), *numbers)
    z, r = (sigmoid(summed(pick(zr_x, part, size), pick(zr_h, part, size), shifts[0])) for part in range(2))
    g = fixed_point.tanh(summed(g_x, multiplied(r, g_h, bits), shifts[1]))
    np.testing.assert_array_equal(y, blended(z, g, h))


@settings(max_examples=100)
@given(
    size=st.integers(1, 100),
    shifts=st.tuples(*[st.integers(0, 15)] * 3),
    bits=st.tuples(*[st.integers(1, 30)] * 3),
    rescaled=st.integers(-15, 15),
    seed=st.integers(0, 2**32 - 1),
)
def test_lstm_is_its_equations(
    runtime: ctypes.CDLL,
    size: int,
    shifts: tuple[int, int, int],
    bits: tuple[int, int, int],
    rescaled: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    ifo_x, ifo_h = any_int16(rng, 3 * size), any_int16(rng, 3 * size)
    g_x, g_h, c = (any_int16(rng, size) for _ in range(3))
    c_next, h_next = np.zeros((2, size), np.int16)
    numbers = shifts[0], shifts[1], bits[0], bits[1], shifts[2], rescaled, bits[2]
    arrays = map(pointer, (ifo_x, ifo_h, g_x, g_h, c, c_next, h_next))
    runtime.ernn_lstm_s16(*arrays, ctypes.c_size_t(size), *map(ctypes.c_int, numbers))
    i, f, o = (sigmoid(summed(pick(ifo_x, part, size), pick(ifo_h, part, size), shifts[0])) for part in range(3))
    g = fixed_point.tanh(summed(g_x, g_h, shifts[1]))
    memory = summed(multiplied(f, c, bits[0]), multiplied(i, g, bits[1]), shifts[2])
    none = np.zeros_like(memory)
    squashed = summed(memory, none, rescaled) if rescaled >= 0 else multiplied(memory, none + 1, -rescaled)
    np.testing.assert_array_equal(c_next, memory)
    np.testing.assert_array_equal(h_next, multiplied(o, fixed_point.tanh(squashed), bits[2]))


def test_quantize_clamps_rounds_half_up_and_takes_nan_as_lowest(runtime: ctypes.CDLL) -> None:
    pairs = [
        (np.nan, -128), (np.inf, 127), (-np.inf, -128), (3e38, 127), (-3e38, -128), (127.4, 127),
        (126.5, 127), (126.4999, 126), (-127.5, -127), (-127.5001, -128), (-0.5, 0), (0.5, 1), (-1.5, -1),
        (0.0, 0), (-0.0, 0), (0.49999997, 0), (-0.50000006, -1),
    ]  # fmt: skip
    x = np.array([value for value, _ in pairs], np.float32)
    assert quantize(runtime, x, "s8").tolist() == [value for _, value in pairs]


def test_quantize_to_int16_clamps_rounds_half_up_and_takes_nan_as_lowest(runtime: ctypes.CDLL) -> None:
    pairs = [
        (np.nan, -32768), (np.inf, 32767), (-np.inf, -32768), (3e38, 32767), (-3e38, -32768), (32767.4, 32767),
        (32766.5, 32767), (32766.498, 32766), (-32767.5, -32767), (-32767.502, -32768), (-0.5, 0), (0.5, 1),
        (-1.5, -1), (-0.0, 0), (0.49999997, 0), (-0.50000006, -1), (1000.4999, 1000), (-1000.5001, -1001),
    ]  # fmt: skip
    x = np.array([value for value, _ in pairs], np.float32)
    assert quantize(runtime, x, "s16").tolist() == [value for _, value in pairs]


def test_quantize_to_int16_keeps_every_token(runtime: ctypes.CDLL) -> None:
    np.testing.assert_array_equal(quantize(runtime, ALL_INT16.astype(np.float32), "s16"), ALL_INT16)


def quantize(runtime: ctypes.CDLL, x: np.ndarray, target: str) -> np.ndarray:
    """With a mean of 0, a factor of 1 and a zero point of 0."""
    zeros, ones, out = np.zeros_like(x), np.ones_like(x), INTEGERS[target]
    return elementwise(getattr(runtime, f"ernn_quantize_f32_{target}"), x, zeros, ones, out=out, zero_point=0)


@pytest.mark.parametrize("target", ["s8", "s16"])
@pytest.mark.parametrize("zero_point", [-128, 5, 127])
def test_quantize_rounds_every_operation_by_itself(runtime: ctypes.CDLL, zero_point: int, target: str) -> None:
    """NumPy rounds the difference, the product and the sum to float32; so many frames that a fused one differs."""
    rng = np.random.default_rng(3)
    mean = rng.normal(0, 1e3, 400_000).astype(np.float32)
    steps = rng.integers(-100, 100, mean.size) + 0.5 - zero_point  # near a tie, where one rounding more shows
    x = (mean + steps).astype(np.float32)
    factor = (steps / (x - mean)).astype(np.float32)
    kernel, out = getattr(runtime, f"ernn_quantize_f32_{target}"), INTEGERS[target]
    y = elementwise(kernel, x, mean, factor, out=out, zero_point=zero_point)
    real = (x - mean) * factor + np.float32(zero_point)
    np.testing.assert_array_equal(y, fixed_point.quantize_real(real, np.dtype(out).name))
    low, high = fixed_point.LIMITS[np.dtype(out).name]
    exact = (x.astype(np.float64) - mean) * factor + zero_point
    assert (y != np.clip(np.floor(exact + 0.5), low, high)).any()


@pytest.mark.parametrize(("name", "values"), [("s8", ALL_INT8), ("s16", ALL_INT16)])
def test_copy(runtime: ctypes.CDLL, name: str, values: np.ndarray) -> None:
    y = elementwise(getattr(runtime, f"ernn_copy_{name}"), values, out=INTEGERS[name])
    np.testing.assert_array_equal(y, values)


def test_dequantize_is_exact(runtime: ctypes.CDLL) -> None:
    y = np.zeros(ALL_INT16.size, np.float32)
    size, scale = ctypes.c_size_t(y.size), ctypes.c_float(2.0**-11)
    runtime.ernn_dequantize_s16_f32(pointer(ALL_INT16), pointer(y), size, scale)
    np.testing.assert_array_equal(y, ALL_INT16 / 2048.0)
