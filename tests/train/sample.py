"""A small problem that a network learns in a few epochs, and networks with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from networks import Options, random_network

from edgernn.datasets.splits import Split, Splits
from edgernn.network import Network
from edgernn.recipe import Recipe

STEPS, CHANNELS, LABELS = 12, ("ax", "ay", "az"), ("still", "slow", "fast")
RATES = np.array([0.0, 0.4, 1.2])  # radians a step


def split(seed: int, count: int) -> Split:
    """Raw windows of three classes that differ in how fast all channels swing."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % len(LABELS)
    angle = RATES[y][:, None, None] * np.arange(STEPS)[None, :, None] + rng.uniform(0, 6, (count, 1, 3))
    x = 5 + 2 * np.sin(angle) + 0.2 * rng.standard_normal(angle.shape)
    return Split(x.astype(np.float32), y.astype(np.int64), np.full(count, "one"))


def splits() -> Splits:
    train = split(0, 90)
    return Splits(train, split(1, 30), train.take(np.arange(9)), split(2, 60), LABELS, CHANNELS, 25.0)


def forecasts() -> Splits:
    """The same windows with two quantities of their last frame, far from 0 and of unlike size."""

    def of(one: Split) -> Split:
        last = one.x[:, -1]
        y = np.stack([1000 + 50 * (last[:, 0] - 5), 3 + 0.01 * (last[:, 1] - last[:, 2])], axis=1)
        return replace(one, y=y.astype(np.float32))

    train, validation, test = (of(split(seed, count)) for seed, count in ((0, 90), (1, 30), (2, 60)))
    drawn = train.take(np.arange(30))
    return Splits(train, validation, drawn, test, ("a +1", "b +1"), CHANNELS, 25.0, "regress")


def recipe(prune: dict[str, object] | None = None, layers: Sequence[object] = (), **train: object) -> Recipe:
    """A recipe for `splits()`; `train` and `prune` are their sections."""
    stack = list(layers) or [{"gru": {"units": 6}}, {"dense": {}}]
    section = {"epochs": 4, "batch_size": 16, "learning_rate": 0.02, **train}
    document = {
        "name": "sample",
        "seed": 3,
        "data": {"source": "npz", "path": "none.npz"},
        "network": {"layers": stack},
        "train": section,
        "prune": prune,
    }
    return Recipe.model_validate(document)


def network(seed: int, steps: int, inputs: int, *layers: tuple[str, Options], every_step: bool = False) -> Network:
    """A network of (kind, units or options) layers with random weights, its last layer being the outputs."""
    *cells, (_, outputs) = layers
    found = random_network(seed, inputs, cells, outputs, steps, every_step)  # type: ignore[arg-type]
    return replace(found, rate_hz=0.0)
