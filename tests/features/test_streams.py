from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.features import streams

CHANNELS = 2


def recording(length: int, first: int) -> np.ndarray:
    """Frames [length, channels] that are like no other's: they count on from `first`."""
    return np.arange(first, first + length, dtype=np.float32)[:, None] + np.array([0.0, 0.25], np.float32)


def windows(parts: list[np.ndarray], length: int, hop: int) -> np.ndarray:
    cut = [part[i : i + length] for part in parts for i in range(0, len(part) - length + 1, hop)]
    return np.stack(cut)


@given(st.integers(2, 9), st.integers(1, 12), st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_recordings_come_back_whole_in_some_order(length: int, hop: int, more: list[int]) -> None:
    """Cut into windows and laid again, each recording is one piece, as long as its windows reach."""
    hop = min(hop, length)
    parts = [recording(length + hop * count, 1000 * i) for i, count in enumerate(more)]
    x = windows(parts, length, hop)
    overlapping = hop < length and any(more)
    pieces = parts if overlapping else list(x)
    total = sum(map(len, pieces))
    laid = streams.lay(x, total, 1).frames[0]
    starts = [i for i in range(total) if any(np.array_equal(laid[i], piece[0]) for piece in pieces)]
    again = np.split(laid, starts[1:])
    assert sorted(map(bytes, again)) == sorted(map(bytes, pieces))


@given(st.integers(1, 60), st.integers(1, 3))
def test_every_window_that_is_told_ends_where_it_is_told(frames: int, count: int) -> None:
    x = windows([recording(11, 0), recording(5, 100), recording(8, 200)], 5, 3)
    found = streams.lay(x, frames, count)
    assert found.frames.shape == (count, frames, CHANNELS)
    for window, stream, end in zip(found.windows, found.streams, found.ends, strict=True):
        np.testing.assert_array_equal(found.frames[stream, end - 5 : end], x[window])
    ends = [list(found.ends[found.streams == stream]) for stream in range(count)]
    assert all(one == sorted(one) and (not one or one[-1] <= frames) for one in ends)


def test_a_stream_longer_than_the_data_repeats_it() -> None:
    x = windows([recording(9, 0)], 5, 2)
    found = streams.lay(x, 27, 1)
    np.testing.assert_array_equal(found.frames[0], np.tile(recording(9, 0), (3, 1)))
    assert list(found.windows) == [0, 1, 2] * 3


def test_streams_side_by_side_take_other_recordings() -> None:
    x = windows([recording(5, 100 * i) for i in range(4)], 5, 5)
    found = streams.lay(x, 10, 2)
    assert sorted(found.windows) == [0, 1, 2, 3]
    assert sorted(found.streams) == [0, 0, 1, 1]


def test_windows_that_share_nothing_are_laid_whole() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, CHANNELS)).astype(np.float32)
    assert streams.shift(x) == 4
    assert streams.recordings(x, 4) == [range(0, 1), range(1, 2), range(2, 3)]


@pytest.mark.parametrize("hop", [1, 3, 7])
def test_a_still_sensor_does_not_hide_the_shift(hop: int) -> None:
    """Windows of one value overlap at every shift; the shift that most of the others show is the one."""
    moving = windows([recording(60, 0)], 8, hop)
    still = np.zeros((2, 8, CHANNELS), np.float32)
    assert streams.shift(np.concatenate([moving, still])) == hop
