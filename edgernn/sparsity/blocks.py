"""Blocks of rows x inputs: a gate keeps those with the largest norms, and those on the recurrent diagonal.

Narang et al. 2017, arXiv:1711.02782 (block sparse recurrent networks); that each gate has a density of its own and
the diagonal stays is due to LPCNet (Valin and Skoglund 2019, arXiv:1810.11846).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgernn.sparsity.matrices import Matrix, kept_at_least

Block = tuple[int, int]  # rows, inputs


def block_mask(weight: np.ndarray, matrix: Matrix, block: Block, sparsity: Sequence[float]) -> np.ndarray:
    """The mask, bool and in the shape of `weight`, that leaves each gate its share of blocks.

    `sparsity` is the share of zero blocks by gate. `block` has to divide the rows of a gate and the columns.
    """
    parts = zip(matrix.parts(weight), sparsity, strict=True)
    kept = [_kept(_norms(part, block), matrix, block, share) for part, share in parts]
    return matrix.whole(np.stack(kept).repeat(block[0], axis=1).repeat(block[1], axis=2))


def zero_blocks(weight: np.ndarray, matrix: Matrix, block: Block) -> list[int]:
    """How many blocks of each gate are all zero."""
    return [int((_norms(part, block) == 0).sum()) for part in matrix.parts(weight)]


def blocks_kept(matrix: Matrix, block: Block, sparsity: float) -> int:
    """How many blocks of a gate the sparsity leaves."""
    return kept_at_least(matrix.rows * matrix.columns // (block[0] * block[1]), sparsity)


def diagonal_blocks(matrix: Matrix, block: Block) -> np.ndarray:
    """Which blocks of a gate join a unit to itself, bool [rows / block rows, columns / block columns]."""
    held = np.eye(matrix.rows, matrix.columns, dtype=bool) & matrix.recurrent
    return np.asarray(_grid(held, block).any(axis=(1, 3)))


def _kept(norms: np.ndarray, matrix: Matrix, block: Block, sparsity: float) -> np.ndarray:
    """Which blocks of a gate stay; of equal norms the first ones do."""
    diagonal = diagonal_blocks(matrix, block)
    rank = np.where(diagonal, np.inf, norms)
    count = max(blocks_kept(matrix, block, sparsity), int(diagonal.sum()))
    kept = np.zeros(norms.size, bool)
    kept[np.argsort(-rank.ravel(), kind="stable")[:count]] = True
    return kept.reshape(norms.shape)


def _norms(part: np.ndarray, block: Block) -> np.ndarray:
    """The Euclidean norm of every block of a gate, float64; 0 only where all of its weights are 0."""
    largest = np.abs(part).max(initial=0).astype(np.float64) or 1.0  # squares of tiny weights must not vanish
    return np.sqrt(np.square(_grid(part, block) / largest).sum(axis=(1, 3))) * largest


def _grid(part: np.ndarray, block: Block) -> np.ndarray:
    """[rows, columns] as [blocks down, block rows, blocks across, block columns]."""
    rows, columns = part.shape
    return part.reshape(rows // block[0], block[0], columns // block[1], block[1])
