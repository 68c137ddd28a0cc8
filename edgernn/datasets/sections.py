"""The recipe's `data` section: where the windows come from and how they are split."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from edgernn.datasets.catalog import CATALOG
from edgernn.section import NULL_IS_EMPTY, Number, Section, Whole, nearest

READERS = ("csv", "npz")  # sources that read the user's own files; every other source is a catalog name


def _text(value: object) -> object:
    """Groups are names: `test: [8, 9]` means the groups "8" and "9"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


GroupName = Annotated[str, Field(min_length=1)]
Groups = tuple[GroupName, ...]
Column = Annotated[str, Field(min_length=1)]
Hertz = Annotated[Number, Field(ge=0)]


class SplitSection(Section):
    """Which groups are held out; no group is ever in two splits, and all others train.

    An empty `test` or `validation` is drawn with the recipe's seed: 15 % of the groups each, and at least one
    of every kind of group (a kind is the set of classes that a group has).
    """

    test: Groups = ()
    validation: Groups = ()
    exclude: Groups = ()  # in no split: as if they were not in the data
    calibration: Annotated[Whole, Field(gt=0)] = 256  # windows, drawn from the training windows

    @field_validator("test", "validation", "exclude", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return [_text(item) for item in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _disjoint(self) -> SplitSection:
        both = sorted(set(self.test) & set(self.validation))
        if both:
            raise ValueError(f"has the group {both[0]} in test and in validation; a group belongs to one split")
        return self


class WindowedData(Section):
    """A source of recordings, which are cut into windows of `window` samples."""

    source: str
    window: Annotated[Whole, Field(gt=0)]  # samples
    hop: Annotated[Whole, Field(gt=0)]  # samples between starts; test and validation; default: window
    train_hop: Annotated[Whole, Field(gt=0)]  # the same for training; default: hop
    every: Annotated[Whole, Field(gt=0)] = 1  # every n-th sample inside a window is kept
    split: Annotated[SplitSection, NULL_IS_EMPTY] = SplitSection()

    @model_validator(mode="before")
    @classmethod
    def _hops(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "window" not in values:
            return values
        hop = values.get("hop", values["window"])
        return {"hop": hop, "train_hop": hop, **values}

    @model_validator(mode="after")
    def _whole_steps(self) -> WindowedData:
        if self.window % self.every:
            raise ValueError(
                f"has window {self.window}, which is not a multiple of every {self.every}; change one of them"
            )
        return self


class CatalogData(WindowedData):
    """A dataset of the catalog, by its name."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        """Before all keys: those of another source would only be told to be unknown."""
        source = values.get("source") if isinstance(values, dict) else None
        if isinstance(source, str) and source not in CATALOG:
            raise ValueError(
                f"has the source {source!r}, which is not known{nearest(source, (*READERS, *CATALOG))}"
            )
        return values


class CsvData(WindowedData):
    """Recordings in one CSV file, or in all `*.csv` files below a folder."""

    source: Literal["csv"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]  # the channels
    label: Column  # a column, or `folder`: the name of the folder that holds the file
    group: Column = "file"  # a column, `file` or `folder`: what must not be in two splits
    series: Column | None = None  # a column that tells the recordings of one file apart
    rate_hz: Hertz = 0.0  # samples a second; 0 where there is no clock

    @model_validator(mode="after")
    def _distinct(self) -> CsvData:
        twice = sorted({c for c in self.columns if self.columns.count(c) > 1})
        if twice:
            raise ValueError(f"has the column {twice[0]} twice in columns")
        if self.label == self.group:
            raise ValueError(
                f"has {self.label} as label and as group; held-out groups would hold untrained classes"
            )
        return self


class NpzData(Section):
    """Windows that are already cut: arrays `x` [examples, steps, inputs], `y` [examples], `group` [examples].

    `group` is optional; without it every example is a group of its own.
    """

    source: Literal["npz"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    rate_hz: Hertz = 0.0  # steps a second; 0 where there is no clock
    split: Annotated[SplitSection, NULL_IS_EMPTY] = SplitSection()

    @model_validator(mode="before")
    @classmethod
    def _no_windows(cls, values: Any) -> Any:
        given = [k for k in ("window", "hop", "train_hop", "every") if isinstance(values, dict) and k in values]
        if given:
            raise ValueError(f"has {given[0]}, but the windows of an npz are already cut; remove it")
        return values


def _kind(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return source if source in READERS else "catalog"


DataSection = CatalogData | CsvData | NpzData
DataField = Annotated[
    Annotated[CatalogData, Tag("catalog")] | Annotated[CsvData, Tag("csv")] | Annotated[NpzData, Tag("npz")],
    Discriminator(_kind),
]
