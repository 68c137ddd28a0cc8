"""The recipe's `decide` section: which rule makes decisions of outputs, and its numbers. See `edgernn.decide`."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from edgernn.decide import RULES, AlarmRule, SampleRule, TopRule, WordRule
from edgernn.decide.alarm import LONGEST as LONGEST_SUM
from edgernn.decide.sample import TEMPERATURES
from edgernn.decide.words import LONGEST
from edgernn.section import Flag, Number, Section, Whole, nearest


class WordsSection(Section):
    """How outputs along a stream of sound become words, all in steps."""

    rule: Literal["words"] = "words"
    smooth: Annotated[Whole, Field(gt=0, le=LONGEST)] = 10  # steps whose posteriors are averaged
    # of the mean posterior of a word; `auto` finds it on a stream of the validation split's speakers
    threshold: Annotated[Number, Field(gt=0, lt=1)] | Literal["auto"] = "auto"
    # `auto` then finds the most words that it can with no more; without it, a false accept is as bad as a miss
    false_accepts_per_hour: Annotated[Number, Field(ge=0)] | None = None
    refractory: Annotated[Whole, Field(ge=0, le=100_000)] = 25  # steps after a decision that have none
    minutes: Annotated[Number, Field(gt=0, le=600)] = 12.0  # of the streams that it is chosen and measured on

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        """Before all keys: those of another rule would only be told to be unknown."""
        name = values.get("rule", WordRule.NAME) if isinstance(values, dict) else WordRule.NAME
        if name not in RULES:
            raise ValueError(f"has the rule {name!r}, which is not known{nearest(str(name), RULES)}")
        return values

    @model_validator(mode="after")
    def _told_apart(self) -> WordsSection:
        limit = self.false_accepts_per_hour
        if limit is None:
            return self
        if self.threshold != "auto":
            raise ValueError("has a threshold and false_accepts_per_hour, which chooses one; remove one")
        if 0 < limit * self.minutes < 60:
            raise ValueError(
                f"has {self.minutes:g} minutes, in which one false accept is {60 / self.minutes:g} an hour: more "
                f"than false_accepts_per_hour {limit:g}; ask for at least {math.ceil(60 / limit)} minutes"
            )
        return self


class AlarmSection(Section):
    """How forecasts along a stream become alarms; see `edgernn.decide.alarm`."""

    rule: Literal["alarm"]
    smooth: Annotated[Whole, Field(gt=0, le=LONGEST_SUM)] = 20  # frames whose errors are added up
    # the mean distance of these frames from their forecasts, in the unit of the series; `auto` is `margin` times
    # the largest along the validation frames, those without an anomaly
    threshold: Annotated[Number, Field(gt=0)] | Literal["auto"] = "auto"
    margin: Annotated[Number, Field(ge=1, le=1000)] = 1.5
    # steps below the threshold after which there can be another alarm: what lasts is told once
    refractory: Annotated[Whole, Field(gt=0, le=100_000)] = 40


class SampleSection(Section):
    """How scores of the next token become one that is drawn."""

    rule: Literal["sample"]
    temperature: Annotated[Number, Field(ge=TEMPERATURES[0], le=TEMPERATURES[1])] = (
        1.0  # below 1 the likely ones become likelier
    )
    top_k: Annotated[Whole, Field(ge=0, le=1000)] = 0  # only so many of the likeliest are drawn; 0: all
    # of the samples in the report, which the float network and the int8 C write side by side
    prompts: Annotated[tuple[str, ...], Field(max_length=10)] = ("",)
    length: Annotated[Whole, Field(gt=0, le=10_000)] = 300  # tokens after the prompt
    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0

    def chosen(self) -> SampleRule:
        """The rule that the section asks for."""
        return SampleRule(self.temperature, self.top_k)


class TopSection(Section):
    """How scores of what comes next become a list of the likeliest."""

    rule: Literal["top"]
    count: Annotated[Whole, Field(gt=0, le=100)] = 20
    exclude_seen: Flag = True  # what a basket has already is no candidate; with data.repeats: keep it must be false

    def chosen(self) -> TopRule:
        """The rule that the section asks for."""
        return TopRule(self.count, self.exclude_seen)


def _rule(value: Any) -> str:
    name = value.get("rule", WordRule.NAME) if isinstance(value, dict) else getattr(value, "rule", WordRule.NAME)
    return name if name in RULES else WordRule.NAME


StreamedSection = WordsSection | AlarmSection  # whose rules are chosen and measured along streams
DecideSection = WordsSection | AlarmSection | SampleSection | TopSection
DecideField = Annotated[
    Annotated[WordsSection, Tag(WordRule.NAME)]
    | Annotated[AlarmSection, Tag(AlarmRule.NAME)]
    | Annotated[SampleSection, Tag(SampleRule.NAME)]
    | Annotated[TopSection, Tag(TopRule.NAME)],
    Discriminator(_rule),
]
