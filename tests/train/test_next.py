"""Training on what comes next, after every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn import reference
from edgernn import train as training
from edgernn.datasets.splits import Split, Splits
from edgernn.metric import METRICS, Judge
from edgernn.network import Network
from train import sample

TOKENS, STEPS = 6, 12
LAYERS: list[dict[str, object]] = [
    {"embedding": {"entries": TOKENS, "units": 6}},
    {"gru": {"units": 12}},
    {"dense": {}},
]


def split(seed: int, count: int, *, lengths: bool = False) -> Split:
    """Walks where a token and the one before it decide the next: (a + b) modulo 5, plus 1. Token 0 never comes."""
    rng = np.random.default_rng(seed)
    walk = rng.integers(1, TOKENS, (count, STEPS + 1))
    for step in range(2, STEPS + 1):
        walk[:, step] = (walk[:, step - 1] + walk[:, step - 2]) % (TOKENS - 1) + 1
    y = walk[:, 1:].copy()
    y[:, 0] = -1  # what follows the first token is chance
    ends = rng.integers(STEPS // 2, STEPS + 1, count).astype(np.int32)
    if lengths:
        inside = np.arange(STEPS) < ends[:, None]
        walk[:, :-1] *= inside
        y = np.where(inside, y, -1)
    x = walk[:, :-1, None].astype(np.float32)
    return Split(x, y.astype(np.int64), np.full(count, "one"), ends if lengths else None)


def splits(*, lengths: bool = False) -> Splits:
    one = split(0, 300, lengths=lengths)
    labels = tuple(f"t{number}" for number in range(TOKENS))
    parts = (split(1, 60, lengths=lengths), one.take(np.arange(20)), split(2, 60, lengths=lengths))
    return Splits(one, *parts, labels, ("token",), task="next")


def bits(network: Network, test: Split) -> float:
    outputs = reference.float_outputs(network, test.x)
    return Judge(METRICS["bits_per_character"]).measure(outputs, outputs, test.y)["metric"]


@pytest.mark.parametrize("lengths", [False, True])
def test_a_network_learns_what_comes_next(tmp_path: Path, *, lengths: bool) -> None:
    data = splits(lengths=lengths)
    recipe = sample.recipe(layers=LAYERS, epochs=25, learning_rate=0.02, dropout=0)
    network = training.fit(recipe, data, tmp_path, quiet=True)
    assert network.every_step
    assert network.task == "next"
    assert bits(network, data.test) < 0.2 < np.log2(TOKENS - 1)


def test_shuffled_tokens_teach_nothing(tmp_path: Path) -> None:
    """A network that did see what it is asked would do better than chance on tokens without any order."""
    rng = np.random.default_rng(4)

    def shuffled(count: int) -> Split:
        walk = rng.integers(1, TOKENS, (count, STEPS + 1))
        return Split(walk[:, :-1, None].astype(np.float32), walk[:, 1:], np.full(count, "one"))

    one = shuffled(300)
    labels = tuple(f"t{number}" for number in range(TOKENS))
    data = Splits(one, shuffled(60), one.take(np.arange(20)), shuffled(60), labels, ("token",), task="next")
    network = training.fit(sample.recipe(layers=LAYERS, epochs=8, dropout=0), data, tmp_path, quiet=True)
    assert bits(network, data.test) > np.log2(TOKENS - 1) - 0.02


def test_what_is_not_asked_changes_nothing(tmp_path: Path) -> None:
    """Frames behind a sequence's end are padding, whatever they hold."""
    data = splits(lengths=True)
    recipe = sample.recipe(layers=LAYERS, epochs=2)
    plain = training.fit(recipe, data, tmp_path / "a", quiet=True)
    behind = np.arange(STEPS)[None, :, None] >= data.train.real[:, None, None]
    noisy = Split(
        np.where(behind, 3, data.train.x).astype(np.float32), data.train.y, data.train.group, data.train.lengths
    )
    other = training.fit(recipe, Splits(**{**vars(data), "train": noisy}), tmp_path / "b", quiet=True)
    for one, two in zip(plain.layers, other.layers, strict=True):
        for a, b in zip(one.weights, two.weights, strict=True):
            np.testing.assert_array_equal(a, b)
