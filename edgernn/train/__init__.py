"""Training with tf_keras: the float network, its Keras twin, and how fast that one is.

TensorFlow is imported by the first call, never by importing this package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets.splits import Splits
from edgernn.network import Network
from edgernn.recipe import Recipe

__all__ = ["fit", "keras_latency", "keras_model", "keras_outputs", "to_network", "validated"]


def fit(recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """The network of `recipe.network`, trained on `splits.train` as `recipe.train` says.

    With `recipe.train.refit` it is trained once more, on `splits.known`, for as many epochs as were best.

    Writes TensorBoard logs to `<folder>/logs/train` and after every epoch a checkpoint to
    `<folder>/checkpoints/train.npz`. A call that finds the checkpoint of the same recipe and data goes on
    from there and ends with the same bytes as a call that was never interrupted.

    Raises:
        InputError: a loss or a gradient is not finite, or the recipe does not fit the data.
    """
    from edgernn.train import fitting

    return fitting.fit(recipe, splits, folder, quiet)


def validated(recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """The network that `fit` has before it learns from validation, too: what can be judged on that split.

    Without `recipe.train.refit` it is that of `fit`. After `fit` in the same folder nothing is trained again.
    Raises what `fit` raises.
    """
    from edgernn.train import fitting

    return fitting.validated(recipe, splits, folder, quiet)


def keras_model(network: Network) -> Any:
    """A tf_keras.Model: normalised windows [batch, steps, inputs] -> last step's output [batch, outputs].

    Of a network with `every_step` it gives the output after every step, [batch, steps, outputs].
    """
    from edgernn.train import models

    return models.sequence_model(network)


def to_network(model: Any, like: Network) -> Network:
    """`like` with the weights of a tf_keras.Model that `keras_model(like)` made."""
    from edgernn.train import models

    return models.to_network(model, like)


def keras_outputs(network: Network, x: np.ndarray, ends: np.ndarray | None = None) -> np.ndarray:
    """What Keras computes for raw windows [windows, steps, inputs]: last outputs, float32 [windows, outputs].

    With `ends` [windows], those after that step of each, of a network that gives the result of every step. Of what
    comes next after every step, all of them, [windows, steps, outputs].
    """
    from edgernn.train import inference

    return inference.outputs(network, x, ends)


def keras_latency(network: Network, x: np.ndarray, runs: int) -> tuple[list[float], int]:
    """Microseconds of `runs` calls of the compiled Keras model, one window a call, and the threads it may use.

    `x` are raw windows [windows, steps, inputs], taken in turn; normalising them is not timed.
    """
    from edgernn.train import inference

    return inference.latency(network, x, runs)
