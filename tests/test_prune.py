"""Pruning: the zeros that were asked for, where they were asked for, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from train import sample

from edgernn import network, prune, sparsity, train
from edgernn.errors import ExportError, InputError
from edgernn.network import Network
from edgernn.recipe import Recipe
from edgernn.train import loop
from edgernn.train_sections import PruneSection

LAYERS = [{"gru": {"units": 5}}, {"gru": {"units": 4}}, {"dense": {}}]


def recipe(**section: object) -> Recipe:
    """6 steps an epoch."""
    pruning = {"sparsity": 0.5, "epochs": 4, "learning_rate": 0.01, **section}
    augment = {"speed": 0.2, "jitter": 0.05}
    return sample.recipe(pruning, LAYERS, epochs=6, dropout=0.1, layer_dropout=0.1, augment=augment)


def matrices(net: Network) -> dict[str, np.ndarray]:
    """In Keras's layout."""
    found = [(matrix, layer.weights[matrix.index]) for layer in net.layers for matrix in sparsity.matrices(layer)]
    return {matrix.path: weight for matrix, weight in found}


def content(net: Network, path: Path) -> bytes:
    network.save(net, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A trained network, not pruned."""
    return train.fit(recipe(), sample.splits(), tmp_path_factory.mktemp("dense"), quiet=True)


BLOCKS = {"block": [2, 1], "density": {"r": 0.8}, "layers": ["gru_2"], "sparsity": 0.6}


@pytest.fixture(scope="module")
def sparse(dense: Network, tmp_path_factory: pytest.TempPathFactory) -> Network:
    return prune.fine_tune(dense, recipe(), sample.splits(), tmp_path_factory.mktemp("sparse"), quiet=True)


@pytest.fixture(scope="module")
def in_blocks(dense: Network, tmp_path_factory: pytest.TempPathFactory) -> Network:
    return prune.fine_tune(dense, recipe(**BLOCKS), sample.splits(), tmp_path_factory.mktemp("blocks"), quiet=True)


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


def test_gates_have_the_blocks_that_were_asked_for(dense: Network, in_blocks: Network) -> None:
    """gru_2: [4 units x 5 inputs] is 10 blocks a gate, [4 x 4] 8, of which 4 hold the diagonal."""
    kernel, recurrent = (weight.reshape(-1, 3, 2, 2) for weight in in_blocks.layers[1].weights[:2])

    kept = [(weight != 0).any(axis=3).sum(axis=(0, 2)).tolist() for weight in (kernel, recurrent)]  # by gate

    assert kept == [[4, 8, 4], [4, 7, 4]]
    for weight in (kernel, recurrent):
        blocks = (weight != 0).sum(axis=3)  # [inputs, gates, blocks of rows]
        assert set(np.unique(blocks)) == {0, 2}
    for gate in np.split(in_blocks.layers[1].weights[1], 3, axis=1):
        assert np.diag(gate).all()
    assert [layer.sparsity for layer in in_blocks.layers[::2]] == [0, 0]
    assert np.mean(in_blocks.layers[0].weights[0] != dense.layers[0].weights[0]) > 0.9


@pytest.mark.parametrize("section", [{}, {"block": [2, 1]}])
def test_every_recurrent_layer_is_pruned_inside_bidirectional_too(
    section: dict[str, object], tmp_path: Path
) -> None:
    from edgernn.train import fitting

    both = {"units": 4, "bidirectional": True}
    layers = [{"simple_rnn": {"units": 4}}, {"lstm": both}, {"gru": both}, {"dense": {"units": 4}}, {"dense": {}}]
    asked = {"layers": ["simple_rnn", "lstm", "gru"], "sparsity": 0.5, "epochs": 1, "learning_rate": 0.01}
    plan = sample.recipe(asked | section, layers)
    start = fitting.untrained(plan, sample.splits())

    pruned = prune.fine_tune(start, plan, sample.splits(), tmp_path, quiet=True)

    shares = {path: float(np.mean(weight == 0)) for path, weight in matrices(pruned).items()}
    assert [shares.pop(name) for name in ("dense/kernel", "dense_2/kernel")] == [0, 0]
    assert len(shares) == 10
    assert set(shares.values()) == {0.5}


def test_every_mask_of_a_pruned_network_is_its_zeros(in_blocks: Network) -> None:
    masks = sparsity.masks_of(in_blocks)

    assert [np.mean(mask) for mask in masks["gru_2"]] == [16 / 30, 15 / 24, 1]
    assert all(mask.all() for name in ("gru", "dense") for mask in masks[name])


def test_zeros_are_positive(sparse: Network, in_blocks: Network) -> None:
    for net in (sparse, in_blocks):
        assert not any(np.signbit(weight[weight == 0]).any() for layer in net.layers for weight in layer.weights)


def test_biases_keep_all_their_values(sparse: Network, in_blocks: Network) -> None:
    for net in (sparse, in_blocks):
        for layer in net.layers:
            assert np.count_nonzero(layer.weights[-1]) == layer.weights[-1].size


def test_a_section_that_does_not_fit_is_refused_before_training(dense: Network, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 rows do not divide the 5 units of gru;"):
        prune.fine_tune(dense, recipe(block=[3, 1]), sample.splits(), tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["sparse", "in_blocks"])
def test_two_prunings_and_a_resumed_one_give_the_same_bytes(
    kind: str, dense: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    plan = recipe(**BLOCKS) if kind == "in_blocks" else recipe()
    step, seen = loop._step, []

    def killed(run: loop.Run, batch: object, epoch: int, number: int) -> tuple[float, float, float]:
        if number == 8 and not seen:  # in the second epoch, while the masks are still chosen anew
            seen.append(number)
            raise KeyboardInterrupt
        return step(run, batch, epoch, number)

    monkeypatch.setattr(loop, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        prune.fine_tune(dense, plan, sample.splits(), tmp_path, quiet=True)

    resumed = prune.fine_tune(dense, plan, sample.splits(), tmp_path, quiet=True)

    whole = request.getfixturevalue(kind)
    assert content(resumed, tmp_path / "resumed.npz") == content(whole, tmp_path / "whole.npz")


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


@pytest.mark.parametrize("section", [{}, {"block": [2, 1]}], ids=["elements", "blocks"])
def test_a_regression_is_pruned_and_still_tells_quantities_in_their_own_units(
    section: dict[str, object], tmp_path: Path
) -> None:
    data, layers = sample.forecasts(), [{"gru": {"units": 8}}, {"dense": {}}]
    asked = sample.recipe(
        {"sparsity": 0.5, "epochs": 10, "learning_rate": 0.01, **section}, layers, epochs=25, dropout=0
    )
    net = train.fit(asked, data, tmp_path / "train", quiet=True)

    found = prune.fine_tune(net, asked, data, tmp_path / "prune", quiet=True)

    assert (found.task, found.labels) == ("regress", ("a +1", "b +1"))
    for name, matrix in matrices(found).items():
        assert np.mean(matrix == 0) == 0.5, name
    error = np.abs(train.keras_outputs(found, data.test.x) - data.test.y).mean(axis=0)
    assert (error < 0.6 * data.test.y.std(axis=0)).all()  # the mean alone would be off by 0.8 of it
