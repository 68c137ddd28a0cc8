"""Windows of a series in order of time, and what comes after each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.scene import Scene
from edgernn.datasets.sections import ForecastData
from edgernn.datasets.splits import LeftOut, Split, Splits, counted
from edgernn.errors import InputError


@dataclass(frozen=True, eq=False)
class Frames:
    """A series: `values` float32 [frames, channels], and the frames a second (0: no clock).

    `anomaly` bool [frames] says which frames are labelled as abnormal; None where there are no labels. `test_from`
    is the frame that the test begins with, where the data itself says so.
    """

    values: np.ndarray
    channels: tuple[str, ...]
    rate_hz: float = 0.0
    anomaly: np.ndarray | None = None
    test_from: int | None = None

    def cut(self, start: int, end: int | None = None) -> Frames:
        """The frames from `start` up to `end`, a series of their own."""
        anomaly = None if self.anomaly is None else self.anomaly[start:end]
        test_from = None if self.test_from is None else self.test_from - start
        return replace(self, values=self.values[start:end], anomaly=anomaly, test_from=test_from)


def split(series: Frames, data: ForecastData, seed: int) -> Splits:
    """Windows of train, validation and test; those of the first two leave labelled anomalies out.

    Raises InputError when one of them is too short for a window and what comes after it, or nowhere normal for as
    long.
    """
    found = parts(series, data)
    hops = {"train": data.train_hop, "validation": data.hop, "test": data.hop}
    made = {name: _windows(part, data, name, hops[name]) for name, part in found.items()}
    train, validation, test = (part for part, _ in made.values())
    drawn = splitting.calibration(np.zeros(len(train), np.int64), data.split.calibration, seed)
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(drawn),
        test=test,
        labels=tuple(label(data.target, ahead) for ahead in range(1, data.horizon + 1)),
        channels=found["test"].channels,
        rate_hz=series.rate_hz,
        task=data.task,
        left_out=counted(
            *(LeftOut(count, f"windows of {name}", "a labelled anomaly") for name, (_, count) in made.items())
        ),
    )


def scenes(series: Frames, data: ForecastData) -> dict[str, Scene]:
    """Train, validation and test as whole streams with their anomalies. Raises InputError as `parts`."""
    return {name: Scene.labelled(part.values, part.anomaly) for name, part in parts(series, data).items()}


def parts(series: Frames, data: ForecastData) -> Mapping[str, Frames]:
    """Train, validation and test by name, one after the other in time, with lags as channels.

    Raises InputError when a lag is longer than the series.
    """
    series = _lagged(series, data)
    count, share = len(series.values), data.split
    if share.by == "given":
        assert series.test_from is not None  # the recipe was refused otherwise
        ends = [round(series.test_from * (1 - share.validation)), series.test_from]
    else:
        ends = [round(count * rest) for rest in (1 - share.validation - share.test, 1 - share.test)]
    return {
        "train": series.cut(0, ends[0]),
        "validation": series.cut(ends[0], ends[1]),
        "test": series.cut(ends[1]),
    }


def _lagged(series: Frames, data: ForecastData) -> Frames:
    """The series with the target's earlier values as channels; it begins where all of them are there.

    Raises InputError when a lag is longer than the series.
    """
    longest = max(data.lags, default=0)
    if longest >= len(series.values):
        raise InputError(f"data.lags has {longest}, and the series has {len(series.values)} frames; shorten it")
    target = series.values[:, [series.channels.index(data.target)]]
    earlier = [target[longest - lag : len(target) - lag] for lag in data.lags]
    names = tuple(lag_channel(data.target, lag) for lag in data.lags)
    later = series.cut(longest)
    values = np.concatenate([later.values, *earlier], axis=1)
    return replace(later, values=values, channels=(*series.channels, *names))


def label(target: str, ahead: int) -> str:
    """The name of the output that forecasts a channel so many frames ahead."""
    return f"{target} +{ahead}"


def lag_channel(target: str, lag: int) -> str:
    """The name of the channel that holds the target's value `lag` frames before."""
    return f"{target} {lag} before"


def _windows(series: Frames, data: ForecastData, name: str, hop: int) -> tuple[Split, int]:
    """The windows of a part, and how many more an anomaly leaves out."""
    values, needed = series.values, data.window + data.horizon
    if len(values) < needed:
        raise InputError(
            f"data.split gives {name} {len(values)} frames, and a window and its horizon take {needed}; "
            f"shorten data.window, or give {name} more"
        )
    x = _cut(values, data.window, hop, len(values) - data.horizon)
    target = values[data.window :, [series.channels.index(data.target)]]
    y = _cut(target, data.horizon, hop, len(target))[:, :, 0]
    found = Split(x, y, np.full(len(x), name))
    if name == "test" or series.anomaly is None:
        return found, 0
    normal = np.logical_not(_cut(series.anomaly[:, None], needed, hop, len(values)).any(axis=(1, 2)))
    if not normal.any():
        raise InputError(
            f"data.split gives {name} no {needed} frames without an anomaly, which a window and its horizon take; "
            f"shorten data.window, or give {name} more"
        )
    return found.take(normal), int(np.sum(~normal))


def _cut(values: np.ndarray, length: int, hop: int, end: int) -> np.ndarray:
    """Windows [windows, length, channels] of the first `end` frames."""
    views = np.lib.stride_tricks.sliding_window_view(values[:end], length, axis=0)  # [starts, channels, length]
    return np.ascontiguousarray(views[::hop].transpose(0, 2, 1))
