"""The recipe's `data` section: where the windows come from and how they are split."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from edgernn.datasets.audio_sections import AudioData, SpokenWordsData
from edgernn.datasets.catalog import CATALOG
from edgernn.datasets.event_sections import CatalogEvents, EventsData
from edgernn.datasets.item_sections import CatalogItems, ItemsData
from edgernn.datasets.parallel_text_sections import CatalogParallelText, FileParallelText
from edgernn.datasets.running_text_sections import CatalogRunningText, FileRunningText
from edgernn.datasets.split_sections import SharesSection, SplitSection
from edgernn.features import calendar
from edgernn.network import Cycle, Keep, Task, Tokens
from edgernn.section import NULL_IS_EMPTY, Flag, Number, Section, Whole, nearest

# sources that read the user's own files
READERS = ("csv", "npz", "series", "text", "running_text", "parallel_text", "audio", "events", "items")
GENERATED = ("sine", "spoken_words")  # sources that make their data; every other source is a catalog name


Column = Annotated[str, Field(min_length=1)]
Hertz = Annotated[Number, Field(ge=0)]
Hold = Annotated[Whole, Field(ge=0, le=1000)]


def _refuse_twice(columns: tuple[str, ...]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise ValueError(f"has the column {twice[0]} twice in columns")


class WindowedData(Section):
    """A source of recordings, which are cut into windows of `window` samples."""

    task: ClassVar[Task] = "classify"

    source: str
    window: Annotated[Whole, Field(gt=0)]  # samples
    hop: Annotated[Whole, Field(gt=0)]  # samples between starts; test and validation; default: window
    train_hop: Annotated[Whole, Field(gt=0)]  # the same for training; default: hop
    every: Annotated[Whole, Field(gt=0)] = 1  # every n-th sample inside a window is kept
    # a recording that is shorter than a window: leave it out, or let it be one whose padding changes nothing
    short: Literal["skip", "pad"] = "skip"
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
            known = (*READERS, *GENERATED, *CATALOG)
            raise ValueError(f"has the source {source!r}, which is not known{nearest(source, known)}")
        return values


class CsvData(WindowedData):
    """Recordings in one CSV file, or in all `*.csv` files below a folder."""

    source: Literal["csv"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]  # the channels
    label: Column  # a column, or `folder`: the name of the folder that holds the file
    group: Column = "file"  # a column, `file` or `folder`: what must not be in two splits
    series: Column | None = None  # a column that tells the recordings of one file apart
    hold: Hold = 0  # rows for which an empty cell takes the value before
    rate_hz: Hertz = 0.0  # samples a second; 0 where there is no clock

    @model_validator(mode="after")
    def _distinct(self) -> CsvData:
        _refuse_twice(self.columns)
        if self.label == self.group:
            raise ValueError(
                f"has {self.label} as label and as group; held-out groups would hold untrained classes"
            )
        return self


class NpzData(Section):
    """Windows that are already cut: arrays `x` [examples, steps, inputs], `y` [examples], `group` [examples].

    `group` is optional; without it every example is a group of its own. So is `lengths` [examples]: how many steps
    of each are its own, before padding of any kind.
    """

    task: ClassVar[Task] = "classify"

    source: Literal["npz"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    rate_hz: Hertz = 0.0  # steps a second; 0 where there is no clock
    split: Annotated[SplitSection, NULL_IS_EMPTY] = SplitSection()

    @model_validator(mode="before")
    @classmethod
    def _no_windows(cls, values: Any) -> Any:
        given = [
            k for k in ("window", "hop", "train_hop", "every", "short") if isinstance(values, dict) and k in values
        ]
        if given:
            raise ValueError(f"has {given[0]}, but the windows of an npz are already cut; remove it")
        return values


class TimeSplitSection(SharesSection):
    """A series is split in order of time: first train, then validation, then test; shares are of the frames.

    No frame is in two splits: a window, with what comes after it, lies within one of them. With `given` the test is
    what the data itself keeps for it, and the share of validation that of the other frames.
    """

    by: Literal["time", "given"] = "time"


def lag_channel(target: str, lag: int) -> str:
    """The name of the channel that holds the target's value `lag` frames before."""
    return f"{target} {lag} before"


