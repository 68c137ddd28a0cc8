"""A Network as a Keras model and back, and a Network's first weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgernn.cells import CELLS
from edgernn.network import KINDS, Layer, Network
from edgernn.train.backend import keras


def sequence_model(network: Network) -> Any:
    """Normalised windows [batch, steps, inputs] -> the output of the last step [batch, outputs]."""
    recurrent = [index for index, layer in enumerate(network.layers) if layer.recurrent]
    return _model(network, [index != recurrent[-1] for index in range(len(network.layers))])


def every_step_model(network: Network) -> Any:
    """Normalised windows [batch, steps, inputs] -> the output after every step [batch, steps, outputs]."""
    return _model(network, [True] * len(network.layers))


def to_network(model: Any, like: Network) -> Network:
    """`like` with the weights of `model`, whose layers are those of `like` in order."""
    return replace(
        like,
        layers=tuple(
            replace(
                layer,
                weights=tuple(np.asarray(w, np.float32) for w in model.get_layer(layer.name).get_weights()),
            )
            for layer in like.layers
        ),
    )


def first_weights(kind: str, inputs: int, units: int, seed: int) -> tuple[np.ndarray, ...]:
    """What a layer starts from: Glorot uniform kernels, orthogonal recurrent kernels, zero biases."""
    options: dict[str, Any] = {"units": units, "kernel_initializer": keras.initializers.GlorotUniform(seed)}
    if kind in CELLS:
        options["recurrent_initializer"] = keras.initializers.Orthogonal(seed=seed)
    layer = _layer(kind, options, every_step=True)
    layer.build((None, None, inputs))
    return tuple(layer.get_weights())


def _model(network: Network, every_step: Sequence[bool]) -> Any:
    inputs = value = keras.Input((network.steps, network.inputs))
    for layer, sequences in zip(network.layers, every_step, strict=True):
        value = _layer(layer.kind, _without_random_start(layer), sequences)(value)
    model = keras.Model(inputs, value, name=network.name)
    for layer in network.layers:
        model.get_layer(layer.name).set_weights(layer.weights)
    return model


def _layer(kind: str, options: dict[str, Any], every_step: bool) -> Any:
    """The Keras layer of a kind; a recurrent one returns the output of every step, or of the last one."""
    sequences = {"return_sequences": every_step} if kind in CELLS else {}
    return getattr(keras.layers, KINDS[kind].KERAS)(**options, **sequences)


def _without_random_start(layer: Layer) -> dict[str, Any]:
    """Options that draw no random weights only to overwrite them."""
    options = {"units": layer.units, "name": layer.name, "kernel_initializer": "zeros"}
    return options | ({"recurrent_initializer": "zeros"} if layer.recurrent else {})
