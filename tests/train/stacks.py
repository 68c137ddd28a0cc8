"""Stacks of layers that have every kind and option between them, by name; a dense layer follows each."""

from __future__ import annotations

from collections.abc import Sequence

from networks import Options, random_network

from edgernn.cells import CELLS
from edgernn.network import Network

BOTH = {"bidirectional": True}
STACKS: dict[str, Sequence[tuple[str, Options]]] = {
    **{cell: ((cell, 6),) for cell in CELLS},
    "gru, layer_norm, lstm": (
        ("gru", {"units": 6, "reset_after": False}),
        ("layer_norm", {}),
        ("lstm", {"units": 5, "bias": False}),
    ),
    "embedding, simple_rnn, pool": (
        ("embedding", {"entries": 11, "units": 5}),
        ("simple_rnn", {"units": 7, "activation": "relu"}),
        ("pool", {"over": "mean"}),
    ),
    "conv, gru, attention": (
        ("conv", {"units": 5, "kernel": 5, "stride": 2, "activation": "relu", "batch_norm": True}),
        ("gru", {"units": 6, "bias": False}),
        ("attention", {"score": "additive", "units": 4}),
    ),
    "gru, conv, dense, pool": (
        ("gru", 6),
        ("conv", {"units": 5, "kernel": 2, "stride": 3, "bias": False}),
        ("dense", {"units": 4, "activation": "tanh", "batch_norm": True}),
        ("pool", {"over": "max"}),
    ),
    "both ways twice": (("lstm", {"units": 5, **BOTH}), ("gru", {"units": 4, **BOTH})),
    "both ways, attention": (("gru", {"units": 5, **BOTH}), ("attention", {"score": "dot"})),
    "both ways, conv": (("simple_rnn", {"units": 5, **BOTH}), ("conv", {"units": 4, "kernel": 3})),
    "lstm, pool, dense": (
        ("lstm", 6),
        ("pool", {"over": "last"}),
        ("dense", {"units": 5, "activation": "softmax"}),
    ),
}


def stacked(name: str, every_step: bool = False, seed: int = 0) -> Network:
    """The random network of a stack."""
    tokens = STACKS[name][0][0] == "embedding"
    return random_network(seed, 1 if tokens else 4, STACKS[name], 3, 14, every_step)
