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
from edgernn.recipe import Recipe
from edgernn.train import fitting, models
from edgernn.train.backend import tf
from edgernn.train.learner import Learner
from edgernn.train.objective import FAR_BELOW
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


@pytest.mark.parametrize(("repeats", "left_out"), [("drop", True), ("keep", False)])
def test_training_leaves_out_what_is_no_answer(repeats: str, *, left_out: bool) -> None:
    splits = split(shop(5, 300, shuffled=False), shop_section(repeats=repeats), 0)
    recipe = sample.recipe(layers=LAYERS, epochs=1)
    network = fitting.untrained(recipe, splits)
    learner = Learner(models.every_step_model(network), network, recipe.train, 0)
    fitting.run("train", recipe, learner, network, splits)
    x = tf.constant(splits.validation.x[:4])
    candidates = learner._candidates(learner.averaged(x), x).numpy()
    seen = splits.validation.x[:4, 0, 0].astype(int)
    assert all((candidates[row, :, item] < -FAR_BELOW / 2).all() == left_out for row, item in enumerate(seen))


def test_baskets_in_segments_are_refused() -> None:
    recipe = sample.recipe().model_dump(mode="json", exclude_unset=True)
    stack = [{"embedding": {"units": 8}}, {"gru": {"units": 8}}, {"dense": {}}]
    recipe |= {"data": {"source": "online_retail"}, "network": {"layers": stack}, "train": {"truncate": 4}}
    with pytest.raises(ValueError, match=r"has train\.truncate and data\.repeats: drop"):
        Recipe.model_validate(recipe)
