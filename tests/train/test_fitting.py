"""What a network is before it is trained: it carries what makes its frames."""

from __future__ import annotations

import numpy as np

from edgernn.datasets.splits import Split, Splits
from edgernn.network import Channel, Times
from edgernn.recipe import Recipe
from edgernn.train import fitting

RECIPE = {
    "name": "meter",
    "data": {"source": "series", "path": "m.csv", "columns": ["load"], "forecast": "load", "window": 4},
    "network": {"layers": [{"gru": {"units": 2}}, {"dense": {}}]},
}


def test_a_network_carries_what_makes_its_frames() -> None:
    rng = np.random.default_rng(0)
    part = Split(rng.normal(size=(9, 4, 2)).astype(np.float32), np.zeros((9, 1), np.float32), np.array(["a"] * 9))
    encoding = (Channel("load", "measured", "load"), Channel("load 3 before", "lag", "load", frames=3))
    names = tuple(one.name for one in encoding)
    made = {"encoding": encoding, "times": Times("when", 60.0), "every": 5, "hold": 2}
    splits = Splits(part, part, part, part, ("load +1",), names, task="regress", **made)
    network = fitting.untrained(Recipe.model_validate(RECIPE), splits)
    assert (network.encoding, network.times, network.every, network.hold) == (*made.values(),)
    np.testing.assert_allclose(network.mean, part.x.reshape(-1, 2).mean(axis=0), atol=1e-6)
