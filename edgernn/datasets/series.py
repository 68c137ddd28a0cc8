"""Labelled recordings: what every source yields, before windows are cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgernn.datasets.splits import LeftOut


@dataclass(frozen=True, eq=False)
class Series:
    """One recording of one class.

    `values` is float32 [time, channels]; `group` is what must not be in two splits (a subject, a file);
    `name` says where it comes from, for messages.
    """

    values: np.ndarray
    label: str
    group: str
    name: str


@dataclass(frozen=True, eq=False)
class Recordings:
    """All recordings of a source; `labels` in class order, `rate_hz` the samples a second (0: no clock).

    What is missing takes the value before for `hold` samples; `left_out` counts what was filled or left out.
    """

    series: tuple[Series, ...]
    labels: tuple[str, ...]
    channels: tuple[str, ...]
    rate_hz: float = 0.0
    hold: int = 0
    left_out: tuple[LeftOut, ...] = ()
