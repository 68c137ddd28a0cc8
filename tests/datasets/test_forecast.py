"""Series in order of time: every frame in one split at most, and targets are what comes right after a window."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgernn import datasets
from edgernn.datasets import forecast
from edgernn.datasets import splits as files
from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import CatalogSeries, SeriesData
from edgernn.datasets.splits import LeftOut, Split, Splits
from edgernn.errors import InputError

PARTS = ("train", "validation", "test")


def section(**keys: object) -> SeriesData:
    """The second of two channels is forecast."""
    own = {"path": "d.csv", "columns": ["other", "load"], "forecast": "load", "window": 4, **keys}
    return SeriesData.model_validate({"source": "series", **own})


def numbered(count: int) -> Frames:
    """Every frame tells its number: the first channel is -number, the target +number."""
    number = np.arange(count, dtype=np.float32)
    return Frames(np.stack([-number, number], axis=1), ("other", "load"), 2.0)


def frames_of(split: Split) -> set[int]:
    """The numbers of all frames in windows and targets."""
    return {int(number) for number in np.abs(np.concatenate([split.x.ravel(), split.y.ravel()]))}


def shared(splits: Splits) -> set[int]:
    """Frames in two of train, validation and test."""
    found = [frames_of(getattr(splits, part)) for part in PARTS]
    return set().union(*(one & other for one, other in combinations(found, 2)))


SECTIONS = st.builds(
    section,
    window=st.integers(2, 12),
    horizon=st.integers(1, 6),
    hop=st.integers(1, 9),
    train_hop=st.integers(1, 9),
    split=st.builds(
        lambda validation, test, calibration: {"validation": validation, "test": test, "calibration": calibration},
        st.floats(0.05, 0.45),
        st.floats(0.05, 0.45),
        st.integers(1, 300),
    ),
)


def split(count: int, data: SeriesData, seed: int = 0) -> Splits:
    try:
        return forecast.split(numbered(count), data, seed)
    except InputError:
        assume(False)
        raise


@given(SECTIONS, st.integers(40, 400))
def test_no_frame_is_in_two_splits_and_time_only_goes_on(data: SeriesData, count: int) -> None:
    found = split(count, data)

    assert shared(found) == set()
    train, validation, test = (frames_of(getattr(found, part)) for part in PARTS)
    assert max(train) < min(validation) <= max(validation) < min(test)
    assert frames_of(found.calibration) <= train


@given(SECTIONS, st.integers(40, 400))
def test_targets_are_the_frames_right_after_the_window(data: SeriesData, count: int) -> None:
    found = split(count, data)

    for part in (*PARTS, "calibration"):
        x, y = getattr(found, part).x, getattr(found, part).y
        assert (x.dtype, y.dtype) == (np.float32, np.float32)
        assert x.shape[1:] == (data.window, 2)
        first = x[:, :1, 1]
        np.testing.assert_array_equal(x[:, :, 1], first + np.arange(data.window))
        np.testing.assert_array_equal(x[:, :, 0], -x[:, :, 1])
        np.testing.assert_array_equal(y, first + data.window + np.arange(data.horizon))


@given(SECTIONS, st.integers(40, 400))
def test_windows_start_every_hop_and_as_long_as_they_fit(data: SeriesData, count: int) -> None:
    found = split(count, data)

    share = data.split
    ends = [round(count * (1 - share.validation - share.test)), round(count * (1 - share.test)), count]
    for part, start, end, hop in zip(PARTS, [0, *ends], ends, (data.train_hop, data.hop, data.hop), strict=False):
        starts = [n for n in range(start, end, hop) if n + data.window + data.horizon <= end]
        assert getattr(found, part).x[:, 0, 1].tolist() == starts
        assert set(getattr(found, part).group) == {part}
    assert len(found.calibration) == min(share.calibration, len(found.train))


@given(SECTIONS, st.integers(40, 400), st.integers(0, 10**6))
def test_nothing_of_a_later_split_reaches_an_earlier_one(data: SeriesData, count: int, number: int) -> None:
    """A leak is tried: one frame of the test, or of the validation, becomes another one."""
    found = split(count, data)
    for later, earlier in (
        ("test", ("train", "calibration", "validation")),
        ("validation", ("train", "calibration")),
    ):
        start = min(frames_of(getattr(found, later)))
        changed = numbered(count)
        changed.values[start + number % (count - start)] = 1e9
        again = forecast.split(changed, data, 0)
        for part in earlier:
            np.testing.assert_array_equal(getattr(again, part).x, getattr(found, part).x)
            np.testing.assert_array_equal(getattr(again, part).y, getattr(found, part).y)


def test_a_leak_would_be_seen() -> None:
    """Windows of the whole series, which are then shared out: their frames and targets are in two splits."""
    whole = forecast.split(numbered(100), section(split={"validation": 0.05, "test": 0.05}), 0).train
    third = len(whole) // 3
    parts = [whole.take(np.arange(third * n, third * (n + 1))) for n in range(3)]
    leaking = Splits(parts[0], parts[1], parts[0], parts[2], ("load +1",), ("other", "load"))
    assert len(shared(leaking)) == 2 * 4  # a window and its target take five frames, four of them the next one's
    by_target_alone = replace(leaking, validation=replace(parts[1], x=parts[1].x + 1000, y=parts[0].y))
    assert len(shared(by_target_alone)) >= len(whole) // 3


def test_labels_tell_how_far_ahead_and_the_clock_is_that_of_the_series() -> None:
    found = forecast.split(numbered(100), section(horizon=3), 0)
    assert found.labels == ("load +1", "load +2", "load +3")
    assert (found.channels, found.rate_hz, found.task) == (("other", "load"), 2.0, "regress")


def test_the_seed_draws_the_calibration_windows_alone() -> None:
    data = section(split={"calibration": 10})
    first, again, other = (forecast.split(numbered(400), data, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.calibration.x, again.calibration.x)
    assert not np.array_equal(first.calibration.x, other.calibration.x)
    np.testing.assert_array_equal(first.train.x, other.train.x)


@pytest.mark.parametrize(
    ("count", "shares", "told"),
    [
        (19, (0.3, 0.3), "data.split gives validation 5 frames"),
        (24, (0.4, 0.2), "data.split gives test 5 frames"),
        (19, (0.4, 0.4), "data.split gives train 4 frames"),
    ],
)
def test_a_series_that_is_too_short_is_refused(count: int, shares: tuple[float, float], told: str) -> None:
    data = section(horizon=3, split=dict(zip(("validation", "test"), shares, strict=True)))
    part = told.split()[2]
    with pytest.raises(InputError) as caught:
        forecast.split(numbered(count), data, 0)
    assert str(caught.value) == (
        f"{told}, and a window and its horizon take 7; shorten data.window, or give {part} more"
    )


def test_just_long_enough_is_one_window() -> None:
    found = forecast.split(numbered(21), section(horizon=3, split={"validation": 1 / 3, "test": 1 / 3}), 0)
    assert [len(getattr(found, part)) for part in (*PARTS, "calibration")] == [1, 1, 1, 1]
    assert (found.test.x[0, :, 1].tolist(), found.test.y.tolist()) == ([14, 15, 16, 17], [[18, 19, 20]])


def test_splits_of_a_regression_are_kept_on_disk(tmp_path: Path) -> None:
    made = forecast.split(numbered(100), section(horizon=2), 0)
    files.save(made, tmp_path / "splits.npz")
    again = files.load(tmp_path / "splits.npz")
    assert (again.task, again.labels, again.channels) == (made.task, made.labels, made.channels)
    np.testing.assert_array_equal(again.test.y, made.test.y)
    assert again.test.y.dtype == np.float32


def test_every_source_of_series_is_split_in_order_of_time(tmp_path: Path) -> None:
    rows = "\n".join(f"{-n},{n}" for n in range(100))
    (tmp_path / "d.csv").write_text(f"other,load\n{rows}\n")
    found = datasets.load(section(), tmp_path, 0)
    assert shared(found) == set()
    assert found.train.y[0].tolist() == [4]


@given(lags=st.lists(st.integers(1, 40), min_size=1, max_size=3, unique=True))
def test_a_lag_is_the_target_of_so_many_frames_before(lags: list[int]) -> None:
    splits = forecast.split(numbered(400), section(lags=lags), 0)
    assert splits.channels == ("other", "load", *(f"load {lag} before" for lag in lags))
    for name in PARTS:
        x = getattr(splits, name).x
        for place, lag in enumerate(lags, 2):
            np.testing.assert_array_equal(x[:, :, place], x[:, :, 1] - lag)
    assert splits.train.x[0, 0, 1] == max(lags)  # the first frame of which all earlier values are there


def test_a_lag_longer_than_the_series_is_refused() -> None:
    with pytest.raises(InputError, match=r"^data\.lags has 400, and the series has 400 frames; shorten it$"):
        forecast.split(numbered(400), section(lags=[5, 400]), 0)


def labelled(count: int, *abnormal: int, test_from: int | None = None) -> Frames:
    series = numbered(count)
    return replace(series, anomaly=np.isin(np.arange(count), abnormal), test_from=test_from)


def test_windows_with_anomalies_neither_train_nor_validate() -> None:
    found = forecast.split(labelled(100, 30, 75, 90), section(window=4, horizon=2), 0)

    for part in ("train", "validation", "calibration"):
        assert not {30, 75} & frames_of(getattr(found, part))
    assert 90 in frames_of(found.test)
    normal = forecast.split(numbered(100), section(window=4, horizon=2), 0)
    assert len(normal.train) - len(found.train) == 6  # the windows and targets that frame 30 is in
    kinds = ("windows of train", "windows of validation")
    assert found.left_out == tuple(LeftOut(6, kind, "a labelled anomaly") for kind in kinds)
    assert normal.left_out == ()
    np.testing.assert_array_equal(found.test.x, normal.test.x)


def test_a_part_that_is_nowhere_normal_for_long_enough_is_refused() -> None:
    with pytest.raises(InputError, match="gives validation no 6 frames without an anomaly, which a window and its"):
        forecast.split(labelled(100, *range(70, 85, 5)), section(window=4, horizon=2), 0)


def test_the_data_may_say_what_its_test_is() -> None:
    data = CatalogSeries(source="ecg", window=4, split={"by": "given", "validation": 0.25})
    series = Frames(np.arange(100, dtype=np.float32)[:, None], ("ecg",), test_from=40)
    found = forecast.split(series, data, 0)
    assert [min(found_part) for found_part in map(frames_of, (found.validation, found.test))] == [30, 40]
    assert max(frames_of(found.test)) == 99

    with_lags = data.model_copy(update={"lags": (3,)})
    assert min(forecast.split(series, with_lags, 0).test.x[:, :, 0].ravel()) == 40


def test_whole_parts_have_the_anomalies_as_spans() -> None:
    found = forecast.scenes(labelled(100, 3, 86, 87, 88, 99), section())
    assert list(found) == ["train", "validation", "test"]
    assert [len(one.frames) for one in found.values()] == [70, 15, 15]
    assert [one.spans.tolist() for one in found.values() if one.spans is not None] == [
        [[0, 3, 4]],
        [],
        [[0, 1, 4], [0, 14, 15]],
    ]
    assert forecast.scenes(numbered(100), section())["test"].spans is None
