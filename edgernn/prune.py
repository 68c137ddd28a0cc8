"""Pruning: the smallest weights of every matrix become zero while the others train on (TFMOT)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from edgernn.datasets.splits import Splits
from edgernn.errors import ExportError
from edgernn.network import Layer, Network
from edgernn.recipe import PruneSection, Recipe


def fine_tune(network: Network, recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """`network` with at least `recipe.prune.sparsity` of every matrix of the pruned layers zero, trained on.

    The sparsity grows along a cubic curve (Zhu and Gupta 2017, arXiv:1710.01878) over the first half of the
    epochs; only weights from after it are kept. Biases are never pruned. Logs and checkpoint are as those of
    `edgernn.train.fit`, under the name `prune`. Without a `prune` section the network comes back as it is.

    Raises:
        InputError: a loss or a gradient is not finite.
        ExportError: a matrix came out less sparse than asked.
    """
    if recipe.prune is None or not recipe.prune.sparsity:
        return network
    from edgernn.train import pruning  # TensorFlow: only where there is something to prune

    pruned = pruning.fine_tuned(network, recipe, recipe.prune, splits, folder, quiet=quiet)
    require_sparsity(pruned, recipe.prune)
    return pruned


def require_sparsity(network: Network, section: PruneSection) -> None:
    """Raises ExportError for a matrix that has fewer zeros than the section asks of its layer."""
    for layer in network.layers:
        for name, matrix in _matrices(layer, section):
            zeros, asked = int((matrix == 0).sum()), zeros_asked(matrix.size, section.sparsity)
            if zeros < asked:
                raise ExportError(
                    f"pruning left {name} with {zeros} zeros of {matrix.size}, below {section.sparsity:.0%}"
                )


def zeros_asked(size: int, sparsity: float) -> int:
    """The zeros of a matrix of `size` weights; TFMOT rounds what stays, and keeps one weight at least."""
    return size - max(1, math.ceil(size * (1 - sparsity)))


def _matrices(layer: Layer, section: PruneSection) -> list[tuple[str, np.ndarray]]:
    if layer.kind not in section.layers:
        return []
    return [(name, value) for name, value in layer.constants().items() if value.ndim == 2]
