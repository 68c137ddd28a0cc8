"""The weights that training starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgernn.kinds import Start
from edgernn.network import KINDS, Layer
from edgernn.train.backend import keras

BACKWARD = 2**20  # between the seeds of a bidirectional layer's two directions, which must not start alike


def first_weights(layer: Layer, seed: int) -> tuple[np.ndarray, ...]:
    """Weights for a layer whose own do not matter, as `KINDS[layer.kind].weights` asks; decided by `seed`."""
    asked = KINDS[layer.kind].weights(layer.inputs, layer.options)
    return tuple(
        np.asarray(_INITIALIZERS[weight.start](seed + BACKWARD * turn)(weight.shape), np.float32)
        for turn in range(len(layer.directions))
        for weight in asked
    )


def _forget_one(seed: int) -> Callable[[tuple[int, ...]], np.ndarray]:
    """Gers et al. 2000: an LSTM that begins by keeping its memory."""

    def values(shape: tuple[int, ...]) -> np.ndarray:
        quarter = shape[0] // 4
        return np.repeat(np.array([0, 1, 0, 0], np.float32), quarter)

    return values


_INITIALIZERS: Mapping[Start, Callable[[int], Any]] = {
    "glorot_uniform": keras.initializers.GlorotUniform,
    "orthogonal": lambda seed: keras.initializers.Orthogonal(seed=seed),
    "uniform": lambda seed: keras.initializers.RandomUniform(seed=seed),
    "zeros": lambda seed: keras.initializers.Zeros(),
    "ones": lambda seed: keras.initializers.Ones(),
    "forget_one": _forget_one,
}