class ForecastData(Section):
    """Windows of a series, and the `horizon` frames of one channel that come after each."""

    task: ClassVar[Task] = "regress"

    source: str
    window: Annotated[Whole, Field(gt=1)]  # frames
    horizon: Annotated[Whole, Field(gt=0)] = 1  # frames ahead; the network has one output for each
    hop: Annotated[Whole, Field(gt=0)] = 1  # frames between the starts of windows
    train_hop: Annotated[Whole, Field(gt=0)]  # the same for training; default: hop
    # channels beside the measured ones: sine and cosine of the time of day, of the week, of the year
    calendar: tuple[Cycle, ...] = ()
    season: Annotated[Whole, Field(gt=0)] | None = None  # frames after which the series repeats itself
    # channels beside the measured ones: the target so many frames before, which a device keeps in a ring
    lags: tuple[Annotated[Whole, Field(gt=0)], ...] = ()
    split: Annotated[TimeSplitSection, NULL_IS_EMPTY] = TimeSplitSection()

    @model_validator(mode="before")
    @classmethod
    def _hops(cls, values: Any) -> Any:
        return {"train_hop": values.get("hop", 1), **values} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _repeats_within(self) -> ForecastData:
        if len({*self.calendar}) < len(self.calendar):
            raise ValueError(f"has a cycle twice in calendar: {', '.join(self.calendar)}")
        lagged = self.season is not None and self.season - self.horizon in self.lags and self.horizon <= self.window
        if self.season is not None and self.season > self.window and not lagged:
            raise ValueError(
                f"has season {self.season}, which is longer than window {self.window}; lengthen the window, or add "
                f"{self.season - self.horizon} to lags"
            )
        return self

    @property
    def target(self) -> str:
        """The channel that is forecast."""
        raise NotImplementedError


class SeriesData(ForecastData):
    """A series in one CSV file, a row a frame in order of time."""

    source: Literal["series"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]  # the channels
    forecast: Column  # one of them
    time: Column | None = None  # a column of times, as in 2026-01-31 13:00:00
    anomaly: Column | None = None  # a column of 1 where a frame is known to be abnormal, else 0
    # whether windows and lags may reach across missing rows, and where times are irregular by nature
    across_gaps: Flag = False
    # rows for which an empty cell, or a row that is missing from these times, takes the value before
    hold: Hold = 0
    rate_hz: Hertz = 0.0  # frames a second; 0 where there is no clock

    @model_validator(mode="after")
    def _known_columns(self) -> SeriesData:
        _refuse_twice(self.columns)
        if self.forecast not in self.columns:
            raise ValueError(
                f"has forecast {self.forecast}, which is not in columns{nearest(self.forecast, self.columns)}"
            )
        if self.calendar and self.time is None:
            raise ValueError("has calendar and no time; name the column of times")
        if self.across_gaps and self.time is None:
            raise ValueError("has across_gaps and no time, which tells where gaps are; name the column of times")
        if self.anomaly in self.columns:
            raise ValueError(f"has the column {self.anomaly} as anomaly and in columns; no device can read labels")
        if self.split.by == "given":
            raise ValueError("has split.by: given, which only data of the catalog can have; use time")
        return self

    @model_validator(mode="after")
    def _no_name_twice(self) -> SeriesData:
        """Whoever runs the network tells by a column's name whether it is there or to be made."""
        made = [one.name for one in calendar.channels(self.calendar, "")]
        made += [lag_channel(self.forecast, lag) for lag in self.lags]
        taken = next((name for name in made if name in self.columns), None)
        if taken:
            raise ValueError(f"has the column {taken}, and makes a channel of that name; rename the column")
        return self

    @property
    def target(self) -> str:
        return self.forecast


class CatalogSeries(ForecastData):
    """A series of the catalog, by its name; it has one channel."""

    @model_validator(mode="after")
    def _known_test(self) -> CatalogSeries:
        if self.split.by == "given" and not CATALOG[self.source].held_out:
            raise ValueError(f"has split.by: given, and {self.source} names no test frames; use time")
        return self

    @property
    def target(self) -> str:
        return CATALOG[self.source].series


class SineData(ForecastData):
    """A sine whose period and amplitude change slowly, with a little noise: for learning."""

    source: Literal["sine"]
    frames: Annotated[Whole, Field(ge=1000, le=1_000_000)] = 20_000
    noise: Annotated[Number, Field(ge=0, le=1)] = 0.005  # standard deviation

    @model_validator(mode="after")
    def _no_clock(self) -> SineData:
        if self.calendar:
            raise ValueError("has calendar, and a sine has no times; remove it")
        if self.split.by == "given":
            raise ValueError("has split.by: given, which only data of the catalog can have; use time")
        return self

    @property
    def target(self) -> str:
        return "sine"


