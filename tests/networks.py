"""Random networks of every kind, for tests of all parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from edgernn.cells import CELLS
from edgernn.network import KINDS, Layer, Network

Options = int | Mapping[str, object]  # a number of units, or a layer's options as a recipe has them


Stack = Sequence[tuple[str, Options]]

# Layers before the last, which is dense; between them they use every kind with every option. A cell that is new in
# `CELLS` is here by itself.
STACKS: Mapping[str, Stack] = {
    **{cell: [(cell, 12)] for cell in CELLS},
    **{f"{cell}, twice": [(cell, 7), (cell, 5)] for cell in CELLS},
    **{f"{cell}, bidirectional": [(cell, {"units": 6, "bidirectional": True})] for cell in CELLS},
    "gru of one unit": [("gru", 1)],
    "gru, reset before": [("gru", {"units": 12, "reset_after": False})],
    "gru without bias": [("gru", {"units": 12, "bias": False})],
    "lstm without bias": [("lstm", {"units": 12, "bias": False})],
    "simple_rnn, relu": [("simple_rnn", {"units": 12, "activation": "relu"})],
    "three cells": [("lstm", 8), ("gru", 6), ("simple_rnn", 5)],
    "dense before": [("dense", {"units": 9, "activation": "relu"}), ("gru", 12)],
    "dense after": [("gru", 12), ("dense", {"units": 9, "activation": "tanh", "batch_norm": True})],
    "dense, sigmoid": [("gru", 12), ("dense", {"units": 9, "activation": "sigmoid", "bias": False})],
    "embedding": [("embedding", {"entries": 20, "units": 6}), ("gru", 12)],
    "conv": [
        ("conv", {"units": 7, "kernel": 5, "stride": 2, "activation": "relu", "batch_norm": True}),
        ("gru", 12),
    ],
    "conv after gru": [("gru", 8), ("conv", {"units": 6, "kernel": 3, "stride": 2, "activation": "tanh"})],
    "conv of one frame of two": [("conv", {"units": 7, "kernel": 1, "stride": 2}), ("lstm", 8)],
    "two convs": [
        ("conv", {"units": 6, "kernel": 3}),
        ("conv", {"units": 5, "kernel": 4, "stride": 2}),
        ("gru", 8),
    ],
    "layer_norm": [("gru", 12), ("layer_norm", {})],
    "pool last": [("gru", 12), ("pool", {"over": "last"})],
    "pool mean": [("gru", 12), ("pool", {"over": "mean"})],
    "pool max": [("lstm", 12), ("pool", {"over": "max"})],
    "attention": [("gru", 12), ("attention", {"units": 8})],
    "attention, dot": [("lstm", 12), ("attention", {"score": "dot"})],
    "bidirectional, stacked": [
        ("lstm", {"units": 6, "bidirectional": True}),
        ("gru", {"units": 6, "bidirectional": True}),
        ("pool", {"over": "mean"}),
    ],
    "bidirectional, relu": [("simple_rnn", {"units": 8, "bidirectional": True, "activation": "relu"}), ("gru", 6)],
}


def stack_network(name: str, seed: int = 3, steps: int = 20, every_step: bool = False) -> Network:
    """A random network of one of `STACKS`; tokens have one input, the others three."""
    inputs = 1 if STACKS[name][0][0] == "embedding" else 3
    return random_network(seed, inputs, STACKS[name], outputs=5, steps=steps, every_step=every_step)


def random_layer(rng: np.random.Generator, name: str, kind: str, inputs: int, options: Options) -> Layer:
    """Weights as a trained network has them: about 1 / sqrt(inputs) in size, so that no gate saturates."""
    own = KINDS[kind].Options.model_validate({"units": options} if isinstance(options, int) else dict(options))
    layer = Layer(name, kind, inputs, own, ())
    weights = [w for _ in layer.directions for w in KINDS[kind].weights(inputs, own)]
    made = [_random(rng, w.name, w.shape) for w in weights]
    if getattr(own, "activation", "") == "relu":  # without a bound of its own, a state that feeds itself grows
        made = [w / 2 if spec.name == "recurrent_kernel" else w for w, spec in zip(made, weights, strict=True)]
    return replace(layer, weights=tuple(made))


def _random(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    flat = len(shape) == 1 or "bias" in name
    deviation = 0.3 if flat else 1.0 if name == "embeddings" else 1 / np.sqrt(np.prod(shape[:-1]))
    return rng.normal(0, deviation, shape).astype(np.float32)


def random_network(
    seed: int = 0,
    inputs: int = 6,
    cells: Sequence[tuple[str, Options]] = (("gru", 16),),
    outputs: int = 4,
    steps: int = 20,
    every_step: bool = False,
) -> Network:
    """The layers `cells` and a dense one of `outputs` units; channels are normalised unless frames are tokens."""
    rng = np.random.default_rng(seed)
    layers: list[Layer] = []
    width = inputs
    for index, (kind, options) in enumerate((*cells, ("dense", outputs))):
        layers.append(random_layer(rng, f"{kind}_{index}", kind, width, options))
        width = layers[-1].outputs
    tokens = layers[0].kind == "embedding"
    return Network(
        name="sample",
        steps=steps,
        rate_hz=25.0,
        channels=tuple(f"channel_{i}" for i in range(inputs)),
        labels=tuple(f"class_{i}" for i in range(outputs)),
        mean=np.zeros(inputs, np.float32) if tokens else rng.normal(0, 1, inputs).astype(np.float32),
        std=np.ones(inputs, np.float32) if tokens else rng.uniform(0.5, 2, inputs).astype(np.float32),
        layers=tuple(layers),
        every_step=every_step,
    )


def any_network(seed: int) -> Network:
    """A small network of random layers, sizes, options and length: everything that a recipe could ask for."""
    rng = np.random.default_rng(seed)
    tokens = rng.random() < 0.1
    layers: list[tuple[str, Options]] = [("embedding", {"entries": int(rng.integers(2, 30)), "units": _size(rng)})]
    layers = layers if tokens else _front(rng)
    layers += [_cell(rng) for _ in range(rng.integers(1, 4))]
    layers += _back(rng)
    strides = prod(int(options.get("stride", 1)) for _, options in layers if isinstance(options, Mapping))  # type: ignore[call-overload]
    steps = int(rng.integers(2, 13)) * strides
    return random_network(seed, 1 if tokens else int(rng.integers(1, 7)), layers, int(rng.integers(1, 9)), steps)


def _size(rng: np.random.Generator) -> int:
    return int(rng.choice([1, 2, 3, 4, 5, 7, 8, 12, 16, 20]))


def _cell(rng: np.random.Generator) -> tuple[str, Options]:
    kind = str(rng.choice(list(CELLS)))
    options: dict[str, object] = {"units": _size(rng), "bias": bool(rng.random() < 0.8)}
    if kind == "gru":
        options["reset_after"] = bool(rng.random() < 0.6)
    if kind == "simple_rnn":
        options["activation"] = str(rng.choice(["tanh", "relu"]))
    return kind, options | {"bidirectional": bool(rng.random() < 0.15)}


def _conv(rng: np.random.Generator) -> tuple[str, Options]:
    return "conv", {
        "units": _size(rng),
        "kernel": int(rng.integers(1, 6)),
        "stride": int(rng.integers(1, 4)),
        "activation": str(rng.choice(["linear", "relu", "tanh"])),
        "batch_norm": bool(rng.random() < 0.5),
    }


def _dense(rng: np.random.Generator) -> tuple[str, Options]:
    activation = str(rng.choice(["linear", "relu", "sigmoid", "tanh", "softmax"]))
    return "dense", {"units": _size(rng), "activation": activation, "batch_norm": bool(rng.random() < 0.3)}


def _front(rng: np.random.Generator) -> list[tuple[str, Options]]:
    return [_conv(rng) if rng.random() < 0.6 else _dense(rng)] if rng.random() < 0.4 else []


def _back(rng: np.random.Generator) -> list[tuple[str, Options]]:
    """What may stand between the cells and the last layer."""
    found: list[tuple[str, Options]] = [("layer_norm", {})] if rng.random() < 0.2 else []
    choice = rng.random()
    if choice < 0.25:
        found.append(("pool", {"over": str(rng.choice(["last", "mean", "max"]))}))
    elif choice < 0.45:
        found.append(("attention", {"score": str(rng.choice(["additive", "dot"])), "units": _size(rng)}))
    elif choice < 0.55:
        found.append(_conv(rng))
    return [*found, _dense(rng)] if rng.random() < 0.25 else found


def normalised(network: Network, frames: np.ndarray) -> np.ndarray:
    return (frames - network.mean) / network.std


def random_frames(network: Network, windows: int = 8, seed: int = 1) -> np.ndarray:
    """Raw frames [windows, steps, inputs] that move as sensors do: slow waves and noise; or tokens."""
    rng = np.random.default_rng(seed)
    if network.tokens:
        entries = len(network.layers[0].weights[0])
        return rng.integers(0, entries, (windows, network.steps, network.inputs)).astype(np.float32)
    noise = rng.normal(0, 1, (windows, network.steps, network.inputs))
    walk = rng.normal(0, 0.3, noise.shape).cumsum(axis=1)
    return ((0.5 * noise + walk) * network.std + network.mean).astype(np.float32)
