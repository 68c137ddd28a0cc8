"""What comes next after every item of baskets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
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


def decisions(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, source: Path
) -> Iterator[dict[str, Any]]:
    """What comes next after every row. What its basket has already is read again only where that counts."""
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
    taken: list[int] = []
    basket = None
    for row in rows:
        taken = taken if row.basket == basket else []
        basket, number = row.basket, vocabulary.numbers.get(row.item, 0)
        if not (once and number and number in taken):
            taken.append(number)
        seen = np.array(taken)
        output = run(seen.astype(np.float32)[:, None])
        found = told(network, output)
        if isinstance(rule, TopRule):
            found = {"next": [network.labels[i] for i in top_after(output, rule, seen) if i != NOTHING]}
        yield {"row": row.number, "basket": row.basket, "item": row.item} | found
