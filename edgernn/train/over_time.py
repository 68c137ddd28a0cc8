"""What Keras has no layer for: pooling and attention over time, and recurrent cells that only we have.

All take [batch, steps, inputs]. With `every_step` they give the result after every step, else [batch, outputs].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgernn.kinds import Weight
from edgernn.network import KINDS, Layer, Network, Pass
from edgernn.train import programs
from edgernn.train.backend import keras, tf


class Last(keras.layers.Layer):
    """The last frame, [batch, size]."""

    def call(self, x: Any) -> Any:
        return x[:, -1]


class Pool(keras.layers.Layer):
    """The last, the mean or the largest of the frames so far."""

    def __init__(self, over: str, every_step: bool, name: str) -> None:
        super().__init__(name=name)
        self.over, self.every_step = over, every_step

    def call(self, x: Any) -> Any:
        if self.over == "last":
            return x if self.every_step else x[:, -1]
        if self.over == "max":
            return running_max(x) if self.every_step else tf.reduce_max(x, 1)
        if not self.every_step:
            return tf.reduce_mean(x, 1)
        return tf.cumsum(x, 1) / tf.range(1.0, x.shape[1] + 1.0)[:, None]


class Attention(keras.layers.Layer):
    """The mean of the frames so far, weighted by the softmax over time of their scores."""

    def __init__(self, layer: Layer, every_step: bool) -> None:
        super().__init__(name=layer.name)
        self.every_step, self.additive = every_step, layer.options.score == "additive"  # type: ignore[attr-defined]
        self.own = _add_weights(self, layer)

    def call(self, x: Any) -> Any:
        scores = self._scores(x)  # [batch, steps, 1]
        if self.every_step:
            return running_mean(x, scores)
        return tf.reduce_sum(tf.nn.softmax(scores, 1) * x, 1)

    def _scores(self, x: Any) -> Any:
        if self.additive:
            kernel, bias, score = self.own
            return tf.tanh(x @ kernel + bias) @ score
        return x @ self.own[0] / tf.sqrt(float(x.shape[-1]))


class Recurrent(keras.layers.Layer):
    """A recurrent layer by its step program, in both directions if it is bidirectional."""

    def __init__(self, network: Network, layer: Layer, every_step: bool) -> None:
        super().__init__(name=layer.name)
        self.layer, self.every_step = layer, every_step
        self.one: Pass = _alone(network, layer, every_step)
        self.own = _add_weights(self, layer)

    def call(self, x: Any) -> Any:
        result = programs.run_float([self.one], programs.layer_constants(self.layer, self.own), x)
        return result if self.every_step else result[:, -1]


def running_max(x: Any) -> Any:
    """The largest so far along axis 1: each round looks twice as far back."""
    reach = 1
    while reach < x.shape[1]:
        x = tf.concat([x[:, :reach], tf.maximum(x[:, reach:], x[:, :-reach])], 1)
        reach *= 2
    return x


def running_mean(x: Any, scores: Any) -> Any:
    """The mean so far along axis 1 with weights exp(`scores`), whose sums are kept as logarithms."""
    reach = 1
    while reach < x.shape[1]:
        older, newer = scores[:, :-reach], scores[:, reach:]
        share = tf.sigmoid(older - newer)  # of the older frames
        mean = x[:, reach:] + share * (x[:, :-reach] - x[:, reach:])
        total = tf.maximum(older, newer) + tf.nn.softplus(-tf.abs(older - newer))
        x, scores = tf.concat([x[:, :reach], mean], 1), tf.concat([scores[:, :reach], total], 1)
        reach *= 2
    return x


def _alone(network: Network, layer: Layer, every_step: bool) -> Pass:
    """The pass of one recurrent layer; without `every_step` each direction gives what it has last."""
    (one,) = replace(network, layers=(layer,), every_step=every_step).passes()
    return one


def _add_weights(keras_layer: Any, layer: Layer) -> list[Any]:
    asked: tuple[Weight, ...] = KINDS[layer.kind].weights(layer.inputs, layer.options)
    return [
        keras_layer.add_weight(
            f"{direction}/{weight.name}" if direction else weight.name, weight.shape, initializer="zeros"
        )
        for direction in layer.directions
        for weight in asked
    ]
