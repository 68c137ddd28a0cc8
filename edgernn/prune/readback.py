"""What a recipe asks of pruning, held against the network that came out."""

from __future__ import annotations

import numpy as np

from edgernn.errors import ExportError
from edgernn.network import Network
from edgernn.sparsity import Matrix, blocks_kept, zero_blocks, zeros_asked
from edgernn.train_sections import PruneSection


def require_sparsity(network: Network, section: PruneSection) -> None:
    """Raises ExportError for a matrix, or a gate of one, that has fewer zeros than the section asks."""
    for layer in network.layers:
        for matrix in section.matrices(layer):
            weight = layer.weights[matrix.index]
            if section.block:
                _require_blocks(weight, matrix, section, section.block)
            else:
                _require_zeros(weight, matrix, section.sparsity)


def _require_zeros(weight: np.ndarray, matrix: Matrix, sparsity: float) -> None:
    zeros = int((weight == 0).sum())
    if zeros < zeros_asked(weight.size, sparsity):
        raise ExportError(f"pruning left {matrix.path} with {zeros} zeros of {weight.size}, below {sparsity:.0%}")


def _require_blocks(weight: np.ndarray, matrix: Matrix, section: PruneSection, block: tuple[int, int]) -> None:
    blocks = matrix.rows * matrix.columns // (block[0] * block[1])  # of a gate
    found = zip(matrix.gates, zero_blocks(weight, matrix, block), section.sparsities(matrix), strict=True)
    for gate, zeros, sparsity in found:
        if zeros < blocks - blocks_kept(matrix, block, sparsity):
            where = f"gate {gate} of {matrix.path}" if gate else matrix.path
            raise ExportError(f"pruning left {where} with {zeros} zero blocks of {blocks}, below {sparsity:.0%}")
