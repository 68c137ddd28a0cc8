"""Pruning: the smallest weights of every matrix become zero while the others train on (TFMOT)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets.splits import Splits
from edgernn.errors import ExportError
from edgernn.network import Layer, Network
from edgernn.recipe import PruneSection, Recipe

RAMP = 0.5  # of the epochs: the sparsity grows over these, and the rest heals the network at full sparsity
UPDATES = 20  # how often the masks are chosen anew while the sparsity grows


def fine_tune(network: Network, recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """`network` with at least `recipe.prune.sparsity` of every matrix of the pruned layers zero, trained on.

    The sparsity grows along a cubic curve (Zhu and Gupta 2017, arXiv:1710.01878) over the first half of the
    epochs; only weights from after it are kept. Biases are never pruned. Logs and checkpoint are those of
    `edgernn.train.fit`, under the name `prune`. Without a `prune` section the network comes back as it is.

    Raises:
        InputError: a loss or a gradient is not finite.
        ExportError: a matrix came out less sparse than asked.
    """
    if recipe.prune is None or not recipe.prune.sparsity:
        return network
    pruned = _fine_tuned(network, recipe, recipe.prune, splits, folder, quiet)
    require_sparsity(pruned, recipe.prune)
    return pruned


def _fine_tuned(
    network: Network, recipe: Recipe, section: PruneSection, splits: Splits, folder: Path, quiet: bool
) -> Network:
    from tensorflow_model_optimization.sparsity import keras as sparsity  # noqa: PLC0415

    from edgernn.train import fitting, loop, models  # noqa: PLC0415
    from edgernn.train.learner import Learner  # noqa: PLC0415

    train = recipe.train.model_copy(update={"epochs": section.epochs, "learning_rate": section.learning_rate})
    batches = math.ceil(len(splits.train) / train.batch_size)
    ramp = max(1, int(RAMP * section.epochs * batches))
    model = _wrapped(models.every_step_model(network), network, section, ramp)
    learner = Learner(model, network, train, recipe.seed)
    masks = _Masks(model, learner.averaged, sparsity.UpdatePruningStep())
    keep_from = min(math.ceil(ramp / batches), section.epochs - 1)
    run = fitting.run("prune", recipe, learner, network, splits, masks.apply, keep_from)
    for variable, weights in zip(learner.variables, loop.train(run, folder, quiet), strict=True):
        variable.assign(weights)
    return models.to_network(sparsity.strip_pruning(model), network)


def _wrapped(model: Any, network: Network, section: PruneSection, ramp: int) -> Any:
    """`model` with TFMOT's wrapper around the layers to prune; the last choice of masks is at step `ramp` or before."""
    from tensorflow_model_optimization.sparsity import keras as sparsity  # noqa: PLC0415

    from edgernn.train.backend import keras  # noqa: PLC0415

    every = max(1, ramp // UPDATES)
    schedule = sparsity.PolynomialDecay(0.0, section.sparsity, 0, every * (ramp // every), frequency=every)
    names = {layer.name for layer in network.layers if layer.kind in section.layers}

    def wrap(layer: Any) -> Any:
        return sparsity.prune_low_magnitude(layer, schedule) if layer.name in names else layer

    return keras.models.clone_model(model, clone_function=wrap)


class _Masks:
    """TFMOT masks the weights that train, through its callback; the averaged ones must be masked as well."""

    def __init__(self, model: Any, averaged: Any, callback: Any) -> None:
        self.callback = callback
        callback.set_model(model)
        callback.on_train_begin()
        by_weight = {
            weight.ref(): mask for layer in callback.prunable_layers for weight, mask, _ in layer.pruning_vars
        }
        pairs = zip(model.trainable_variables, averaged.trainable_variables, strict=True)
        self.pairs = [(average, by_weight[weight.ref()]) for weight, average in pairs if weight.ref() in by_weight]

    def apply(self) -> None:
        self.callback.on_epoch_end(0)
        for average, mask in self.pairs:
            average.assign(average * mask)


def require_sparsity(network: Network, section: PruneSection) -> None:
    """Raises ExportError for a matrix that has fewer zeros than the section asks of its layer."""
    for layer in network.layers:
        for name, matrix in _matrices(layer, section):
            zeros, asked = int((matrix == 0).sum()), zeros_asked(matrix.size, section.sparsity)
            if zeros < asked:
                raise ExportError(
                    f"pruning left {name} with {zeros} zeros of {matrix.size}, and {section.sparsity:.0%} were asked"
                )


def zeros_asked(size: int, sparsity: float) -> int:
    """The zeros of a matrix of `size` weights; TFMOT rounds what stays, and keeps one weight at least."""
    return size - max(1, math.ceil(size * (1 - sparsity)))


def _matrices(layer: Layer, section: PruneSection) -> list[tuple[str, np.ndarray]]:
    if layer.kind not in section.layers:
        return []
    return [(name, value) for name, value in layer.constants().items() if value.ndim == 2]
