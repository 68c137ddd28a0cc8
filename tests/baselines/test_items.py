"""Baselines of what is taken next: counted in another way, and none of them knows what it is asked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from item_files import shop, shop_section

from edgernn import baselines
from edgernn.baselines import items
from edgernn.baselines.items import Settings
from edgernn.datasets.items import split
from edgernn.datasets.splits import Splits
from edgernn.metric import METRICS

RECALL = METRICS["recall_at_20"]
DATA = shop_section()


def evaluated(splits: Splits) -> dict[str, float]:
    found = baselines.evaluate(["item_to_item", "most_popular"], splits, DATA, RECALL, 0)
    return {one.name: one.value for one in found}


def test_pairs_are_counted_by_their_distance() -> None:
    made = split(shop(0, 60), DATA, 0).train
    wanted: Counter[tuple[int, int]] = Counter()
    for x, y, length in zip(made.x[:, :, 0].astype(int), made.y, made.real, strict=True):
        codes = [*x[:length], max(0, y[length - 1])]
        for i, first in enumerate(codes):
            for j, second in enumerate(codes):
                if i != j and first and second:
                    wanted[first, second] += 0.5 ** (abs(i - j) - 1)
    found = items.together(made, 200, 0.5)
    assert {pair: found[pair] for pair in zip(*map(np.ndarray.tolist, np.nonzero(found)), strict=True)} == (
        pytest.approx(dict(wanted))
    )


def test_scores_are_sums_over_what_the_basket_has() -> None:
    made = split(shop(1, 80), DATA, 0)
    pairs, often = items.together(made.train, 200, 1.0), items.taken(made.train.y, 200)
    found = items.scores(pairs, often, made.test, Settings(1.0, 0.25, 0.5))
    basket = made.test.x[0, :3, 0].astype(int)
    often = np.maximum(often, 1)
    wanted = sum(0.5 ** (2 - i) * pairs[item] / often[item] ** 0.5 / often**0.25 for i, item in enumerate(basket))
    np.testing.assert_allclose(found[0, 2, 1:], wanted[1:], rtol=1e-5)
    assert (found[:, :, 0] == items.NEVER).all()


def test_what_is_taken_together_tells_what_comes_next_and_popularity_does_not() -> None:
    """Of twelve items of its kind, at most eleven are left: twenty hold them all."""
    found = evaluated(split(shop(2, 900), DATA, 0))
    assert found["item_to_item"] == 1
    assert found["most_popular"] < 0.5


def test_of_items_dealt_out_at_random_nothing_tells_more_than_popularity() -> None:
    """Were the next item known from anywhere, it would be here."""
    found = evaluated(split(shop(3, 900, shuffled=True), DATA, 0))
    assert found["item_to_item"] < found["most_popular"] + 0.02


def test_what_a_basket_has_is_no_candidate() -> None:
    """The twenty most popular, less those that are taken: the recall is that of lists made by hand."""
    made = split(shop(4, 300), DATA, 0)
    counts = items.taken(np.concatenate([made.train.y, made.validation.y]), len(made.labels))
    order = sorted(range(1, len(made.labels)), key=lambda number: (-counts[number], number))
    hits = []
    for x, y in zip(made.test.x[:, :, 0].astype(int), made.test.y, strict=True):
        for step in np.flatnonzero(y >= 0):
            hits.append(y[step] in [number for number in order if number not in x[: step + 1]][:20])
    assert evaluated(made)["most_popular"] == pytest.approx(np.mean(hits))
