"""The masks that a recipe asks for, from a network's weights as they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgernn.network import Layer, Network
from edgernn.sparsity import block_mask, kept_at_least
from edgernn.train_sections import PruneSection


def masks(network: Network, section: PruneSection) -> Mapping[str, tuple[np.ndarray, ...]]:
    """The masks, bool and shaped like the weights, of every layer by its name; what is not pruned is True.

    Each leaves the largest weights of a matrix, or with `section.block` the largest blocks of each gate.
    `section` has to fit the network (`refuse_misfit`).
    """
    return {layer.name: _of_layer(layer, section) for layer in network.layers}


def _of_layer(layer: Layer, section: PruneSection) -> tuple[np.ndarray, ...]:
    found = [np.ones(weight.shape, bool) for weight in layer.weights]
    for matrix in section.matrices(layer):
        weight = layer.weights[matrix.index]
        if section.block:
            found[matrix.index] = block_mask(weight, matrix, section.block, section.sparsities(matrix))
        else:
            found[matrix.index] = _largest(weight, section.sparsity)
    return tuple(found)


def _largest(weight: np.ndarray, sparsity: float) -> np.ndarray:
    mask = np.zeros(weight.size, bool)
    order = np.argsort(-np.abs(weight).ravel(), kind="stable")
    mask[order[: kept_at_least(weight.size, sparsity)]] = True
    return mask.reshape(weight.shape)
