"""Pruning: the smallest weights, or blocks of weights, of every matrix become zero while the others train on."""

from __future__ import annotations

from pathlib import Path

from edgernn.datasets.splits import Splits
from edgernn.network import Network
from edgernn.prune.masks import masks
from edgernn.prune.readback import require_sparsity
from edgernn.prune.refusals import refuse_misfit
from edgernn.recipe import Recipe

__all__ = ["fine_tune", "masks", "refuse_misfit", "require_sparsity"]


def fine_tune(network: Network, recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """`network` with at least `recipe.prune.sparsity` of every matrix of the pruned layers zero, trained on.

    With `recipe.prune.block` that holds for the blocks of every gate. The sparsity grows along a cubic curve, or
    as `recipe.prune.schedule` says; only weights from after it are kept. Biases are never pruned. Logs and
    checkpoint are as those of `edgernn.train.fit`, under the name `prune`. Without a `prune` section the network
    comes back as it is.

    Raises:
        InputError: what the section asks does not fit the network; a loss or a gradient is not finite.
        ExportError: a matrix came out less sparse than asked.
    """
    if recipe.prune is None or not recipe.prune.sparsity:
        return network
    from edgernn.train import pruning  # TensorFlow: only where there is something to prune

    refuse_misfit(recipe.prune, network.layers)
    pruned = pruning.fine_tuned(network, recipe, recipe.prune, splits, folder, quiet=quiet)
    require_sparsity(pruned, recipe.prune)
    return pruned
