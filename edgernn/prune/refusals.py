"""What a recipe cannot ask of its network, told before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgernn.errors import InputError
from edgernn.network import KINDS, Layer
from edgernn.sparsity import Matrix, blocks_kept, diagonal_blocks
from edgernn.train_sections import PruneSection

Block = tuple[int, int]


def refuse_misfit(section: PruneSection, layers: Sequence[Layer]) -> None:
    """Raises InputError when the section does not fit a network of these layers, whose weights may be missing.

    That is: it names a layer or a gate that is not there, it has nothing to prune, its blocks do not divide a
    matrix, or the blocks on the diagonal are more than may stay.
    """
    _refuse_names(section, layers)
    found = [matrix for layer in layers for matrix in section.matrices(layer)]
    if not found:
        asked = ", ".join(section.layers)
        raise InputError(f"prune.layers: the network has no matrix to prune in {asked}; name other layers")
    _refuse_gates(section, found)
    if section.block:
        _refuse_rows(section.block, found)
        _refuse_columns(section.block, found)
        for matrix in found:
            _refuse_diagonal(section, section.block, matrix)


def _refuse_names(section: PruneSection, layers: Sequence[Layer]) -> None:
    names = [layer.name for layer in layers]
    absent = next((name for name in section.layers if name not in KINDS and name not in names), None)
    if absent is not None:
        raise InputError(f"prune.layers has {absent}, which the network does not have; it has {', '.join(names)}")


def _refuse_gates(section: PruneSection, found: Sequence[Matrix]) -> None:
    gates = {gate for matrix in found for gate in matrix.gates}
    absent = next((gate for gate in section.density if gate not in gates), None)
    if absent is not None:
        known = ", ".join(sorted(gates - {""})) or "none"
        raise InputError(f"prune.density.{absent}: no pruned layer has a gate {absent}; their gates: {known}")


def _refuse_rows(block: Block, found: Sequence[Matrix]) -> None:
    misfit = next((matrix for matrix in found if matrix.rows % block[0]), None)
    if misfit is not None:
        sizes = _sizes(block[0], [matrix.rows for matrix in found])
        raise InputError(
            f"prune.block: {block[0]} rows do not divide the {misfit.rows} units of {misfit.layer}; {sizes}"
        )


def _refuse_columns(block: Block, found: Sequence[Matrix]) -> None:
    misfit = next((matrix for matrix in found if matrix.columns % block[1]), None)
    if misfit is not None:
        sizes = _sizes(block[1], [matrix.columns for matrix in found])
        raise InputError(
            f"prune.block: {block[1]} inputs do not divide the {misfit.columns} inputs of {misfit.path}; {sizes}"
        )


def _refuse_diagonal(section: PruneSection, block: Block, matrix: Matrix) -> None:
    held = diagonal_blocks(matrix, block)
    for gate, sparsity in zip(matrix.gates, section.sparsities(matrix), strict=True):
        if held.sum() > blocks_kept(matrix, block, sparsity):
            where = f"gate {gate} of {matrix.path}" if gate else matrix.path
            raise InputError(
                f"prune.block: the blocks of {block[0]}x{block[1]} on the diagonal of {where} are "
                f"{held.mean():.0%} of it and stay, but only {1 - sparsity:.0%} may; use smaller blocks"
            )


def _sizes(asked: int, sizes: Sequence[int]) -> str:
    """What to write instead: up to two sizes below the asked one that divide all of these, or the next above."""
    common = math.gcd(*sizes)
    fitting = [size for size in range(1, common + 1) if common % size == 0]
    below = [size for size in fitting if size < asked]
    several = [size for size in below if size > 1][-2:]
    choice = several or [size for size in fitting if size > asked][:1] or below
    return f"use {' or '.join(map(str, choice))}, or leave the layer out of prune.layers"
