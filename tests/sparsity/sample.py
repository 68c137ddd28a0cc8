"""Layers and networks with random weights, made from the kinds' own lists of weights."""

from __future__ import annotations

import numpy as np

from edgernn.network import KINDS, Layer, Network


def layer(name: str, inputs: int, seed: int = 0, **options: object) -> Layer:
    """`name` is a kind, or a kind and a number: gru_2."""
    kind = name.rstrip("0123456789").removesuffix("_")
    rng = np.random.default_rng(seed)
    chosen = KINDS[kind].Options(**options)
    directions = 2 if getattr(chosen, "bidirectional", False) else 1
    shapes = [weight.shape for weight in KINDS[kind].weights(inputs, chosen)] * directions
    return Layer(name, kind, inputs, chosen, tuple(rng.normal(0, 1, shape).astype(np.float32) for shape in shapes))


def network(*layers: Layer) -> Network:
    channels = tuple(f"c{i}" for i in range(layers[0].inputs))
    labels = tuple(f"l{i}" for i in range(layers[-1].outputs))
    mean, std = np.zeros(len(channels), np.float32), np.ones(len(channels), np.float32)
    return Network("sample", 10, 0.0, channels, labels, mean, std, tuple(layers))
