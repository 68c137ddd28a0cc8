"""What a recipe cannot ask, in one line, from the shapes of the layers alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sparsity import sample

from edgernn.errors import InputError
from edgernn.network import Layer
from edgernn.prune import refuse_misfit
from edgernn.train_sections import PruneSection

LAYERS: tuple[Layer, ...] = tuple(
    replace(layer, weights=())
    for layer in (
        sample.layer("gru", 6, units=16),
        sample.layer("gru_2", 16, units=12),
        sample.layer("dense", 12, units=7),
    )
)
ELSE = "or leave the layer out of prune.layers"


def section(**keys: object) -> PruneSection:
    return PruneSection.model_validate({"sparsity": 0.5, "layers": ["gru"], **keys})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"block": [8, 2]}, f"prune.block: 8 rows do not divide the 12 units of gru_2; use 2 or 4, {ELSE}"),
        (
            {"block": [8, 2], "layers": ["gru_2"]},
            f"prune.block: 8 rows do not divide the 12 units of gru_2; use 4 or 6, {ELSE}",
        ),
        (
            {"block": [7, 4], "layers": ["dense", "gru"]},
            f"prune.block: 7 rows do not divide the 16 units of gru; use 1, {ELSE}",
        ),
        ({"block": [4, 4]}, f"prune.block: 4 inputs do not divide the 6 inputs of gru/kernel; use 2, {ELSE}"),
        (
            {"block": [4, 2], "sparsity": 0.8, "layers": ["gru_2"]},
            "prune.block: the blocks of 4x2 on the diagonal of gate z of gru_2/recurrent_kernel are 33% of it and "
            "stay, but only 20% may; use smaller blocks",
        ),
        (
            {"block": [4, 2], "density": {"r": 0.1}},
            "prune.block: the blocks of 4x2 on the diagonal of gate r of gru/recurrent_kernel are 25% of it and "
            "stay, but only 10% may; use smaller blocks",
        ),
        (
            {"block": [1, 1], "density": {"o": 0.5}},
            "prune.density.o: no pruned layer has a gate o; their gates: g, r, z",
        ),
        (
            {"block": [1, 1], "density": {"o": 0.5}, "layers": ["dense"]},
            "prune.density.o: no pruned layer has a gate o; their gates: none",
        ),
        (
            {"layers": ["gru", "gru_3"]},
            "prune.layers has gru_3, which the network does not have; it has gru, gru_2, dense",
        ),
        ({"layers": ["lstm"]}, "prune.layers: the network has no matrix to prune in lstm; name other layers"),
    ],
)
def test_a_misfit_is_told_in_one_line(keys: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        refuse_misfit(section(**keys), LAYERS)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"block": [4, 2]},
        {"block": [2, 1], "sparsity": 0.8, "density": {"r": 1.0}},
        {"block": [6, 4], "layers": ["gru_2"], "sparsity": 0.4},
        {"layers": ["lstm", "dense"]},
        {"layers": ["gru_2"], "sparsity": 0.99},
    ],
)
def test_what_fits_passes(keys: dict[str, object]) -> None:
    refuse_misfit(section(**keys), LAYERS)
