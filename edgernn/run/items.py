"""What comes next after every item of baskets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import recipe
from edgernn.datasets import items_csv
from edgernn.datasets.item_sections import CatalogItems, ItemsData
from edgernn.decide import TopRule
from edgernn.decide.top import NOTHING, top_after
from edgernn.folder import BuildFolder
from edgernn.network import Network, Vocabulary
from edgernn.run.meaning import told
from edgernn.run.model import whole


@dataclass
class Basket:
    """What counts of a basket: the numbers of its last items, and where these come once, of all it has had."""

    read: deque[int]
    taken: set[int] = field(default_factory=set)

    def take(self, number: int, once: bool) -> None:
        """Read an item; one that comes `once` and was taken before is not read again. 0 are all unknown ones."""
        if number not in self.taken:
            self.read.append(number)
        if once and number:
            self.taken.add(number)


def decisions(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, source: Path
) -> Iterator[dict[str, Any]]:
    """What comes next after every row, from its basket so far: the last items, as many as the network has steps.

    Rows of baskets may be mixed. What a basket has already is read again only where that counts.
    """
    with closing(items_csv.rows(source, _basket(paths), network.channels[0])) as rows:
        yield from _of_rows(paths, network, vocabulary, rows)


def _basket(paths: BuildFolder) -> str:
    """The column of baskets in the recipe of a build."""
    data = recipe.load(paths.recipe).data
    assert isinstance(data, ItemsData | CatalogItems)
    return data.basket


def _of_rows(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, rows: Iterator[items_csv.Row]
) -> Iterator[dict[str, Any]]:
    run, rule = whole(paths), network.decide
    once = isinstance(rule, TopRule) and rule.exclude_seen
    baskets: dict[str, Basket] = {}
    for row in rows:
        basket = baskets.setdefault(row.basket, Basket(deque(maxlen=network.steps)))
        basket.take(vocabulary.numbers.get(row.item, 0), once)
        output = run(np.array(basket.read, np.float32)[:, None])
        found = told(network, output)
        if isinstance(rule, TopRule):
            best = top_after(output, rule, np.array([*basket.taken], np.int64))
            found = {"next": [network.labels[i] for i in best if i != NOTHING]}
        yield {"row": row.number, "basket": row.basket, "item": row.item} | found
