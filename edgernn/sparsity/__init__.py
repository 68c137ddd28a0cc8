"""Sparsity: where a network has zeros, and where it may have them. NumPy only; `edgernn.prune` puts them there.

A matrix is what a step multiplies with, [rows, inputs]; the rows of a gate follow one another, so a gate is a range
of rows. A mask has the shape of the weight it belongs to and is False where the weight stays 0.
"""

from edgernn.sparsity.blocks import block_mask, blocks_kept, diagonal_blocks, zero_blocks
from edgernn.sparsity.matrices import (
    Density,
    Matrix,
    densities,
    kept_at_least,
    masks_of,
    matrices,
    zeros_asked,
)
from edgernn.sparsity.schedule import Schedule

__all__ = [
    "Density",
    "Matrix",
    "Schedule",
    "block_mask",
    "blocks_kept",
    "densities",
    "diagonal_blocks",
    "kept_at_least",
    "masks_of",
    "matrices",
    "zero_blocks",
    "zeros_asked",
]
