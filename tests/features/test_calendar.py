"""The calendar against datetime's own arithmetic."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.features import calendar

CYCLES = ("day", "week", "year")
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))


def angles(time: datetime) -> list[float]:
    """Where the hands of a day's, a week's and a year's clock stand, in radians of a whole turn."""
    found = calendar.encode([time], CYCLES)[0].astype(np.float64)
    return [float(np.arctan2(sine, cosine) % (2 * np.pi)) for sine, cosine in found.reshape(3, 2)]


def apart(one: float, other: float) -> float:
    """The angle between two hands."""
    return abs((one - other + np.pi) % (2 * np.pi) - np.pi)


@pytest.mark.parametrize(
    ("time", "parts"),
    [
        (datetime(2024, 1, 1), (0, 0, 0)),  # a Monday
        (datetime(2024, 1, 4, 12), (0.5, 3.5 / 7, 3.5 / 366)),
        (datetime(2026, 3, 1, 6), (0.25, 6.25 / 7, (31 + 28 + 0.25) / 365)),  # a Sunday
        (datetime(2024, 3, 1, 6), (0.25, 4.25 / 7, (31 + 29 + 0.25) / 366)),  # a Friday after a 29 February
        (datetime(2026, 12, 31, 18), (0.75, 3.75 / 7, 364.75 / 365)),
        (datetime(2026, 7, 2, 12, 30, 30, 500_000), ((12.5 * 3600 + 30.5) / 86400, None, None)),
    ],
)
def test_hands_stand_where_the_calendar_says(time: datetime, parts: tuple[float | None, ...]) -> None:
    for angle, part in zip(angles(time), parts, strict=True):
        if part is not None:
            assert apart(angle, 2 * np.pi * part) < 1e-6


@given(TIMES)
def test_a_point_is_on_the_circle_in_float32(time: datetime) -> None:
    found = calendar.encode([time], CYCLES)
    assert (found.shape, found.dtype) == ((1, 6), np.float32)
    np.testing.assert_allclose((found.reshape(3, 2).astype(np.float64) ** 2).sum(axis=1), 1, atol=1e-6)


@given(TIMES, st.integers(-1000, 1000))
def test_days_and_weeks_repeat_themselves(time: datetime, turns: int) -> None:
    time += timedelta(days=10_000)
    assert apart(angles(time)[0], angles(time + timedelta(days=turns))[0]) < 1e-6
    assert apart(angles(time)[1], angles(time + timedelta(weeks=turns))[1]) < 1e-6


@given(TIMES, st.floats(0, 86_400))
def test_hands_move_evenly_and_across_midnight_sunday_and_new_year(time: datetime, seconds: float) -> None:
    before, after = angles(time), angles(time + timedelta(seconds=seconds))
    for first, second, days in zip(before, after, (1, 7, 365.25), strict=True):
        assert apart(second - first, 2 * np.pi * seconds / 86_400 / days) < 2e-4


@given(TIMES, st.integers(-23, 23))
def test_a_time_with_an_offset_is_told_by_its_own_clock(time: datetime, hours: int) -> None:
    there = time.replace(tzinfo=timezone(timedelta(hours=hours)))
    np.testing.assert_array_equal(calendar.encode([there], CYCLES), calendar.encode([time], CYCLES))


def test_channels_are_named_and_chosen_as_they_are_asked_for() -> None:
    times = [datetime(2026, 5, 17, hour, 7) for hour in range(24)]
    named = calendar.channels(("year", "day"), "at")
    assert [one.name for one in named] == ["year_sin", "year_cos", "day_sin", "day_cos"]
    assert {(one.kind, one.column) for one in named} == {("calendar", "at")}
    assert calendar.channels((), "at") == ()
    whole = dict(zip(calendar.channels(CYCLES, ""), calendar.encode(times, CYCLES).T, strict=True))
    for cycles in [*combinations(CYCLES, 1), *combinations(reversed(CYCLES), 2), ()]:
        found = calendar.encode(times, cycles)
        assert found.shape == (24, 2 * len(cycles))
        for channel, column in zip(calendar.channels(cycles, ""), found.T, strict=True):
            np.testing.assert_array_equal(column, whole[channel])


@given(TIMES)
def test_one_channel_at_one_time_is_that_of_all(time: datetime) -> None:
    found = [calendar.value(time, channel) for channel in calendar.channels(CYCLES, "at")]
    np.testing.assert_array_equal(found, calendar.encode([time], CYCLES)[0])


def test_a_channel_says_its_formula() -> None:
    begins = ("0:00", "Monday 0:00", "1 January 0:00, of its own 365 or 366 days")
    assert [one.meaning for one in calendar.channels(CYCLES, "at")[::2]] == [
        f"sin(2 pi p), p the part of the {cycle} of at that has gone by since {begin}"
        for cycle, begin in zip(CYCLES, begins, strict=True)
    ]
