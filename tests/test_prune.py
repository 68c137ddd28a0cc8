"""Pruning: the zeros that were asked for, where they were asked for, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from train import sample

from edgernn import network, prune, train
from edgernn.errors import ExportError
from edgernn.network import Network
from edgernn.recipe import PruneSection, Recipe
from edgernn.train import loop

LAYERS = [{"gru": {"units": 5}}, {"gru": {"units": 4}}, {"dense": {}}]


def recipe(**section: object) -> Recipe:
    """6 steps an epoch."""
    pruning = {"sparsity": 0.5, "epochs": 4, "learning_rate": 0.01, **section}
    augment = {"speed": 0.2, "jitter": 0.05}
    return sample.recipe(pruning, LAYERS, epochs=6, dropout=0.1, layer_dropout=0.1, augment=augment)


def matrices(net: Network) -> dict[str, np.ndarray]:
    return {name: value for name, value in net.constants().items() if value.ndim == 2}


def content(net: Network, path: Path) -> bytes:
    network.save(net, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A trained network, not pruned."""
    return train.fit(recipe(), sample.splits(), tmp_path_factory.mktemp("dense"), quiet=True)


@pytest.fixture(scope="module")
def sparse(dense: Network, tmp_path_factory: pytest.TempPathFactory) -> Network:
    return prune.fine_tune(dense, recipe(), sample.splits(), tmp_path_factory.mktemp("sparse"), quiet=True)


def test_half_of_every_matrix_is_zero_and_the_rest_was_trained(dense: Network, sparse: Network) -> None:
    before = matrices(dense)
    for name, matrix in matrices(sparse).items():
        assert np.sum(matrix == 0) in (matrix.size // 2, (matrix.size + 1) // 2), name
        kept = matrix != 0
        assert np.mean(matrix[kept] != before[name][kept]) > 0.9, name


def test_large_weights_survive(dense: Network, sparse: Network) -> None:
    """Magnitude decides: what stays was larger on average before than what went."""
    before = np.concatenate([np.abs(matrix).ravel() for matrix in matrices(dense).values()])
    kept = np.concatenate([(matrix != 0).ravel() for matrix in matrices(sparse).values()])

    assert before[kept].mean() > 2 * before[~kept].mean()


def test_biases_keep_all_their_values(sparse: Network) -> None:
    for name, bias in sparse.constants().items():
        if bias.ndim == 1:
            assert np.count_nonzero(bias) == bias.size, name


def test_layers_that_are_not_named_stay_dense(dense: Network, tmp_path: Path) -> None:
    pruned = prune.fine_tune(
        dense, recipe(layers=["gru"], sparsity=0.75, epochs=1), sample.splits(), tmp_path, True
    )

    shares = {name: np.mean(matrix == 0) for name, matrix in matrices(pruned).items()}
    assert shares.pop("dense/kernel") == 0
    assert len(shares) == 4
    assert all(0.74 < share < 0.77 for share in shares.values())


def test_two_prunings_and_a_resumed_one_give_the_same_bytes(
    dense: Network, sparse: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, seen = loop._step, []

    def killed(run: loop.Run, batch: object, epoch: int, number: int) -> tuple[float, float, float]:
        if number == 14 and not seen:  # in the third epoch, while the masks are still chosen anew
            seen.append(number)
            raise KeyboardInterrupt
        return step(run, batch, epoch, number)

    monkeypatch.setattr(loop, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        prune.fine_tune(dense, recipe(), sample.splits(), tmp_path, quiet=True)

    resumed = prune.fine_tune(dense, recipe(), sample.splits(), tmp_path, quiet=True)

    assert content(resumed, tmp_path / "resumed.npz") == content(sparse, tmp_path / "sparse.npz")


@pytest.mark.parametrize("section", [None, {"sparsity": 0.0}])
def test_nothing_asked_nothing_done(section: dict[str, object] | None, dense: Network, tmp_path: Path) -> None:
    assert prune.fine_tune(dense, sample.recipe(section), sample.splits(), tmp_path, quiet=True) is dense
    assert not list(tmp_path.iterdir())


def test_a_matrix_that_came_out_too_dense_is_an_error(sparse: Network) -> None:
    prune.require_sparsity(sparse, PruneSection(sparsity=0.5))
    kernel, *others = sparse.layers[1].weights
    kernel = kernel.copy()
    kernel[kernel == 0] = 0.1
    layers = (sparse.layers[0], replace(sparse.layers[1], weights=(kernel, *others)), sparse.layers[2])

    with pytest.raises(ExportError, match="pruning left gru_2/kernel with 0 zeros of 60, below 50%"):
        prune.require_sparsity(replace(sparse, layers=layers), PruneSection(sparsity=0.5))


@given(size=st.integers(1, 100_000), sparsity=st.floats(0, 0.999))
def test_zeros_asked_is_the_share_less_what_rounding_keeps(size: int, sparsity: float) -> None:
    asked = prune.zeros_asked(size, sparsity)

    assert 0 <= asked < size
    assert size * sparsity - 1.001 <= asked <= size * sparsity + 1e-6
