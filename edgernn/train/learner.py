"""What is trained: the layers, their optimizer, and the running average of their weights that is kept.

Nothing here draws from a stateful generator: dropout masks depend on (seed, step) alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from edgernn.datasets.splits import ends_of
from edgernn.network import Network
from edgernn.train import models
from edgernn.train.backend import keras, tf
from edgernn.train.feed import Batch
from edgernn.train.objective import Objective, without_seen
from edgernn.train_sections import TrainSection

BETA_2 = 0.99  # Adam's memory of squared gradients: 100 steps, since a whole training has only 1000 or so


class Gradients(NamedTuple):
    """Of one batch: loss, the objective's figure, and the gradients with their joint norm."""

    loss: tf.Tensor
    figure: tf.Tensor
    norm: tf.Tensor
    by_variable: list[tf.Tensor]


class Learner:
    """`model` gives the output of every step; `network` has the same layers and the weights to start from.

    `weights` is how much each class counts in the loss, float32 [classes]; None: all alike.
    """

    def __init__(
        self, model: Any, network: Network, section: TrainSection, seed: int, weights: np.ndarray | None = None
    ) -> None:
        self.section = section
        self.objective = Objective.of(network, section, weights)
        self.model = model
        self.layers = _by_layer(model, network)
        self.variables = model.trainable_variables
        self.tables = self.variables[: int(network.tokens)]  # an embedding comes first
        self.averaged = models.sequence_model(network)
        self.rates = dropout_rates(network, section)
        self.seed = seed
        self.leaves_out_seen = False  # what comes next is none of the classes that a window has already
        self.ended: list[tf.Tensor] = []  # the states that the windows of the batch before ended in
        self.optimizer = keras.optimizers.AdamW(beta_2=BETA_2, weight_decay=section.weight_decay, jit_compile=False)
        self.optimizer.exclude_from_weight_decay(var_names=["bias"])
        self.optimizer.build(self.variables)
        self.gradients = tf.function(self._gradients, autograph=False)
        self.segment_gradients = tf.function(self._segment_gradients, autograph=False)
        self.going_on = tf.function(self._going_on, autograph=False)
        self.weights_of = tf.function(self.objective.weights_of, autograph=False)
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

    def rested(self, windows: int) -> list[tf.Tensor]:
        """The states of all recurrent layers before the first step, [windows, units] each."""
        sizes = [size for part in self._recurrent() for size in tf.nest.flatten(part.cell.state_size)]
        return [tf.zeros((windows, size)) for size in sizes]

    def begun(self, windows: int, step: tf.Tensor) -> list[tf.Tensor]:
        """The states that windows begin in, [windows, units] each: at rest, some of them as others `ended`."""
        if not self.section.carry or not self.ended:
            return self.rested(windows)
        return self.going_on(self.ended, step)

    def _going_on(self, ended: list[tf.Tensor], step: tf.Tensor) -> list[tf.Tensor]:
        """States at rest, or for a share `carry` of the windows those that others `ended` in."""
        windows = ended[0].shape[0]
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, len(self.layers)], tf.int64), step)
        drawn = tf.random.stateless_uniform((2, windows), seed)
        others, goes_on = tf.argsort(drawn[0]), drawn[1][:, None] < self.section.carry
        return [
            tf.where(goes_on, tf.gather(state, others), rest)
            for state, rest in zip(ended, self.rested(windows), strict=True)
        ]

    def _recurrent(self) -> list[Any]:
        return [part for parts in self.layers for part in parts if isinstance(part, keras.layers.RNN)]

    def _carried(self, x: tf.Tensor, step: tf.Tensor, states: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The outputs after every step of a segment that begins in `states`, and the states that it ends in."""
        before, value = list(states), x
        after: list[tf.Tensor] = []
        for site, (parts, rate) in enumerate(zip(self.layers, self.rates, strict=True)):
            value = self._dropped(value, rate, site, step)
            for part in parts:
                if not isinstance(part, keras.layers.RNN):
                    value = part(value, training=True)
                    continue
                count = len(tf.nest.flatten(part.cell.state_size))
                value, *ended = _with_states(part, value, before[:count])
                before, after = before[count:], [*after, *ended]
        return value, after

    def _segment_gradients(
        self, x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor, step: tf.Tensor, states: list[tf.Tensor]
    ) -> tuple[Gradients, list[tf.Tensor]]:
        """What `_gradients` gives, of one segment of windows; how it came to `states` counts as given."""
        with tf.GradientTape() as tape:
            outputs, ended = self._carried(x, step, states)
            loss = self.objective.loss(outputs, y, weights, self.section.label_smoothing)
        gradients = tape.gradient(loss, self.variables)
        norm = tf.linalg.global_norm(gradients)
        return Gradients(loss, self.objective.figure(outputs, y, weights), norm, gradients), ended

    def _gradients(self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor, ends: tf.Tensor | None = None) -> Gradients:
        with tf.GradientTape() as tape:
            outputs, weights = self.objective.counted(self._candidates(self.outputs(x, step)[-1], x), y, ends)
            loss = self.objective.loss(outputs, y, weights, self.section.label_smoothing)
        gradients = tape.gradient(loss, self.variables)
        norm = tf.linalg.global_norm(gradients)
        return Gradients(loss, self.objective.figure(outputs, y, weights), norm, gradients)

    def _update(self, gradients: list[tf.Tensor], norm: tf.Tensor, rate: tf.Tensor, memory: tf.Tensor) -> None:
        """One step of the optimizer; `memory` is how much of the running average stays."""
        if self.section.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.section.clip_norm, use_norm=norm)
        self.optimizer.learning_rate.assign(rate)
        slow = [(table, tf.identity(table)) for table in self.tables if self.section.embedding_rate < 1]
        self.optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        for table, before in slow:
            table.assign(before + self.section.embedding_rate * (table - before))
        for average, variable in zip(self.averaged.trainable_variables, self.variables, strict=True):
            average.assign(variable + memory * (average - variable))
        statistics = zip(self.averaged.non_trainable_variables, self.model.non_trainable_variables, strict=True)
        for average, variable in statistics:  # of batch normalisation, which are averages themselves
            average.assign(variable)

    def _evaluate(self, x: tf.Tensor, y: tf.Tensor, ends: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Loss and figure of the averaged weights, of the last step; of what comes next, of all steps."""
        outputs = self._candidates(self.averaged(x, training=False), x)
        if self.objective.task == "next":
            outputs, weights = self.objective.counted(outputs, y, ends)
            return self.objective.loss(outputs, y, weights), self.objective.figure(outputs, y, weights)
        if ends is not None:
            last = tf.gather(outputs, ends[:, None] - 1, batch_dims=1)
        else:
            last = outputs[:, -1:] if outputs.shape.rank == 3 else outputs[:, None]
        return self.objective.loss(last, y), self.objective.figure(last, y)

    def _candidates(self, outputs: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return without_seen(outputs, x) if self.leaves_out_seen else outputs

    def _dropped(self, value: tf.Tensor, rate: float, site: int, step: tf.Tensor) -> tf.Tensor:
        """Some elements zero in all steps of a window, the others scaled up (Gal and Ghahramani 2016)."""
        if not rate:
            return value
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, site], tf.int64), step)
        shape = (tf.shape(value)[0], 1, value.shape[-1])
        keep = tf.cast(tf.random.stateless_uniform(shape, seed) >= rate, value.dtype)
        return value * keep / (1 - rate)


def _with_states(part: Any, x: tf.Tensor, states: list[tf.Tensor]) -> list[Any]:
    """A recurrent Keras layer's outputs of every step, and its states after the last one."""
    part.return_state = True  # of this call alone: the model that the layer is in takes its outputs
    try:
        found: list[Any] = part(x, initial_state=states, training=True)
    finally:
        part.return_state = False
    return found


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


def ends(lengths: np.ndarray | None, network: Network) -> tf.Tensor | None:
    """After how many steps of the network windows of so many frames end, int32 [windows]; None: all are whole."""
    return None if lengths is None else tf.constant(ends_of(lengths, network.frames_per_step), tf.int32)
