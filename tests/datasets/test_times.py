"""Gaps between times: missing rows are found, and clocks that are set, months and jitter are none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest

from edgernn.datasets import times

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def stamps(start: datetime, step: timedelta, count: int) -> list[datetime]:
    return [start + step * n for n in range(count)]


def begins(found: list[datetime], usual: float) -> np.ndarray:
    return np.array([True, *(times.is_gap(before, time, usual) for before, time in pairwise(found))])


def gaps(found: list[datetime]) -> list[int]:
    """The frames that begin a stretch, but for the first."""
    return np.flatnonzero(times.frames_since(begins(found, times.spacing(found))) == 0)[1:].tolist()


@pytest.mark.parametrize("step", [timedelta(milliseconds=10), timedelta(minutes=15), HOUR, DAY])
def test_one_missing_row_is_a_gap(step: timedelta) -> None:
    found = stamps(datetime(2026, 1, 5), step, 40)
    assert times.spacing(found) == step.total_seconds()
    assert gaps(found) == []
    some = found[:7] + found[8:20] + found[23:]
    assert gaps(some) == [7, 19]
    missing = [times.missing(*pair, step.total_seconds()) for pair in pairwise(some)]
    assert [(at, count) for at, count in enumerate(missing, 1) if count] == [(7, 1), (19, 3)]


def test_frames_are_counted_from_the_gap_before() -> None:
    found = stamps(datetime(2026, 1, 5), HOUR, 8)
    assert times.frames_since(begins(found[:3] + found[5:], 3600.0)).tolist() == [0, 1, 2, 0, 1, 2]
    assert times.frames_since(begins(found[:3] + found[5:], 0.0)).tolist() == [0, 1, 2, 3, 4, 5]
    assert times.spacing(found[:1]) == 0.0


def test_months_and_jitter_are_no_gaps() -> None:
    assert gaps([datetime(2024 + n // 12, n % 12 + 1, 1) for n in range(30)]) == []
    rng = np.random.default_rng(0)
    seconds = np.arange(200) + rng.uniform(-0.2, 0.2, 200)
    assert gaps([datetime(2026, 1, 1) + timedelta(seconds=float(one)) for one in seconds]) == []


@pytest.mark.parametrize("step", [timedelta(minutes=10), HOUR])
def test_a_clock_set_forward_for_summer_is_no_gap(step: timedelta) -> None:
    """In Europe on 29 March 2026 at 2:00, in America on 8 March; on a Monday or in January an hour is missing."""
    for month, night, whole in (
        (3, 29, []),
        (3, 8, []),
        (3, 30, [2 * HOUR // step]),
        (1, 4, [2 * HOUR // step]),
    ):
        found = stamps(datetime(2026, month, night), step, 10 * HOUR // step)
        assert gaps([one for one in found if one.hour != 2]) == whole


def test_a_longer_gap_on_a_sunday_night_is_one() -> None:
    found = stamps(datetime(2026, 3, 29), HOUR, 10)
    assert gaps(found[:1] + found[3:]) == [1]


def test_offsets_tell_clocks_that_are_set_from_missing_rows() -> None:
    """The same hours in both: with an offset that stays, one is missing."""
    before, after = timezone(HOUR), timezone(2 * HOUR)
    night = stamps(datetime(2026, 3, 29), HOUR, 8)
    hours = [one for one in night if one.hour != 2]
    assert gaps([one.replace(tzinfo=before if one.hour < 2 else after) for one in hours]) == []
    assert gaps([one.replace(tzinfo=before) for one in hours]) == [2]
    autumn = [one.replace(tzinfo=after) for one in stamps(datetime(2026, 10, 25), HOUR, 3)]
    autumn += [one.replace(tzinfo=before) for one in stamps(datetime(2026, 10, 25, 2), HOUR, 3)]
    assert gaps(autumn) == []