SeriesSection = CatalogSeries | SeriesData | SineData


class TextSplitSection(SharesSection):
    """Shares of the groups, or where there are none of the texts, of every label alike.

    Texts with the same words are in one split. The draw has a seed of its own: builds of one recipe with other
    seeds are held to the same test split.
    """

    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0


class TextData(Section):
    """Texts, each with a label; a network reads the numbers of their words, one a step."""

    task: ClassVar[Task] = "classify"

    source: str
    tokens: Tokens = "words"
    vocabulary: Annotated[Whole, Field(ge=2, le=32_767)] = 4000  # the commonest tokens of the training texts
    steps: Annotated[Whole, Field(gt=0, le=10_000)] = 48  # tokens; a longer text is cut
    keep: Keep = "start"  # which end of it stays
    empty: Literal["refuse", "skip"] = "refuse"  # a text without a single token
    # <unk> in front of a shorter text, so that all have `steps`: what a bidirectional layer needs
    pad: Flag = False
    split: Annotated[TextSplitSection, NULL_IS_EMPTY] = TextSplitSection()


class FileText(TextData):
    """The user's own texts: a CSV file with a header, or JSON lines where the file's name ends so."""

    source: Literal["text"]
    path: Annotated[str, Field(min_length=1)]  # relative to the recipe's folder
    text: Column  # a column or a key
    label: Column
    group: Column | None = None  # what must not be in two splits: an author, a product

    @model_validator(mode="after")
    def _distinct(self) -> FileText:
        named = [name for name in (self.text, self.label, self.group) if name]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice:
            raise ValueError(f"has {twice} twice in text, label and group; each is a column of its own")
        return self


class CatalogText(TextData):
    """Texts of the catalog, by name."""


_SECTIONS = {
    "csv": CsvData,
    "npz": NpzData,
    "series": SeriesData,
    "sine": SineData,
    "text": FileText,
    "audio": AudioData,
    "spoken_words": SpokenWordsData,
    "events": EventsData,
    "items": ItemsData,
    "running_text": FileRunningText,
    "parallel_text": FileParallelText,
}
_CATALOG_TEXTS = {  # by the catalog's task
    "text": "catalog_text",
    "running text": "catalog_running_text",
    "parallel text": "catalog_parallel_text",
}


def _kind(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    if source in _SECTIONS:
        return str(source)
    if source not in CATALOG:
        return "catalog"
    if CATALOG[source].task in _CATALOG_TEXTS:
        return _CATALOG_TEXTS[CATALOG[source].task]
    if CATALOG[source].events:
        return "catalog_events"
    if CATALOG[source].items:
        return "catalog_items"
    return "catalog_series" if CATALOG[source].series else "catalog"


DataSection = (
    CatalogData
    | CatalogEvents
    | CatalogItems
    | CatalogParallelText
    | CatalogRunningText
    | CatalogSeries
    | CatalogText
    | CsvData
    | EventsData
    | FileParallelText
    | FileRunningText
    | FileText
    | ItemsData
    | NpzData
    | SeriesData
    | SineData
    | AudioData
    | SpokenWordsData
)
DataField = Annotated[
    Annotated[CatalogData, Tag("catalog")]
    | Annotated[CatalogEvents, Tag("catalog_events")]
    | Annotated[CatalogItems, Tag("catalog_items")]
    | Annotated[CatalogParallelText, Tag("catalog_parallel_text")]
    | Annotated[CatalogRunningText, Tag("catalog_running_text")]
    | Annotated[CatalogSeries, Tag("catalog_series")]
    | Annotated[CatalogText, Tag("catalog_text")]
    | Annotated[CsvData, Tag("csv")]
    | Annotated[FileText, Tag("text")]
    | Annotated[FileParallelText, Tag("parallel_text")]
    | Annotated[FileRunningText, Tag("running_text")]
    | Annotated[EventsData, Tag("events")]
    | Annotated[ItemsData, Tag("items")]
    | Annotated[NpzData, Tag("npz")]
    | Annotated[SeriesData, Tag("series")]
    | Annotated[SineData, Tag("sine")]
    | Annotated[AudioData, Tag("audio")]
    | Annotated[SpokenWordsData, Tag("spoken_words")],
    Discriminator(_kind),
]
