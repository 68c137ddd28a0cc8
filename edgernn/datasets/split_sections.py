"""The recipe's `data.split` section: by groups that it names, or by shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from edgernn.section import Number, Section, Whole


def _text(value: object) -> object:
    """Groups are names: `test: [8, 9]` means the groups "8" and "9"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


GroupName = Annotated[str, Field(min_length=1)]
Groups = tuple[GroupName, ...]
Part = Annotated[Number, Field(gt=0, lt=1)]


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


class SharesSection(Section):
    """What is held out as shares of all there is; the rest trains."""

    validation: Part = 0.15
    test: Part = 0.15
    calibration: Annotated[Whole, Field(gt=0)] = 256  # examples, drawn from the training examples

    @model_validator(mode="after")
    def _leaves_train(self) -> SharesSection:
        if self.validation + self.test > 0.9:
            raise ValueError(
                f"has validation {self.validation:g} and test {self.test:g}, which leave train too little"
            )
        return self
