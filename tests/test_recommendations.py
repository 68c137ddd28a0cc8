"""Lists of what comes next: what they hold, what they share, and that those of C are the definition's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from item_files import read, section
from networks import random_network

from edgernn import recommendations, reference
from edgernn.cases import cases
from edgernn.datasets.items import split
from edgernn.decide import TopRule
from edgernn.quantize import quantize
from edgernn.targets import Combination, target


@pytest.mark.parametrize("rule", [TopRule(2), TopRule(3, exclude_seen=False)])
def test_lists_are_held_to_what_came(rule: TopRule, tmp_path: Path) -> None:
    splits = split(read(tmp_path), section(), 0)
    test, size = splits.test, len(splits.labels)
    cells = (("embedding", {"entries": size, "units": 5}), ("gru", 6))
    network = random_network(seed=1, inputs=1, cells=cells, outputs=size, every_step=True)
    network = replace(
        network, task="next", labels=splits.labels, vocabulary=splits.vocabulary, decide=rule, steps=3
    )
    model = quantize(network, splits.calibration.filled().astype(np.float64), "int16", "tensor")
    combination = Combination("c", "step", "int8")
    target("c").export(network, model, "step", "int8", tmp_path)
    wanted = reference.float_outputs(network, test.x)
    found = recommendations.measured(rule, test, wanted, cases([combination], ("c",), tmp_path))
    floats, c = found["results"]
    asked = [(i, step) for i in range(len(test)) for step in range(3) if test.y[i, step] >= 0]
    hits = []
    for i, step in asked:
        taken = {0, *(test.x[i, : step + 1, 0].astype(int) if rule.exclude_seen else ())}
        able = [number for number in range(size) if number not in taken]
        hits.append(test.y[i, step] in sorted(able, key=lambda n: (-wanted[i, step, n], n))[: rule.count])
    assert (floats["artifact"], floats["recall"]) == ("network", np.mean(hits))
    assert (c["artifact"], c["engine"], c["equals_definition"]) == ("c/int8", "c", 1)
    assert 0.8 < c["overlap"] <= 1
    assert c["same"] <= c["overlap"]
    assert (found["asked"], found["unknown_share"]) == (len(asked), 0)


def test_what_is_not_in_the_vocabulary_is_counted(tmp_path: Path) -> None:
    """Of each basket's three next items, by hand: with the three commonest codes, one or two are known."""
    test = split(read(tmp_path), section(vocabulary=4), 0).test
    assert recommendations.unknown(test) == pytest.approx(np.mean([y < 0 for row in test.y for y in row]))
    assert 0 < recommendations.unknown(test) < 1
