"""Training under masks: weights that are pruned stay zero, whatever the optimizer does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from edgernn.network import Network
from edgernn.train import models
from edgernn.train.backend import tf
from edgernn.train.learner import Learner
from edgernn.train_sections import TrainSection

Masks = Mapping[str, tuple[np.ndarray, ...]]  # bool, by layer, each in the shape of its weight


class Masked(NamedTuple):
    """A weight that trains, its running average, and the variable that holds the mask of both."""

    weight: Any
    average: Any
    mask: Any


class MaskedLearner(Learner):
    """A learner whose masked weights are zero from the start and after every update, and so are their averages.

    `edgernn.sparsity.masks_of(network)` are the masks that keep a pruned network's zeros. Vectors are never masked.
    """

    def __init__(
        self,
        model: Any,
        network: Network,
        section: TrainSection,
        seed: int,
        masks: Masks,
        weights: np.ndarray | None = None,
    ) -> None:
        super().__init__(model, network, section, seed, weights)
        self.masked: dict[tuple[str, int], Masked] = {}  # by layer and index of the weight
        for layer in network.layers:
            trained, averages = (models.variables(side, layer) for side in (model, self.averaged))
            for index, mask in enumerate(masks[layer.name]):
                if mask.ndim > 1:
                    variable = tf.Variable(mask, trainable=False)
                    self.masked[layer.name, index] = Masked(trained[index], averages[index], variable)
        self.settle()

    def state(self) -> list[Any]:
        return [*super().state(), *(masked.mask for masked in self.masked.values())]

    def settle(self) -> None:
        """Zero what the masks leave out; all zeros are positive, so that a file holds one kind of them."""
        for weight, average, mask in self.masked.values():
            weight.assign(tf.where(mask, weight, 0.0))
            average.assign(tf.where(mask, average, 0.0))

    def choose(self) -> None:
        """Masks may change between the optimizer's step and `settle`; these stay as they are."""

    def _update(self, gradients: list[tf.Tensor], norm: tf.Tensor, rate: tf.Tensor, memory: tf.Tensor) -> None:
        super()._update(gradients, norm, rate, memory)
        self.choose()
        self.settle()
