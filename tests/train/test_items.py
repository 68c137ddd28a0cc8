"""A network on baskets: it learns what is taken together, and where nothing is, no more than what all take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from item_files import shop, shop_section

from edgernn import baselines, reference
from edgernn import train as training
from edgernn.datasets.items import split
from edgernn.metric import METRICS, Judge
from train import sample

LAYERS: list[dict[str, object]] = [
    {"embedding": {"entries": 121, "units": 16}},
    {"gru": {"units": 24}},
    {"dense": {}},
]
RECALL = METRICS["recall_at_20"]


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_network_knows_what_is_taken_together_and_nothing_else(tmp_path: Path, *, shuffled: bool) -> None:
    splits = split(shop(5, 900, shuffled), shop_section(), 0)
    recipe = sample.recipe(layers=LAYERS, epochs=12, learning_rate=0.01, loss_from=0)
    network = training.fit(recipe, splits, tmp_path, quiet=True)
    outputs, test = reference.float_outputs(network, splits.test.x), splits.test
    found = Judge(RECALL).measure(outputs, outputs, test.y, taken=test.taken)["metric"]
    (popular,) = baselines.evaluate(["most_popular"], splits, shop_section(), RECALL, 0)
    if shuffled:
        assert found < popular.value + 0.03
    else:
        assert found > 0.97 > 2 * popular.value
    assert np.isfinite(outputs).all()
