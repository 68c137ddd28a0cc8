"""Fine-tuning while weights become zero: single ones under TFMOT's wrappers, blocks under masks of our own.

TFMOT has blocks too, but neither by gate nor with the diagonal kept.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow_model_optimization.sparsity import keras as tfmot

from edgernn.datasets.splits import Splits
from edgernn.network import Layer, Network
from edgernn.recipe import Recipe
from edgernn.sparsity import Matrix, Schedule, block_mask
from edgernn.train import fitting, loop, models
from edgernn.train.backend import keras, tf
from edgernn.train.goal import Goal
from edgernn.train.learner import Learner
from edgernn.train.masks import MaskedLearner
from edgernn.train.objective import class_weights
from edgernn.train_sections import PruneSection, TrainSection


def fine_tuned(
    network: Network, recipe: Recipe, section: PruneSection, splits: Splits, folder: Path, *, quiet: bool
) -> Network:
    """See `edgernn.prune.fine_tune`."""
    splits = splits.without_validation() if recipe.train.refit else splits
    train = recipe.train.model_copy(update={"epochs": section.epochs, "learning_rate": section.learning_rate})
    batches = math.ceil(len(splits.train) / train.batch_size)
    plan = schedule(section, batches)
    kind = BlockLearner if section.block else ElementLearner
    goal = Goal.of(network.task, splits.train)
    network = goal.in_deviations(network)
    weights = class_weights(train, network.task, splits.train, network.outputs)
    learner = kind(models.every_step_model(network), network, train, recipe.seed, section, plan, weights)
    keep_from = min(math.ceil(plan.end / batches), section.epochs - 1)
    run = fitting.run("prune", recipe, learner, network, splits, settle=learner.settle, keep_from=keep_from)
    best = loop.train(run, folder, quiet).best
    learner.averaged.set_weights([weights + 0.0 for weights in best])  # TFMOT makes zeros of either sign
    return goal.in_units(models.to_network(learner.averaged, network))


def schedule(section: PruneSection, batches: int) -> Schedule:
    """When masks are chosen, in steps, for epochs of `batches` steps."""
    own, steps = section.schedule, section.epochs * batches
    return Schedule.over(int(own.begin * steps), int(own.end * steps), own.updates, own.initial, own.power)


def prunable(keras_layer: Any, matrices: tuple[Matrix, ...]) -> Any:
    """The layer as TFMOT takes it: one that names its own weights to prune.

    TFMOT knows the weights of some layers only, and not those inside a Bidirectional.
    """
    keras_layer.get_prunable_weights = partial(_weights_at, keras_layer, [matrix.index for matrix in matrices])
    return keras_layer


def _weights_at(keras_layer: Any, indices: list[int]) -> list[Any]:
    return [keras_layer.weights[index] for index in indices]


class ElementLearner(Learner):
    """A learner whose layers work inside TFMOT's wrappers, which choose single weights and zero the others."""

    def __init__(
        self,
        model: Any,
        network: Network,
        train: TrainSection,
        seed: int,
        section: PruneSection,
        plan: Schedule,
        weights: np.ndarray | None = None,
    ) -> None:
        super().__init__(model, network, train, seed, weights)
        self.callback = tfmot.UpdatePruningStep()
        self.callback.set_model(_wrapped(model, network, section, plan))
        self.callback.on_train_begin()
        self.wrappers = {wrapper.layer.name: wrapper for wrapper in self.callback.prunable_layers}
        self.layers = [[self.wrappers.get(part.name, part) for part in parts] for parts in self.layers]
        self.masked = [pair for layer in network.layers for pair in self._averages(layer, section)]

    def state(self) -> list[Any]:
        own = [variable for wrapper in self.wrappers.values() for variable in _own_variables(wrapper)]
        return [*super().state(), *own]

    def settle(self) -> None:
        """TFMOT's callback masks the weights that train; the averaged ones have to be masked as well."""
        self.callback.on_epoch_end(0)
        for average, mask in self.masked:
            average.assign(average * mask)

    def _averages(self, layer: Layer, section: PruneSection) -> list[tuple[Any, Any]]:
        """The averages of a layer's matrices, each with its mask."""
        matrices = section.matrices(layer)
        averages = models.variables(self.averaged, layer)
        masks = [mask for _, mask, _ in self.wrappers[layer.name].pruning_vars] if matrices else []
        return [(averages[matrix.index], mask) for matrix, mask in zip(matrices, masks, strict=True)]


def _wrapped(model: Any, network: Network, section: PruneSection, plan: Schedule) -> Any:
    """`model` with wrappers around the layers to prune, which choose their masks by `plan`; weights are shared."""
    final = section.sparsity
    decay = tfmot.PolynomialDecay(
        min(plan.initial, final), final, plan.begin, plan.end, power=plan.power, frequency=plan.every
    )
    matrices = {layer.name: section.matrices(layer) for layer in network.layers}

    def wrap(layer: Any) -> Any:
        own = matrices.get(layer.name, ())
        return tfmot.prune_low_magnitude(prunable(layer, own), decay) if own else layer

    return keras.models.clone_model(model, clone_function=wrap)


def _own_variables(wrapper: Any) -> list[Any]:
    """What a wrapper of TFMOT adds to its layer's weights: masks, thresholds and its count of steps."""
    return [*(v for _, mask, threshold in wrapper.pruning_vars for v in (mask, threshold)), wrapper.pruning_step]


class BlockLearner(MaskedLearner):
    """A learner that chooses blocks by `plan` and keeps the others at zero."""

    def __init__(
        self,
        model: Any,
        network: Network,
        train: TrainSection,
        seed: int,
        section: PruneSection,
        plan: Schedule,
        weights: np.ndarray | None = None,
    ) -> None:
        whole = {layer.name: tuple(np.ones(w.shape, bool) for w in layer.weights) for layer in network.layers}
        super().__init__(model, network, train, seed, whole, weights)
        self.prune, self.plan = section, plan
        self.matrices = [matrix for layer in network.layers for matrix in section.matrices(layer)]

    def choose(self) -> None:
        for matrix in self.matrices:
            weight, _, mask = self.masked[matrix.layer, matrix.index]
            inputs = [self.optimizer.iterations, weight, mask]
            chosen = tf.numpy_function(partial(self._chosen, matrix), inputs, tf.bool)
            mask.assign(tf.ensure_shape(chosen, mask.shape))

    def _chosen(self, matrix: Matrix, step: int, weight: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The mask after a step: a new one where the plan chooses one, else the one that is there."""
        if not self.plan.chooses(step) or self.prune.block is None:
            return mask
        final = self.prune.sparsities(matrix)
        return block_mask(weight, matrix, self.prune.block, [self.plan.sparsity(step, share) for share in final])
