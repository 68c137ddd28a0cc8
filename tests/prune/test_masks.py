"""The masks that a section asks for, and that a network which has them passes its own check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sparsity import sample

from edgernn.errors import ExportError
from edgernn.network import Network
from edgernn.prune import masks, require_sparsity
from edgernn.train_sections import PruneSection

NETWORK = sample.network(
    sample.layer("gru", 6, units=8, bidirectional=True),
    sample.layer("lstm", 16, seed=1, units=12),
    sample.layer("dense", 12, seed=2, units=3),
)
SECTIONS = [
    {"sparsity": 0.5},
    {"sparsity": 0.8, "layers": ["lstm"]},
    {"sparsity": 0.5, "block": [4, 2], "layers": ["gru", "lstm"]},
    {"sparsity": 0.6, "block": [2, 2], "density": {"f": 1.0, "g": 0.8}, "layers": ["lstm"]},
]


def masked(network: Network, section: PruneSection) -> Network:
    found = masks(network, section)
    layers = tuple(
        replace(layer, weights=tuple(w * m for w, m in zip(layer.weights, found[layer.name], strict=True)))
        for layer in network.layers
    )
    return replace(network, layers=layers)


@pytest.mark.parametrize("keys", SECTIONS)
def test_a_masked_network_has_what_was_asked_and_a_dense_one_has_not(keys: dict[str, object]) -> None:
    section = PruneSection.model_validate(keys)

    require_sparsity(masked(NETWORK, section), section)

    with pytest.raises(ExportError, match=r"pruning left \S.* with 0 zero"):
        require_sparsity(NETWORK, section)


@pytest.mark.parametrize("keys", SECTIONS)
def test_only_matrices_of_named_layers_lose_weights(keys: dict[str, object]) -> None:
    section = PruneSection.model_validate(keys)
    for layer in NETWORK.layers:
        pruned = {matrix.index for matrix in section.matrices(layer)}
        for index, mask in enumerate(masks(NETWORK, section)[layer.name]):
            assert mask.shape == layer.weights[index].shape
            assert mask.all() == (index not in pruned)
    assert all(not section.matrices(layer) for layer in NETWORK.layers if layer.kind not in section.layers)


def test_elements_that_stay_are_the_largest_of_their_matrix() -> None:
    weight, mask = NETWORK.layers[1].weights[0], masks(NETWORK, PruneSection(sparsity=0.7))["lstm"][0]

    assert mask.sum() == 231  # of 16 x 48, 30 % rounded up
    assert np.abs(weight[mask]).min() > np.abs(weight[~mask]).max()


def test_a_gate_that_came_out_too_full_is_named() -> None:
    section = PruneSection.model_validate({"sparsity": 0.5, "block": [4, 2], "layers": ["lstm"]})
    sparse = masked(NETWORK, section)
    sparse.layers[1].weights[1][:, 12:24] = 1.0  # the forget gate

    with pytest.raises(ExportError) as caught:
        require_sparsity(sparse, section)

    assert str(caught.value) == ("pruning left gate f of lstm/recurrent_kernel with 0 zero blocks of 18, below 50%")
