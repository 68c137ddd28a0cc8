"""Windows from a recipe's `data` section. A source is a function `load(section, base)`.

It gives labelled recordings, a series, texts, running text, parallel text, sound, events by entity or baskets of
items. A new dataset of the catalog is an entry in `catalog.CATALOG`, such a function and a line here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgernn.datasets import (
    audio_folder,
    catalog,
    csv_windows,
    espeak,
    events,
    events_csv,
    forecast,
    fraud,
    items,
    items_csv,
    labelled_series,
    npz,
    online_retail,
    parallel_text,
    parallel_text_files,
    pbc2,
    running_text,
    running_text_files,
    scene,
    series_csv,
    sine,
    speech,
    splitting,
    spoken_words,
    text_files,
    texts,
    turbofan,
    watch_activity,
)
from edgernn.datasets.audio_sections import SpeechData
from edgernn.datasets.event_sections import EventOptions
from edgernn.datasets.event_table import Events
from edgernn.datasets.forecast import Frames
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.items import Basket
from edgernn.datasets.parallel_text import Pair
from edgernn.datasets.parallel_text_sections import ParallelTextData
from edgernn.datasets.running_text import Work
from edgernn.datasets.running_text_sections import RunningTextData
from edgernn.datasets.sections import (
    GENERATED,
    DataSection,
    ForecastData,
    NpzData,
    SeriesSection,
    TextData,
    WindowedData,
)
from edgernn.datasets.series import Recordings, Series
from edgernn.datasets.speech import Speech
from edgernn.datasets.splits import LeftOut, Split, Splits, counted
from edgernn.datasets.texts import Text
from edgernn.errors import InputError
from edgernn.features import windows
from edgernn.features.log_mel import LogMel
from edgernn.section import Section, nearest

SOURCES: dict[str, Callable[[DataSection, Path], Recordings]] = {
    "csv": csv_windows.load,
    "npz": npz.load,
    "watch_activity": watch_activity.load,
}
SERIES: dict[str, Callable[[DataSection, Path], Frames]] = {
    "series": series_csv.load,
    "sine": sine.load,
    "electricity": series_csv.electricity,
    "ecg": labelled_series.ecg,
    "blood_pressure": labelled_series.blood_pressure,
}
TEXTS: dict[str, Callable[[TextData, Path], list[Text]]] = {
    "text": text_files.load,
    "movie_reviews": text_files.movie_reviews,
}
RUNNING_TEXT: dict[str, Callable[[RunningTextData, Path], list[Work]]] = {
    "running_text": running_text_files.load,
    "shakespeare": running_text_files.shakespeare,
}
PARALLEL_TEXT: dict[str, Callable[[ParallelTextData, Path], list[Pair]]] = {
    "parallel_text": parallel_text_files.load,
    "jupyter_french": parallel_text_files.jupyter_french,
}
SPEECH: dict[str, Callable[[SpeechData, Path, int, int], Speech]] = {
    "audio": audio_folder.load,
    "spoken_words": spoken_words.load,
}
EVENTS: dict[str, Callable[[DataSection, Path], Events]] = {
    "events": events_csv.load,
    "turbofan": turbofan.load,
    "pbc2": pbc2.load,
    "fraud": fraud.load,
}
ITEMS: dict[str, Callable[[ItemOptions, Path], list[Basket]]] = {
    "items": items_csv.load,
    "online_retail": online_retail.load,
}

# by the section of a recipe: its sources, and what makes splits of what they yield
KINDS: tuple[tuple[type[Section], Mapping[str, Callable[..., Any]], Callable[..., Splits]], ...] = (
    (ForecastData, SERIES, forecast.split),
    (TextData, TEXTS, texts.split),
    (RunningTextData, RUNNING_TEXT, running_text.split),
    (ParallelTextData, PARALLEL_TEXT, parallel_text.split),
    (EventOptions, EVENTS, events.split),
    (ItemOptions, ITEMS, items.split),
)


class CatalogRow(NamedTuple):
    """One line of `edgernn data list`."""

    name: str
    task: str
    examples: str
    licence: str
    download_bytes: int
    cached: bool
    description: str


class Cut(NamedTuple):
    """How recordings become windows; all in samples."""

    window: int
    hop: int
    train_hop: int
    every: int
    pad: bool  # recordings that are shorter than a window; without, they give none


def load(data: DataSection, base: Path, seed: int, log_mel: LogMel | None = None) -> Splits:
    """The windows that `data` describes; paths are relative to `base`, `seed` decides what is drawn.

    Of audio, `log_mel` makes the frames.

    Raises:
        InputError: the data is missing or wrong, or a split or a class has no window; one line.
        MissingToolError: a catalog dataset is not cached and there is no pip to fetch it, or a package is missing
            that reads or speaks audio.
    """
    if isinstance(data, SpeechData):
        extractor = log_mel or LogMel()
        spoken = SPEECH[data.source](data, base, extractor.rate_hz, seed)
        return speech.splits(spoken, data, extractor, seed)
    for kind, sources, split in KINDS:
        if isinstance(data, kind):
            return split(sources[data.source](data, base), data, seed)
    assert isinstance(data, WindowedData | NpzData)
    recordings = SOURCES[data.source](data, base)
    cut = _cut(data, recordings)
    _refuse_short(recordings, cut.window)
    groups = splitting.assign(recordings.series, data.split, seed)
    hops = (cut.train_hop, cut.hop, cut.hop)
    train, validation, test = (_split(recordings, g, cut, hop) for g, hop in zip(groups, hops, strict=True))
    _refuse_missing_classes(recordings, train=train, test=test)
    if not len(validation):
        raise InputError("data.split: the validation groups have no window; name others or shorten data.window")
    drawn = splitting.calibration(train.y, data.split.calibration, seed)
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(drawn),
        test=test,
        labels=recordings.labels,
        channels=recordings.channels,
        rate_hz=recordings.rate_hz / cut.every,
        every=cut.every,
        hold=recordings.hold,
        left_out=_left_out(recordings, cut, data.split.exclude),
    )


def load_with_scenes(
    data: SpeechData, base: Path, seed: int, log_mel: LogMel, seconds: float
) -> tuple[Splits, dict[str, scene.Scene]]:
    """What `load` gives, and long streams of the same voices, `seconds` each, for `validation` and `test`.

    Raises what `load` does.
    """
    spoken = SPEECH[data.source](data, base, log_mel.rate_hz, seed)
    return speech.splits(spoken, data, log_mel, seed), scene.scenes(spoken, data, log_mel, seconds, seed)


def load_with_stretches(data: SeriesSection, base: Path, seed: int) -> tuple[Splits, dict[str, scene.Scene]]:
    """What `load` gives, and all of a series as `train`, `validation` and `test`. Raises what `load` does."""
    series = SERIES[data.source](data, base)
    return forecast.split(series, data, seed), forecast.scenes(series, data)


def fingerprint(data: DataSection, base: Path) -> str:
    """A hash that changes when the data that `data` names does; of a catalog entry without fetching it.

    Raises InputError for a file whose name is not UTF-8: it may become a label or a group.
    """
    if data.source in catalog.CATALOG:
        return catalog.CATALOG[data.source].member_sha256
    if data.source in GENERATED:
        return f"{data.source} {espeak.installed()}" if data.source in SPEECH else data.source
    root = base / str(getattr(data, "path", ""))
    files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
    total = hashlib.sha256()
    for path in files:
        total.update(_name(path.relative_to(base) if path.is_relative_to(base) else path))
        total.update(path.read_bytes() if path.is_file() else b"missing")
    return total.hexdigest()


def _name(path: Path) -> bytes:
    try:
        return str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!r}: the name is not UTF-8; give the file or its folder another") from None


def catalog_rows() -> tuple[CatalogRow, ...]:
    """What `edgernn data list` shows, by name."""
    return tuple(
        CatalogRow(
            name=entry.name,
            task=entry.task,
            examples=entry.examples,
            licence=entry.licence,
            download_bytes=entry.archive_bytes,
            cached=catalog.cached_path(entry).is_file(),
            description=entry.description,
        )
        for _, entry in sorted(catalog.CATALOG.items())
    )


def fetch(name: str) -> Path:
    """The cached file of a catalog dataset, downloaded if need be.

    Raises:
        InputError: the name is unknown, or what `catalog.fetch` raises.
        MissingToolError: there is no pip to fetch it with.
    """
    if name not in catalog.CATALOG:
        raise InputError(f"{name} is not a dataset of the catalog{nearest(name, catalog.CATALOG)}")
    return catalog.fetch(catalog.CATALOG[name])


def _cut(data: WindowedData | NpzData, recordings: Recordings) -> Cut:
    if isinstance(data, NpzData):  # each recording is one window
        steps = max(len(one.values) for one in recordings.series)
        return Cut(steps, steps, steps, 1, pad=True)
    return Cut(data.window, data.hop, data.train_hop, data.every, data.short == "pad")


def _refuse_short(recordings: Recordings, window: int) -> None:
    longest = max(len(one.values) for one in recordings.series)
    if longest < window:
        raise InputError(f"data.window is {window} samples, but the longest recording has {longest}; shorten it")


def _left_out(recordings: Recordings, cut: Cut, excluded: Sequence[str]) -> tuple[LeftOut, ...]:
    kept = [one for one in recordings.series if one.group not in excluded]
    short = 0 if cut.pad else sum(len(one.values) < cut.window for one in kept)
    return counted(
        *recordings.left_out,
        LeftOut(len(recordings.series) - len(kept), "recordings", "data.split.exclude"),
        LeftOut(short, "recordings", f"shorter than {cut.window} samples"),
    )


def _split(recordings: Recordings, groups: frozenset[str], cut: Cut, hop: int) -> Split:
    chosen: Sequence[Series] = [one for one in recordings.series if one.group in groups]
    found = windows.cut(chosen, cut.window, hop, cut.every, cut.pad)
    number = {name: index for index, name in enumerate(recordings.labels)}
    y = np.array([number[name] for name in found.label], dtype=np.int64)
    whole = not cut.pad or min(len(one.values) for one in recordings.series) >= cut.window
    return Split(found.x, y, found.group, None if whole else found.lengths)


def _refuse_missing_classes(recordings: Recordings, **splits: Split) -> None:
    labels = recordings.labels
    if len(labels) < 2:
        raise InputError(f"the data has one class only ({labels[0]}); a classifier needs two")
    for name, split in splits.items():
        missing = next((label for index, label in enumerate(labels) if not np.any(split.y == index)), None)
        if missing is not None:
            raise InputError(f"the class {missing} has no example in {name}; {_remedy(missing, recordings)}")


def _remedy(label: str, recordings: Recordings) -> str:
    """What gives a class an example in every split."""
    groups = sorted({one.group for one in recordings.series if one.label == label})
    if len(groups) < len(speech.PARTS):
        known = f"{', '.join(groups)} alone {'has' if len(groups) == 1 else 'have'} it"
        return f"{known}, and every split needs one: record more, or take another data.group"
    return "name a group that has it in data.split"
