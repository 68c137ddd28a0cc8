"""The recipe's `data` section of spoken words: the user's recordings, or words that espeak-ng says."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator, field_validator, model_validator

from edgernn.datasets.split_sections import SplitSection
from edgernn.decide.words import QUIET
from edgernn.network import Task
from edgernn.section import LIST_OR_ONE, NULL_IS_EMPTY, Number, Section, Whole

UNKNOWN, SILENCE = QUIET  # the classes that are no word
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")  # those of Speech Commands

Decibels = Annotated[Number, Field(ge=-60, le=100)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Word = Annotated[str, Field(min_length=1)]


class NoiseSection(Section):
    """What is mixed into every example; levels are against the speech while it sounds."""

    snr_db: tuple[Decibels, Decibels] = (5.0, 20.0)  # drawn evenly between these two
    test_snr_db: Decibels | None = None  # of the test split, exactly; default: drawn as well

    @field_validator("snr_db", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError(f"must be [lowest, highest] in dB, as in [5, 20], not {value!r}")
        return tuple(value)

    @model_validator(mode="after")
    def _rising(self) -> NoiseSection:
        if self.snr_db[0] > self.snr_db[1]:
            raise ValueError(f"has snr_db {list(self.snr_db)}, whose lowest is above its highest; swap them")
        return self


def _unknown(value: object) -> tuple[str, ...] | float:
    if isinstance(value, list | tuple):
        if not all(isinstance(name, str) and name for name in value):
            raise ValueError(f"must be a list of labels, or a share, not {value!r}")
        if SILENCE in value:
            raise ValueError(f"has {SILENCE}, which is a class of its own; remove it")
        return tuple(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise ValueError(f"must be a list of labels, or a share of all examples below 1, not {value!r}")


class SpeechData(Section):
    """Windows of `context` and `seconds` of sound that are classified by the word in their last `seconds`.

    `context` is sound before the word, in which another word may end: what a network meets that is never reset.
    """

    task: ClassVar[Task] = "classify"

    source: str
    seconds: Annotated[Number, Field(gt=0, le=30)] = 1.0  # of a clip; longer ones keep their loudest part
    context: Annotated[Number, Field(ge=0, le=30)] = 0.0
    words: tuple[Word, ...] = ()  # the classes, in that order; default: all labels that are not pooled as unknown
    # other labels pooled as one class: which, or the share of all examples that is drawn of those not in `words`;
    # what is neither a word nor pooled is left out
    unknown: Annotated[tuple[str, ...] | float, PlainValidator(_unknown), LIST_OR_ONE] = 0.0
    silence: Share = 0.0  # of all examples: noise alone; 0: there is no such class, unless it is recorded
    noise: Annotated[NoiseSection, NULL_IS_EMPTY] | None = NoiseSection()  # null: nothing is mixed in
    # of every training clip, each with its own place in the window, level and noise, drawn once
    copies: Annotated[Whole, Field(gt=0, le=100)] = 3
    shift: Annotated[Number, Field(ge=0, le=1)] = 0.1  # seconds; how far a training clip is moved, either way
    # how much a training clip is slowed down or sped up, with its pitch and its formants: a larger or smaller mouth
    speed: Annotated[Number, Field(ge=0, lt=0.5)] = 0.0
    gain_db: Annotated[Number, Field(ge=0, le=40)] = 6.0  # how much louder or softer a training clip gets
    split: Annotated[SplitSection, NULL_IS_EMPTY] = SplitSection()

    @field_validator("words")
    @classmethod
    def _own_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        taken = next((word for word in value if word in (UNKNOWN, SILENCE) or value.count(word) > 1), None)
        if taken is not None:
            raise ValueError(f"has {taken}, which is a class of its own, or there twice; remove it")
        return value

    @model_validator(mode="after")
    def _classes(self) -> SpeechData:
        if self.silence and self.noise is None:
            raise ValueError("has silence, which is noise alone, and noise: null; remove one of them")
        if isinstance(self.unknown, float) and self.unknown + self.silence >= 1:
            raise ValueError("has unknown and silence, which leave no share for the words; lower one of them")
        both = next((name for name in self.words if isinstance(self.unknown, tuple) and name in self.unknown), None)
        if both is not None:
            raise ValueError(f"has {both} in words and in unknown; remove one of them")
        return self


class AudioData(SpeechData):
    """Recordings in a folder for each label, `<path>/<label>/*.wav` (or .flac), as Speech Commands has them."""

    source: Literal["audio"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder


class SpokenWordsData(SpeechData):
    """Words that espeak-ng says in many voices; those of validation and test do not train."""

    source: Literal["spoken_words"]
    # that train; validation and test have a third of that, as far as there are so many
    voices: Annotated[Whole, Field(ge=4, le=370)] = 370
    words: tuple[Word, ...] = COMMANDS

    @model_validator(mode="after")
    def _share_only(self) -> SpokenWordsData:
        if isinstance(self.unknown, tuple):
            raise ValueError("has a list as unknown; of spoken words give the share of all examples, as in 0.25")
        if not self.words:
            raise ValueError("has no words; name those to recognise, or leave words out")
        if len(self.words) == 1 and not self.unknown and not self.silence:
            raise ValueError(f"has one class only ({self.words[0]}); add a word, or set unknown or silence")
        if self.split.test or self.split.validation or self.split.exclude:
            raise ValueError("has split.test, validation or exclude; its voices are split already, remove them")
        return self
