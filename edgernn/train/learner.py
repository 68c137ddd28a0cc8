"""What is trained: the layers, their optimizer, and the running average of their weights that is kept.

Nothing here draws from a stateful generator: dropout masks depend on (seed, step) alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from edgernn.network import Network
from edgernn.recipe import TrainSection
from edgernn.train import models
from edgernn.train.backend import keras, tf
from edgernn.train.feed import Batch

BETA_2 = 0.99  # Adam's memory of squared gradients: 100 steps, since a whole training has only 1000 or so


class Gradients(NamedTuple):
    """Of one batch: loss, share of its steps classified right, and the gradients with their joint norm."""

    loss: tf.Tensor
    accuracy: tf.Tensor
    norm: tf.Tensor
    by_variable: list[tf.Tensor]


class Learner:
    """`model` gives the output of every step; `network` has the same layers and the weights to start from."""

    def __init__(self, model: Any, network: Network, section: TrainSection, seed: int) -> None:
        self.section = section
        self.classes = network.outputs
        self.loss_from = int(section.loss_from * network.steps)  # a network cannot know before
        self.model = model
        self.layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
        self.variables = model.trainable_variables
        self.averaged = models.sequence_model(network)
        self.rates = dropout_rates(network, section)
        self.seed = seed
        self.optimizer = keras.optimizers.AdamW(beta_2=BETA_2, weight_decay=section.weight_decay, jit_compile=False)
        self.optimizer.exclude_from_weight_decay(var_names=["bias"])
        self.optimizer.build(self.variables)
        self.gradients = tf.function(self._gradients)
        self.update = tf.function(self._update)
        self.evaluate = tf.function(self._evaluate)

    def state(self) -> list[Any]:
        """Every variable that the next step depends on, always in the same order."""
        return [*self.model.weights, *self.optimizer.variables, *self.averaged.weights]

    def averages(self) -> list[np.ndarray]:
        """The averaged weights as they are now."""
        return self.averaged.get_weights()

    def outputs(self, x: tf.Tensor, step: tf.Tensor) -> list[tf.Tensor]:
        """The output of every layer in training, dropout included, [windows, steps, units] each."""
        values = [x]
        for site, (layer, rate) in enumerate(zip(self.layers, self.rates, strict=True)):
            values.append(layer(self._dropped(values[-1], rate, site, step), training=True))
        return values[1:]

    def _gradients(self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor) -> Gradients:
        smoothing = self.section.label_smoothing
        goal = tf.one_hot(y, self.classes) * (1 - smoothing) + smoothing / self.classes
        with tf.GradientTape() as tape:
            logits = self.outputs(x, step)[-1][:, self.loss_from :]
            goals = goal[:, None] + tf.zeros_like(logits)  # the same at every step
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(goals, logits))
        right = tf.argmax(logits, -1, tf.int32) == y[:, None]
        gradients = tape.gradient(loss, self.variables)
        norm = tf.linalg.global_norm(gradients)
        return Gradients(loss, tf.reduce_mean(tf.cast(right, tf.float32)), norm, gradients)

    def _update(self, gradients: list[tf.Tensor], norm: tf.Tensor, rate: tf.Tensor, memory: tf.Tensor) -> None:
        """One step of the optimizer; `memory` is how much of the running average stays."""
        if self.section.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.section.clip_norm, use_norm=norm)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        for average, variable in zip(self.averaged.trainable_variables, self.variables, strict=True):
            average.assign(variable + memory * (average - variable))

    def _evaluate(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Cross-entropy and accuracy of the averaged weights."""
        logits = self.averaged(x, training=False)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        return loss, tf.reduce_mean(tf.cast(tf.argmax(logits, -1, tf.int32) == y, tf.float32))

    def _dropped(self, value: tf.Tensor, rate: float, site: int, step: tf.Tensor) -> tf.Tensor:
        """Some elements zero in all steps of a window, the others scaled up (Gal and Ghahramani 2016)."""
        if not rate:
            return value
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, site], tf.int64), step)
        shape = (tf.shape(value)[0], 1, value.shape[-1])
        keep = tf.cast(tf.random.stateless_uniform(shape, seed) >= rate, value.dtype)
        return value * keep / (1 - rate)


def dropout_rates(network: Network, section: TrainSection) -> list[float]:
    """The dropout in front of each layer."""
    rates = [section.input_dropout]
    for before, layer in zip(network.layers, network.layers[1:], strict=False):
        if not before.recurrent:
            rates.append(0.0)
        else:
            rates.append(section.layer_dropout if layer.recurrent else section.dropout)
    return rates


def tensors(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(batch.x), tf.constant(batch.y)
