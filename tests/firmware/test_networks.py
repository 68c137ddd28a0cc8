"""Random networks on every board and compiler, against the integer reference: the same integers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from networks import Options, normalised, random_frames, random_network

from edgernn import reference
from edgernn.firmware import BOARDS, measure, toolchain
from edgernn.network import IntegerPrecision, Network, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets.c.write import render

pytestmark = pytest.mark.board

WINDOWS, STEPS = 2, 12
CASES: dict[str, tuple[list[tuple[str, Options]], IntegerPrecision, bool]] = {
    "gru, sparse": ([("gru", 32)], "int8", True),
    "lstm, wide, sparse": ([("lstm", 16)], "int16x8", True),
    "windows": ([("gru", 7), ("lstm", {"units": 6, "bidirectional": True})], "int8", False),
}
CHAINS = [
    (name, chain)
    for name, board in BOARDS.items()
    for chain in ("gcc", "zig", "host")
    if (board.kind == "host" if chain == "host" else getattr(board, chain))
]


@cache
def sample(case: str) -> tuple[QuantizedNetwork, np.ndarray, np.ndarray]:
    """A quantised network, windows in its integers and what the reference gives after every step."""
    cells, precision, sparse = CASES[case]
    network = random_network(11, 5, cells, outputs=3, steps=STEPS)
    network = pruned(network) if sparse else network
    frames = random_frames(network, 16)
    quantized = quantize(network, normalised(network, frames)).at(precision)
    x = reference.quantize_input(quantized, frames[:WINDOWS])
    return quantized, x, reference.integer_outputs(quantized, x)


def pruned(network: Network) -> Network:
    """Three of four blocks of 4 x 4 of the recurrent layers' weights become zeros."""
    rng = np.random.default_rng(5)
    layers = [
        replace(one, weights=tuple(_pruned(rng, weight) for weight in one.weights)) if one.kind != "dense" else one
        for one in network.layers
    ]
    return replace(network, layers=tuple(layers))


def _pruned(rng: np.random.Generator, weight: np.ndarray) -> np.ndarray:
    if weight.ndim != 2 or weight.shape[0] % 4:
        return weight
    kept = rng.random((weight.shape[0] // 4, weight.shape[1] // 4)) < 0.25
    return weight * np.kron(kept, np.ones((4, 4), np.float32))


@pytest.mark.parametrize(("name", "compiler"), CHAINS)
def test_the_integers_are_the_references(tmp_path: Path, name: str, compiler: str) -> None:
    board = BOARDS[name]
    chain = next((one for one in toolchain.candidates(board) if one.name == compiler), None)
    if chain is None:
        pytest.skip(f"{compiler} for {name} is not installed")
    for index, case in enumerate(CASES):
        quantized, x, wanted = sample(case)
        folder = tmp_path / str(index)
        folder.mkdir()
        for file, text in render(quantized).items():
            (folder / file).write_text(text)
        optimisation = "speed" if index % 2 else "size"
        if quantized.network.streams and index != 1:
            assert np.array_equal(measure(folder, board, optimisation, x, "step", chain).outputs, wanted), case
        else:
            found = measure(folder, board, optimisation, x, "sequence", chain).outputs
            assert np.array_equal(found, wanted[:, -1:]), case
