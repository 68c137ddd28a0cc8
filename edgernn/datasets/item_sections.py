"""The recipe's `data` section for baskets of items: what is taken next, given what was taken so far."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from edgernn.datasets.split_sections import Part, SharesSection
from edgernn.kinds import MOST_UNITS
from edgernn.network import Task
from edgernn.section import NULL_IS_EMPTY, Flag, Section, Whole

Column = Annotated[str, Field(min_length=1)]


class ItemSplitSection(SharesSection):
    """Baskets in order of time: the latest test, those before them validate, all earlier ones train.

    Shares are of the baskets. Of validation and of test, `at_most` so many are taken, at equal distances in time:
    outputs are a number for each item after each step, and those of every engine are compared. With `train`, that
    share just before validation trains, and what is older is left out.
    """

    train: Part | None = None

    at_most: Annotated[Whole, Field(gt=0)] = 500


class ItemOptions(Section):
    """How baskets become sequences of item numbers, whatever they are read from."""

    task: ClassVar[Task] = "next"

    source: str
    # the columns of baskets and of items' codes, in a file of data and in what `edgernn run` reads
    basket: Column = "basket"
    item: Column = "item"
    steps: Annotated[Whole, Field(gt=0, le=10_000)] = 16  # items of the longest sequence
    # the commonest items of the training baskets, with one entry for all others; the network has an output for each
    vocabulary: Annotated[Whole, Field(ge=2, le=MOST_UNITS)] = 2000
    # training reads baskets backwards, too: for what is taken together in any order, twice as much to learn from
    backwards: Flag = False
    repeats: Literal["drop", "keep"] = "drop"  # an item that the basket has already: left out, or asked for again
    least: Annotated[Whole, Field(ge=2)] = 2  # items that a basket needs
    short: Literal["refuse", "skip"] = "refuse"  # what happens to a basket that has fewer
    split: Annotated[ItemSplitSection, NULL_IS_EMPTY] = ItemSplitSection()


class ItemsData(ItemOptions):
    """Items of the user's own in one CSV file, a row an item; those of a basket are in order of time."""

    source: Literal["items"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    basket: Column  # what belongs together: a basket, a session, a customer
    time: Column  # a number, or a time as in 2026-01-31 13:00:00
    item: Column  # its code, kept as it is written

    @model_validator(mode="after")
    def _distinct(self) -> ItemsData:
        named = (self.basket, self.time, self.item)
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice:
            raise ValueError(f"has {twice} twice in basket, time and item; each is a column of its own")
        return self


class CatalogItems(ItemOptions):
    """Baskets of the catalog, by its name."""

    short: Literal["refuse", "skip"] = "skip"
