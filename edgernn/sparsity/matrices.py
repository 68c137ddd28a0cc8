"""The matrices of a layer by gate, how many of their weights are zero, and the masks that these zeros make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgernn.network import KINDS, Layer, Network

TABLE, RECURRENT = "embeddings", "recurrent_kernel"  # Keras's names


@dataclass(frozen=True)
class Matrix:
    """One matrix of a layer: `index` is its place among the layer's weights, `shape` its shape there.

    Keras has its outputs last: kernels [inputs, gates * units], convolutions [kernel, channels, units].
    """

    layer: str
    name: str
    index: int
    shape: tuple[int, ...]
    gates: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"{self.layer}/{self.name}"

    @property
    def rows(self) -> int:
        """Of one gate."""
        return self.shape[-1] // len(self.gates)

    @property
    def columns(self) -> int:
        return math.prod(self.shape[:-1])

    @property
    def in_blocks(self) -> bool:
        """Whether blocks make sense: a table is looked up by row, and a single row has none to share with."""
        return self._weight != TABLE and self.rows > 1

    @property
    def recurrent(self) -> bool:
        """Whether it reads the layer's own state: then weight [i, i] of a gate joins a unit to itself."""
        return self._weight == RECURRENT

    @property
    def _weight(self) -> str:
        """The name of the weight without its direction."""
        return self.name.rpartition("/")[2]

    def parts(self, weight: np.ndarray) -> np.ndarray:
        """The weight, or its mask, by gate: [gates, rows, columns]."""
        return weight.reshape(self.columns, -1).T.reshape(len(self.gates), self.rows, self.columns)

    def whole(self, parts: np.ndarray) -> np.ndarray:
        """The inverse of `parts`."""
        return np.ascontiguousarray(parts.reshape(-1, self.columns).T.reshape(self.shape))


class Density(NamedTuple):
    """The share of weights that are not zero; `gate` is empty where a matrix has no gates."""

    layer: str
    matrix: str
    gate: str
    density: float


def matrices(layer: Layer) -> tuple[Matrix, ...]:
    """The matrices of a layer in the order of its weights, of which only the shapes matter, not the values.

    Biases are none, whatever their shape.
    """
    kind = KINDS[layer.kind]
    own = kind.weights(layer.inputs, layer.options)
    return tuple(
        Matrix(layer.name, f"{scope}{weight.name}", turn * len(own) + index, weight.shape, kind.GATES)
        for turn, scope in enumerate(f"{name}/" if name else "" for name in layer.directions)
        for index, weight in enumerate(own)
        if len(weight.shape) > 1 and weight.name != "bias"
    )


def densities(network: Network) -> list[Density]:
    """How full every gate of every matrix is, in the order of layers, weights and gates."""
    return [
        Density(layer.name, matrix.name, gate, float(np.count_nonzero(part) / part.size))
        for layer in network.layers
        for matrix in matrices(layer)
        for gate, part in zip(matrix.gates, matrix.parts(layer.weights[matrix.index]), strict=True)
    ]


def masks_of(network: Network) -> Mapping[str, tuple[np.ndarray, ...]]:
    """The masks, bool, of all weights by layer, with which the zeros of the network's matrices stay zeros.

    Vectors (biases, factors) are free: a zero among them means nothing.
    """
    masks = {}
    for layer in network.layers:
        held = {matrix.index for matrix in matrices(layer)}
        pairs = enumerate(layer.weights)
        masks[layer.name] = tuple(w != 0 if index in held else np.ones(w.shape, bool) for index, w in pairs)
    return masks


def zeros_asked(size: int, sparsity: float) -> int:
    """The zeros of a matrix of `size` weights; what stays is rounded up, and one weight stays at least."""
    return size - kept_at_least(size, sparsity)


def kept_at_least(size: int, sparsity: float) -> int:
    """What stays of `size` weights or blocks; 10 at 0.7 are 3, though 1 - 0.7 is a little above 0.3."""
    return max(1, math.ceil(round(size * (1 - sparsity), 6)))
