"""Products of sparse matrices against those of the same matrix, and against exact integer arithmetic."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_paths import builds, library, lifted, product, random_factors

import edgernn
from edgernn import fixed_point
from edgernn.targets.c.sparse import PACKED, SIDES

RUNTIME = Path(edgernn.__file__).parent / "runtime"
INTEGERS: dict[str, type] = {"s8": np.int8, "s16": np.int16}


class SparseLinear(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weight", "place", "count", "bias", "multiplier", "shift")),
        *((name, ctypes.c_size_t) for name in ("rows", "columns", "block_rows", "block_columns")),
        ("left", ctypes.c_int),
    )


@pytest.fixture(scope="module", params=builds())
def runtime(request: pytest.FixtureRequest) -> ctypes.CDLL:
    """By every vector path of this machine; undefined behaviour stops the process."""
    return library(request.param)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def stored(weight: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, places and counts, block by block in Python's own words."""
    blocks, places, counts = [], [], []
    for top in range(0, len(weight), height):
        found = 0
        for place in range(weight.shape[1] // width):
            block = weight[top : top + height, place * width : (place + 1) * width]
            if block.any():
                blocks.append(block)
                places.append(place)
                found += 1
        counts.append(found)
    return (
        np.array(blocks or [np.zeros((height, width))], np.int8),
        np.array(places or [0], np.uint8),
        np.array(counts, np.uint16),
    )


@settings(max_examples=100)
@given(
    block=st.sampled_from(PACKED) | st.tuples(st.integers(1, 16), st.integers(1, 9)),
    down=st.integers(1, 6),
    across=st.integers(1, 20) | st.just(256),
    share=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    operand=st.sampled_from(["s8", "s16"]),
    zero_point=st.none() | st.integers(-128, 127),
    seed=st.integers(0, 2**32 - 1),
)
def test_products_of_any_shape(
    runtime: ctypes.CDLL,
    block: tuple[int, int],
    down: int,
    across: int,
    share: float,
    operand: str,
    zero_point: int | None,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    height, width = block
    rows, columns = down * height, across * width
    low = np.iinfo(INTEGERS[operand]).min
    largest = min(127, (2**30) // (-low * columns))  # the sums fit an int32
    kept = (rng.random((down, across)) >= share).repeat(height, 0).repeat(width, 1)
    weight = rng.integers(-largest, largest + 1, (rows, columns)) * kept
    x: np.ndarray = rng.choice([low, -low - 1, *rng.integers(low, -low, 6)], columns).astype(INTEGERS[operand])
    bias = (rng.integers(-(2**30), 2**30, rows) >> rng.integers(0, 31, rows)).astype(np.int32)
    factors = random_factors(rng, rows)
    result = "s16" if zero_point is None else "s8"
    kernel, biases = product(runtime, f"ernn_matvec_sparse_{operand}_{result}", bias, weight)
    multiplier, shift, left = lifted(factors)
    arrays = (*stored(weight, height, width), biases.astype(np.int32), multiplier, shift)
    layer = SparseLinear(*map(pointer, arrays), rows, columns, height, width, left)
    y: np.ndarray = np.zeros(rows, INTEGERS[result])
    work = np.zeros(-(-columns // 4) * 4, np.int16)
    last = () if zero_point is None else (ctypes.c_int(zero_point),)
    kernel(ctypes.byref(layer), pointer(x), pointer(y), *last, pointer(work))
    sums = weight @ x.astype(np.int64) + bias
    rescaled = fixed_point.rescale(sums, *factors.T) + (zero_point or 0)
    np.testing.assert_array_equal(y, fixed_point.saturate(rescaled, np.dtype(INTEGERS[result]).name))


def test_the_exporter_keeps_to_the_largest_block() -> None:
    found = re.search(r"#define ERNN_BLOCK_ROWS (\d+)", (RUNTIME / "edgernn_runtime.h").read_text())
    assert found is not None
    assert max(SIDES) == int(found[1])
