"""Baskets in a CSV file, and sections for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgernn.datasets import items_csv
from edgernn.datasets.item_sections import ItemsData
from edgernn.datasets.items import Basket

GOOD = "order,when,article\n" + "".join(
    f"o{order},{order},{code}\n"
    for order in range(40)
    for code in (("A1", "b1", "C", "d") if order % 2 else ("x", "A1", "y", "z"))
)


def section(**changes: object) -> ItemsData:
    keys = {"path": "i.csv", "basket": "order", "time": "when", "item": "article", "steps": 3, "vocabulary": 9}
    return ItemsData.model_validate({"source": "items", **keys, **changes})


def read(folder: Path, content: str = GOOD, **changes: object) -> list[Basket]:
    (folder / "i.csv").write_text(content)
    return items_csv.load(section(**changes), folder)


def shop_section(**changed: object) -> ItemsData:
    """A section for the baskets of `shop`."""
    return section(steps=8, vocabulary=200, split={"at_most": 400}, **changed)


def shop(seed: int, count: int, shuffled: bool = False) -> list[Basket]:
    """Baskets of items of one kind of twelve each, in random order; some items of every kind are rare.

    `shuffled`: the items of all baskets, dealt out again.
    """
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, 13)
    picked = [(rng.integers(10), rng.choice(12, 6, replace=False, p=share / share.sum())) for _ in range(count)]
    rows = [[f"k{kind}-{number}" for number in numbers] for kind, numbers in picked]
    if shuffled:
        flat = rng.permutation([code for row in rows for code in row])
        rows = [list(some) for some in np.split(flat, count)]
    return [Basket(str(i), i, tuple(row), f"row {i}") for i, row in enumerate(rows)]
