"""A loss that is no number any more: where it began, and which value of the recipe to change."""

from __future__ import annotations

import numpy as np

from edgernn.errors import InputError
from edgernn.network import Network
from edgernn.train import models
from edgernn.train.backend import tf
from edgernn.train.feed import Batch
from edgernn.train.learner import Gradients, Learner

OUTLIER = 1000.0  # standard deviations; no measured channel gets there, a broken or unscaled one does


def require_finite(
    learner: Learner, network: Network, gradients: Gradients, batch: Batch, *, epoch: int, step: int
) -> None:
    """Raises InputError when the loss or the gradient of `batch` is not finite; weights are as before it."""
    loss, norm = float(gradients.loss), float(gradients.norm)
    if np.isfinite(loss) and np.isfinite(norm):
        return
    raise InputError(
        f"training stopped in epoch {epoch + 1}, step {step + 1}: loss {loss:g}, gradient norm {norm:g}; "
        f"{_origin(learner, network, gradients, batch, step)}; {_advice(learner, network, batch)}"
    )


def require_finite_validation(loss: float, learner: Learner, epoch: int) -> None:
    """Raises InputError when the validation loss is not finite though every training step was."""
    if not np.isfinite(loss):
        rate = learner.section.learning_rate
        raise InputError(
            f"training stopped in epoch {epoch + 1}: validation loss {loss:g}, the training loss is finite; "
            f"look for outliers in the validation data, or lower the learning rate ({rate:g})"
        )


def _origin(learner: Learner, network: Network, gradients: Gradients, batch: Batch, step: int) -> str:
    """The first place on the way from the input to the gradients that holds a value that is not finite."""
    if not np.isfinite(batch.x).all():
        return "first in the input"
    for layer, variables in zip(network.layers, _by_layer(learner, learner.variables, network), strict=True):
        if not _finite(variables):
            return f"first in the weights of layer {layer.name}"
    for layer, output in zip(
        network.layers, learner.outputs(tf.constant(batch.x), tf.constant(step, tf.int64)), strict=True
    ):
        if not _finite([output]):
            return f"first in the output of layer {layer.name}"
    pairs = zip(network.layers, _by_layer(learner, gradients.by_variable, network), strict=True)
    for layer, own in reversed(list(pairs)):  # gradients flow from the last layer to the first
        if not _finite(own):
            return f"first in the gradient of layer {layer.name}"
    return "first in the loss"


def _by_layer(learner: Learner, values: list[tf.Tensor], network: Network) -> list[list[tf.Tensor]]:
    """`values`, one a trainable variable, grouped by layer."""
    remaining = iter(values)
    return [[next(remaining) for _ in range(count)] for count in models.trainable_counts(network)]


def _finite(tensors: list[tf.Tensor]) -> bool:
    return all(bool(tf.reduce_all(tf.math.is_finite(tensor))) for tensor in tensors)


def _advice(learner: Learner, network: Network, batch: Batch) -> str:
    section = learner.section
    channel = int(np.abs(np.nan_to_num(batch.x, nan=np.inf)).max(axis=(0, 1)).argmax())
    extreme = float(np.abs(batch.x[..., channel]).max())
    if not extreme < OUTLIER and not network.tokens:
        return (
            f"look at the data: channel {network.channels[channel]} reaches {extreme:g} standard deviations; "
            "remove the outliers or set features.normalize: standard"
        )
    if not section.clip_norm:
        return "gradients are not clipped: set train.clip_norm: 1"
    return (
        f"lower train.learning_rate ({section.learning_rate:g}): try {section.learning_rate / 10:g}, "
        f"or train.clip_norm ({section.clip_norm:g}) too"
    )
