"""Windows of a series in order of time, and what comes after each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgernn.datasets import splitting
from edgernn.datasets.scene import Scene
from edgernn.datasets.sections import ForecastData, lag_channel
from edgernn.datasets.splits import LeftOut, Split, Splits, counted
from edgernn.errors import InputError
from edgernn.network import Channel, Times


@dataclass(frozen=True, eq=False)
class Stretches:
    """A series with gaps: how many frames are directly `before` each one, int64 [frames]; `told` tells the gaps."""

    before: np.ndarray
    told: str

    def cut(self, start: int, end: int | None) -> Stretches:
        return Stretches(self.before[start:end], self.told)

    def whole(self, length: int, lag: int) -> np.ndarray:
        """Whether the frames from each on, `length` of them with lags up to `lag`, have no gap, bool [starts]."""
        return self.before[length - 1 :] >= length - 1 + lag


@dataclass(frozen=True, eq=False)
class Frames:
    """A series: `values` float32 [frames, channels], and the frames a second (0: no clock).

    `anomaly` bool [frames] says which frames are labelled as abnormal; None where there are no labels. `test_from`
    is the frame that the test begins with, where the data itself says so. `encoding` says what each channel is made
    of, nothing where all are measured, and `times` which column of a file has the times. `stretches` is None where
    there is no gap; what is missing takes the value before for `hold` frames. `left_out` counts what was filled or
    left out.
    """

    values: np.ndarray
    channels: tuple[str, ...]
    rate_hz: float = 0.0
    anomaly: np.ndarray | None = None
    test_from: int | None = None
    encoding: tuple[Channel, ...] = ()
    times: Times | None = None
    stretches: Stretches | None = None
    hold: int = 0
    left_out: tuple[LeftOut, ...] = ()

    def cut(self, start: int, end: int | None = None) -> Frames:
        """The frames from `start` up to `end`, a series of their own."""
        anomaly = None if self.anomaly is None else self.anomaly[start:end]
        test_from = None if self.test_from is None else self.test_from - start
        stretches = self.stretches and self.stretches.cut(start, end)
        values = self.values[start:end]
        return replace(self, values=values, anomaly=anomaly, test_from=test_from, stretches=stretches)


def split(series: Frames, data: ForecastData, seed: int) -> Splits:
    """Windows of train, validation and test; those of the first two leave labelled anomalies out.

    None of them, nor a lag, reaches across a gap.

    Raises InputError when one of them is too short for a window and what comes after it, or nowhere without a gap
    or normal for as long.
    """
    found = parts(series, data)
    hops = {"train": data.train_hop, "validation": data.hop, "test": data.hop}
    made = {name: _windows(part, data, name, hops[name]) for name, part in found.items()}
    train, validation, test = (part for part, *_ in made.values())
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
        encoding=_encoding(found["test"]),
        times=series.times,
        hold=series.hold,
        left_out=counted(
            *series.left_out,
            *(LeftOut(count, f"windows of {name}", "a gap in time") for name, (_, count, _) in made.items()),
            *(LeftOut(count, f"windows of {name}", "a labelled anomaly") for name, (_, _, count) in made.items()),
        ),
    )


def scenes(series: Frames, data: ForecastData) -> dict[str, Scene]:
    """Train, validation and test as whole streams with their anomalies.

    Raises InputError as `parts`, and when validation or test has a gap.
    """
    found = parts(series, data)
    for part in (found["validation"], found["test"]):
        if part.stretches and not part.stretches.whole(len(part.values), max(data.lags, default=0)).all():
            raise InputError(
                f"{part.stretches.told}; decide judges frames one after the other: let data.hold fill them, or set "
                "data.across_gaps: true"
            )
    return {name: Scene.labelled(part.values, part.anomaly) for name, part in found.items()}


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
    known = series.encoding or tuple(Channel(name, "measured", name) for name in series.channels)
    lags = (Channel(name, "lag", data.target, frames=lag) for name, lag in zip(names, data.lags, strict=True))
    return replace(later, values=values, channels=(*series.channels, *names), encoding=(*known, *lags))


def _encoding(series: Frames) -> tuple[Channel, ...]:
    """What the channels are made of; nothing where a sensor gives them all."""
    return series.encoding if any(one.derived for one in series.encoding) else ()


def label(target: str, ahead: int) -> str:
    """The name of the output that forecasts a channel so many frames ahead."""
    return f"{target} +{ahead}"


def _windows(series: Frames, data: ForecastData, name: str, hop: int) -> tuple[Split, int, int]:
    """The windows of a part, and how many more gaps and anomalies leave out."""
    values, needed = series.values, data.window + data.horizon
    if len(values) < needed:
        raise InputError(
            f"data.split gives {name} {len(values)} frames, and a window and its horizon take {needed}; "
            f"shorten data.window, or give {name} more"
        )
    x = _cut(values, data.window, hop, len(values) - data.horizon)
    target = values[data.window :, [series.channels.index(data.target)]]
    y = _cut(target, data.horizon, hop, len(target))[:, :, 0]
    found, kept = Split(x, y, np.full(len(x), name)), np.ones(len(x), bool)
    if series.stretches:
        kept = series.stretches.whole(needed, max(data.lags, default=0))[::hop]
        if not kept.any():
            raise InputError(_nowhere(series.stretches, data, name))
    if name == "test" or series.anomaly is None:
        return found.take(kept) if series.stretches else found, int(np.sum(~kept)), 0
    gaps = int(np.sum(~kept))
    kept &= ~_cut(series.anomaly[:, None], needed, hop, len(values)).any(axis=(1, 2))
    if not kept.any():
        raise InputError(
            f"data.split gives {name} no {needed} frames without an anomaly, which a window and its horizon take; "
            f"shorten data.window, or give {name} more"
        )
    return found.take(kept), gaps, int(np.sum(~kept)) - gaps


def _nowhere(stretches: Stretches, data: ForecastData, name: str) -> str:
    """What to do where no window of a part is without a gap."""
    lags = f" after the {max(data.lags)} of the longest lag" if data.lags else ""
    return (
        f"{stretches.told}; data.split gives {name} no {data.window + data.horizon} frames without a gap{lags}, "
        "which a window and its horizon take; let data.hold fill them, shorten data.window or data.lags, or set "
        "data.across_gaps: true"
    )


def _cut(values: np.ndarray, length: int, hop: int, end: int) -> np.ndarray:
    """Windows [windows, length, channels] of the first `end` frames."""
    views = np.lib.stride_tricks.sliding_window_view(values[:end], length, axis=0)  # [starts, channels, length]
    return np.ascontiguousarray(views[::hop].transpose(0, 2, 1))
