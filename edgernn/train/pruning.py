"""Fine-tuning under TFMOT's pruning wrappers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tensorflow_model_optimization.sparsity import keras as sparsity

from edgernn.datasets.splits import Splits
from edgernn.network import Network
from edgernn.recipe import PruneSection, Recipe
from edgernn.train import fitting, loop, models
from edgernn.train.backend import keras
from edgernn.train.learner import Learner

RAMP = 0.5  # of the epochs: the sparsity grows over these, and the rest heals the network at full sparsity
UPDATES = 20  # how often the masks are chosen anew while the sparsity grows


def fine_tuned(
    network: Network, recipe: Recipe, section: PruneSection, splits: Splits, folder: Path, *, quiet: bool
) -> Network:
    """See `edgernn.prune.fine_tune`."""
    train = recipe.train.model_copy(update={"epochs": section.epochs, "learning_rate": section.learning_rate})
    batches = math.ceil(len(splits.train) / train.batch_size)
    ramp = max(1, int(RAMP * section.epochs * batches))
    model = _wrapped(models.every_step_model(network), network, section, ramp)
    learner = Learner(model, network, train, recipe.seed)
    masks = _Masks(model, learner.averaged)
    keep_from = min(math.ceil(ramp / batches), section.epochs - 1)
    run = fitting.run("prune", recipe, learner, network, splits, settle=masks.apply, keep_from=keep_from)
    for variable, weights in zip(learner.variables, loop.train(run, folder, quiet), strict=True):
        variable.assign(weights + 0.0)  # a mask makes zeros of either sign; models should hold one only
    return models.to_network(sparsity.strip_pruning(model), network)


def _wrapped(model: Any, network: Network, section: PruneSection, ramp: int) -> Any:
    """`model` with wrappers around the layers to prune, which choose their masks up to the step `ramp`."""
    every = max(1, ramp // UPDATES)
    last = every * (ramp // every)  # a schedule reaches its end only at a step where masks are chosen
    schedule = sparsity.PolynomialDecay(0.0, section.sparsity, 0, last, frequency=every)
    names = {layer.name for layer in network.layers if layer.kind in section.layers}

    def wrap(layer: Any) -> Any:
        return sparsity.prune_low_magnitude(layer, schedule) if layer.name in names else layer

    return keras.models.clone_model(model, clone_function=wrap)


class _Masks:
    """TFMOT's callback masks the weights that train; the averaged ones have to be masked as well."""

    def __init__(self, model: Any, averaged: Any) -> None:
        self.callback = sparsity.UpdatePruningStep()
        self.callback.set_model(model)
        self.callback.on_train_begin()
        layers = self.callback.prunable_layers
        masks = {weight.ref(): mask for layer in layers for weight, mask, _ in layer.pruning_vars}
        pairs = zip(model.trainable_variables, averaged.trainable_variables, strict=True)
        self.pairs = [(average, masks[weight.ref()]) for weight, average in pairs if weight.ref() in masks]

    def apply(self) -> None:
        self.callback.on_epoch_end(0)
        for average, mask in self.pairs:
            average.assign(average * mask)
