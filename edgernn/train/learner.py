"""What is trained: the layers, their optimizer, and the running average of their weights that is kept.

Nothing here draws from a stateful generator: dropout masks depend on (seed, step) alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from edgernn.network import Network
from edgernn.train import models
from edgernn.train.backend import keras, tf
from edgernn.train.feed import Batch
from edgernn.train_sections import TrainSection

PROBABILITIES = ("softmax", "sigmoid")  # activations
TINY = 1e-37  # above the smallest float32 that is not denormal
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
        self.likely = getattr(network.layers[-1].options, "activation", "") in PROBABILITIES
        self.model = model
        self.layers = _by_layer(model, network)
        self.variables = model.trainable_variables
        self.averaged = models.sequence_model(network)
        self.rates = dropout_rates(network, section)
        self.seed = seed
        self.optimizer = keras.optimizers.AdamW(beta_2=BETA_2, weight_decay=section.weight_decay, jit_compile=False)
        self.optimizer.exclude_from_weight_decay(var_names=["bias"])
        self.optimizer.build(self.variables)
        self.gradients = tf.function(self._gradients, autograph=False)
        self.update = tf.function(self._update, autograph=False)
        self.evaluate = tf.function(self._evaluate, autograph=False)

    def state(self) -> list[Any]:
        """Every variable that the next step depends on, always in the same order."""
        return [*self.model.weights, *self.optimizer.variables, *self.averaged.weights]

    def averages(self) -> list[np.ndarray]:
        """The averaged weights as they are now."""
        return self.averaged.get_weights()

    def outputs(self, x: tf.Tensor, step: tf.Tensor) -> list[tf.Tensor]:
        """The output of every layer in training, dropout included, [windows, steps, units] each."""
        values = [x]
        for site, (parts, rate) in enumerate(zip(self.layers, self.rates, strict=True)):
            value = self._dropped(values[-1], rate, site, step)
            for part in parts:
                value = part(value, training=True)
            values.append(value)
        return values[1:]

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """What a softmax turns into the shares of the classes: for probabilities, their logarithms."""
        return tf.math.log(tf.maximum(outputs, TINY)) if self.likely else outputs

    def _gradients(self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor) -> Gradients:
        smoothing = self.section.label_smoothing
        goal = tf.one_hot(y, self.classes) * (1 - smoothing) + smoothing / self.classes
        with tf.GradientTape() as tape:
            outputs = self.outputs(x, step)[-1]
            # a network cannot know before; one with a single output tells it after the whole window
            logits = self.logits(outputs[:, int(self.section.loss_from * outputs.shape[1]) :])
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
        statistics = zip(self.averaged.non_trainable_variables, self.model.non_trainable_variables, strict=True)
        for average, variable in statistics:  # of batch normalisation, which are averages themselves
            average.assign(variable)

    def _evaluate(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Cross-entropy and accuracy of the averaged weights."""
        outputs = self.averaged(x, training=False)
        logits = self.logits(outputs[:, -1] if outputs.shape.rank == 3 else outputs)
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
    """The dropout in front of each layer; tokens cannot be dropped, but what an embedding makes of them can."""
    rates = [0.0 if network.tokens else section.input_dropout]
    for before, layer in zip(network.layers, network.layers[1:], strict=False):
        if before.kind == "embedding":
            rates.append(section.input_dropout)
        elif not before.recurrent:
            rates.append(0.0)
        else:
            rates.append(section.layer_dropout if layer.recurrent else section.dropout)
    return rates


def _by_layer(model: Any, network: Network) -> list[list[Any]]:
    """The Keras layers of each layer of the network, in order, whatever wraps them."""
    parts = iter(part for part in model.layers if not isinstance(part, keras.layers.InputLayer))
    return [[next(parts) for _ in range(count)] for count in models.part_counts(network)]


def tensors(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(batch.x), tf.constant(batch.y)
