"""Random networks of every kind, for tests of all parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgernn.network import KINDS, Layer, Network


def random_layer(rng: np.random.Generator, name: str, kind: str, inputs: int, units: int) -> Layer:
    """Weights as a trained network has them: about 1 / sqrt(inputs) in size, so that no gate saturates."""
    shapes = KINDS[kind].shapes(inputs, units)
    weights = tuple(
        rng.normal(0, 0.3 if shape[0] <= 2 or len(shape) == 1 else 1 / np.sqrt(shape[0]), shape) for shape in shapes
    )
    return Layer(name, kind, inputs, units, tuple(w.astype(np.float32) for w in weights))


def random_network(
    seed: int = 0,
    inputs: int = 6,
    cells: Sequence[tuple[str, int]] = (("gru", 16),),
    outputs: int = 4,
    steps: int = 20,
) -> Network:
    rng = np.random.default_rng(seed)
    layers, width = [], inputs
    for index, (kind, units) in enumerate((*cells, ("dense", outputs))):
        layers.append(random_layer(rng, f"{kind}_{index}", kind, width, units))
        width = units
    return Network(
        name="sample",
        steps=steps,
        rate_hz=25.0,
        channels=tuple(f"channel_{i}" for i in range(inputs)),
        labels=tuple(f"class_{i}" for i in range(outputs)),
        mean=rng.normal(0, 1, inputs).astype(np.float32),
        std=rng.uniform(0.5, 2, inputs).astype(np.float32),
        layers=tuple(layers),
    )


def random_frames(network: Network, windows: int = 8, seed: int = 1) -> np.ndarray:
    """Raw frames [windows, steps, inputs] that move as sensors do: slow waves and noise."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (windows, network.steps, network.inputs))
    walk = rng.normal(0, 0.3, noise.shape).cumsum(axis=1)
    return ((0.5 * noise + walk) * network.std + network.mean).astype(np.float32)
