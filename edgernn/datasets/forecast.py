"""Windows of a series in order of time, and what comes after each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.sections import ForecastData
from edgernn.datasets.splits import Split, Splits
from edgernn.errors import InputError


@dataclass(frozen=True, eq=False)
class Frames:
    """A series: `values` float32 [frames, channels], and the frames a second (0: no clock)."""

    values: np.ndarray
    channels: tuple[str, ...]
    rate_hz: float = 0.0


def split(series: Frames, data: ForecastData, seed: int) -> Splits:
    """Train, validation and test, one after the other in time.

    Raises InputError when one of them is too short for a window and what comes after it.
    """
    series = _lagged(series, data)
    count = len(series.values)
    ends = [round(count * share) for share in (1 - data.split.validation - data.split.test, 1 - data.split.test, 1)]
    hops = (data.train_hop, data.hop, data.hop)
    parts = [
        _windows(series, data, slice(start, end), name, hop)
        for start, end, name, hop in zip((0, *ends), ends, ("train", "validation", "test"), hops, strict=False)
    ]
    train, validation, test = parts
    drawn = splitting.calibration(np.zeros(len(train), np.int64), data.split.calibration, seed)
    return Splits(
        train=train,
        validation=validation,
        calibration=train.take(drawn),
        test=test,
        labels=tuple(f"{data.target} +{ahead}" for ahead in range(1, data.horizon + 1)),
        channels=series.channels,
        rate_hz=series.rate_hz,
        task=data.task,
    )


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
    values = np.concatenate([series.values[longest:], *earlier], axis=1)
    return Frames(values, (*series.channels, *names), series.rate_hz)


def lag_channel(target: str, lag: int) -> str:
    """The name of the channel that holds the target's value `lag` frames before."""
    return f"{target} {lag} before"


def _windows(series: Frames, data: ForecastData, part: slice, name: str, hop: int) -> Split:
    values = series.values[part]
    needed = data.window + data.horizon
    if len(values) < needed:
        raise InputError(
            f"data.split gives {name} {len(values)} frames, and a window and its horizon take {needed}; "
            f"shorten data.window, or give {name} more"
        )
    x = _cut(values, data.window, hop, len(values) - data.horizon)
    target = values[data.window :, [series.channels.index(data.target)]]
    y = _cut(target, data.horizon, hop, len(target))[:, :, 0]
    return Split(x, y, np.full(len(x), name))


def _cut(values: np.ndarray, length: int, hop: int, end: int) -> np.ndarray:
    """Windows [windows, length, channels] of the first `end` frames."""
    views = np.lib.stride_tricks.sliding_window_view(values[:end], length, axis=0)  # [starts, channels, length]
    return np.ascontiguousarray(views[::hop].transpose(0, 2, 1))
