"""Blocks: whole ones, the right number of them, the smallest ones gone and the diagonal kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.network import Layer
from edgernn.sparsity import block_mask, blocks_kept, diagonal_blocks, matrices, zero_blocks
from sparsity import sample

Tile = tuple[slice, slice]


def tiles(rows: int, columns: int, block: tuple[int, int]) -> list[Tile]:
    """The blocks of a matrix, row by row."""
    starts = itertools.product(range(0, rows, block[0]), range(0, columns, block[1]))
    return [(slice(row, row + block[0]), slice(column, column + block[1])) for row, column in starts]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layer, tuple[int, int], tuple[float, ...]]:
    """A recurrent layer that the block divides, and a sparsity for each gate."""
    kind, gates = draw(st.sampled_from([("simple_rnn", 1), ("gru", 3), ("lstm", 4)]))
    block = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    units, inputs = block[0] * block[1] * draw(st.integers(1, 3)), block[1] * draw(st.integers(1, 4))
    layer = sample.layer(kind, inputs, draw(st.integers(0, 99)), units=units)
    return layer, block, tuple(draw(st.floats(0, 0.95)) for _ in range(gates))


@settings(max_examples=60)
@given(cases())
def test_each_gate_keeps_its_share_of_the_largest_blocks(
    case: tuple[Layer, tuple[int, int], tuple[float, ...]],
) -> None:
    layer, block, sparsity = case
    for matrix in matrices(layer):
        weight = layer.weights[matrix.index]
        mask = block_mask(weight, matrix, block, sparsity)
        assert mask.shape == weight.shape
        for part, held, share in zip(matrix.parts(weight), matrix.parts(mask), sparsity, strict=True):
            places = tiles(*part.shape, block)
            kept = [held[place].all() for place in places]
            assert all(held[place].any() == whole for place, whole in zip(places, kept, strict=True))
            diagonal = [matrix.recurrent and np.eye(*part.shape)[place].any() for place in places]
            assert all(whole for whole, on in zip(kept, diagonal, strict=True) if on)
            assert sum(kept) == max(blocks_kept(matrix, block, share), sum(diagonal))
            norms = [np.linalg.norm(part[place].astype(np.float64)) for place in places]
            chosen = [n for n, whole, on in zip(norms, kept, diagonal, strict=True) if whole and not on]
            assert min(chosen, default=np.inf) >= max(itertools.compress(norms, np.logical_not(kept)), default=0)


@settings(max_examples=30)
@given(cases())
def test_zero_blocks_counts_what_the_mask_took(case: tuple[Layer, tuple[int, int], tuple[float, ...]]) -> None:
    layer, block, sparsity = case
    for matrix in matrices(layer):
        mask = block_mask(layer.weights[matrix.index], matrix, block, sparsity)
        weight = layer.weights[matrix.index] * mask
        size = block[0] * block[1]
        assert zero_blocks(weight, matrix, block) == [np.sum(~part) // size for part in matrix.parts(mask)]


def test_a_row_of_8x4_blocks_holds_the_diagonal_in_two_of_them() -> None:
    _, recurrent = matrices(sample.layer("gru", 4, units=16))

    assert diagonal_blocks(recurrent, (8, 4)).tolist() == [[True, True, False, False], [False, False, True, True]]


def test_a_kernel_as_wide_as_the_state_has_no_diagonal() -> None:
    kernel, _ = matrices(sample.layer("gru", 16, units=16))

    assert not diagonal_blocks(kernel, (8, 4)).any()


@pytest.mark.parametrize("tiny", [1e-30, 1e-45])
def test_a_block_of_tiny_weights_is_not_zero(tiny: float) -> None:
    """The squares of such weights are below the smallest float."""
    layer = sample.layer("dense", 4, units=4)
    layer.weights[0][:] = 0
    layer.weights[0][0, 0] = tiny
    (kernel,) = matrices(layer)

    assert zero_blocks(layer.weights[0], kernel, (2, 2)) == [3]
