"""A Network as a Keras model and back.

A layer of the network is one Keras layer of its name, and where Keras needs more for it, others named
`<name>.<what>` next to that. Their weights, one after the other, are those of the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgernn.layers import batch_norm
from edgernn.network import KINDS, POOLS, Layer, Network
from edgernn.train import over_time
from edgernn.train.backend import keras

# Of batch normalisation's statistics: a training has some thousand steps, Keras's 0.99 is for many more.
STATISTICS_MEMORY = 0.95
STARTS = {
    "kernel_initializer": "kernel",
    "recurrent_initializer": "recurrent_kernel",
    "embeddings_initializer": "embeddings",
}


def sequence_model(network: Network) -> Any:
    """Normalised windows [batch, steps, inputs] -> the output of the last step [batch, outputs].

    Of a network with `every_step`, the output after every step [batch, steps, outputs].
    """
    return _model(network, network.every_step)


def every_step_model(network: Network) -> Any:
    """Normalised windows [batch, steps, inputs] -> the output after every step [batch, steps, outputs].

    A network that ends with a bidirectional layer and what works on its result has one output, [batch, 1, outputs].
    """
    return _model(network, every_step=True)


def to_network(model: Any, like: Network) -> Network:
    """`like` with the weights of `model`, whose layers are those of `like` in order."""
    layers = (replace(layer, weights=tuple(_values(model, layer))) for layer in like.layers)
    return replace(like, layers=tuple(layers))


def variables(model: Any, layer: Layer) -> list[Any]:
    """The variables of `model` that are a layer's weights, in the layer's order."""
    return [variable for part in _parts_of(model, layer) for variable in part.weights]


def part_counts(network: Network) -> list[int]:
    """How many Keras layers each layer of the network is in `every_step_model`."""
    return [len(_parts(network, index, every_step=True)) for index in range(len(network.layers))]


def trainable_counts(network: Network) -> list[int]:
    """How many trainable weights each layer has; statistics of batch normalisation are none."""
    return [sum(not weight.name.startswith("moving_") for weight in _weights(layer)) for layer in network.layers]


def _weights(layer: Layer) -> list[Any]:
    return [w for _ in layer.directions for w in KINDS[layer.kind].weights(layer.inputs, layer.options)]


def _model(network: Network, every_step: bool) -> Any:
    width = network.inputs
    inputs = value = keras.Input((network.steps, width))
    for index in range(len(network.layers)):
        for part in _parts(network, index, every_step):
            value = part(value)
    model = keras.Model(inputs, value, name=network.name)
    for layer in network.layers:
        for variable, weight in zip(variables(model, layer), layer.weights, strict=True):
            variable.assign(weight)
    return model


def _values(model: Any, layer: Layer) -> list[np.ndarray]:
    return [np.asarray(variable, np.float32) for variable in variables(model, layer)]


def _parts_of(model: Any, layer: Layer) -> list[Any]:
    return [part for part in model.layers if part.name == layer.name or part.name.startswith(f"{layer.name}.")]


def _parts(network: Network, index: int, every_step: bool) -> Sequence[Any]:
    """The Keras layers of a layer; without `every_step` the last one that works over time gives one frame."""
    layer = network.layers[index]
    ending = not every_step and index == _last_over_time(network)
    if layer.recurrent:
        return _recurrent(network, layer, ending)
    if layer.kind in POOLS:
        return [_pooled(layer, not ending)]
    parts = _framewise(layer)
    return [*parts, over_time.Last(name=f"{layer.name}.last")] if ending else parts


def _last_over_time(network: Network) -> int:
    """The layer after which a window's last frame is all that counts."""
    over = [i for i, layer in enumerate(network.layers) if layer.recurrent or layer.kind in (*POOLS, "conv")]
    return over[-1] if over else len(network.layers) - 1


def _recurrent(network: Network, layer: Layer, ending: bool) -> list[Any]:
    """One that ends a pass gives a single frame, after which the window has one step."""
    kind = KINDS[layer.kind]
    ends = _ends(network, layer)
    sequences = not (ending or ends)
    if not kind.KERAS:
        own: Any = over_time.Recurrent(network, layer, sequences)
    elif layer.bidirectional:
        own = keras.layers.Bidirectional(_stock(layer, return_sequences=sequences), name=layer.name)
    else:
        own = _stock(layer, name=layer.name, return_sequences=sequences)
    if not ends or ending:
        return [own]
    return [own, keras.layers.Reshape((1, layer.outputs), name=f"{layer.name}.step")]


def _ends(network: Network, layer: Layer) -> bool:
    """Whether a layer is what a pass of the network ends with."""
    programs = [program for one in network.passes() if one.ends for program in one.programs]
    return any(op.output.startswith(f"{layer.name}/") for program in programs for op in program.ops)


def _pooled(layer: Layer, every_step: bool) -> Any:
    if layer.kind == "attention":
        return over_time.Attention(layer, every_step)
    return over_time.Pool(layer.options.over, every_step, layer.name)  # type: ignore[attr-defined]


def _framewise(layer: Layer) -> list[Any]:
    """Layers that give a frame for every frame, or every `stride` of them."""
    options: Any = layer.options
    normalised = getattr(options, "batch_norm", False)
    changed = {"name": layer.name} | ({"activation": "linear"} if normalised else {})
    parts = [*_causal(layer), _stock(layer, **changed)]
    if normalised:
        parts.append(
            keras.layers.BatchNormalization(
                epsilon=batch_norm.EPSILON, momentum=STATISTICS_MEMORY, name=f"{layer.name}.batch_norm"
            )
        )
        parts.append(keras.layers.Activation(options.activation, name=f"{layer.name}.activation"))
    if layer.kind == "embedding":  # of [batch, steps, 1]
        parts.append(keras.layers.Reshape((-1, layer.outputs), name=f"{layer.name}.frame"))
    return parts


def _causal(layer: Layer) -> list[Any]:
    """What makes a convolution look back only: frames of zeros before the first, or fewer frames."""
    if layer.kind != "conv":
        return []
    options: Any = layer.options
    missing = options.kernel - options.stride
    if missing > 0:
        return [keras.layers.ZeroPadding1D((missing, 0), name=f"{layer.name}.padding")]
    return [keras.layers.Cropping1D((-missing, 0), name=f"{layer.name}.cropping")] if missing else []


def _stock(layer: Layer, **changed: Any) -> Any:
    """Keras's own layer; it draws no random weights only to have them overwritten."""
    kind = KINDS[layer.kind]
    made = getattr(keras.layers, kind.KERAS)
    names = {weight.name for weight in kind.weights(layer.inputs, layer.options)}
    starts = {start: "zeros" for start, name in STARTS.items() if name in names}
    return made(**(kind.keras_options(layer.options) | starts | changed))
