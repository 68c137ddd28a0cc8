"""Windows against a loop that follows the definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgernn.datasets.series import Series
from edgernn.features import windows


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    window=st.integers(1, 12),
    hop=st.integers(1, 12),
    every=st.integers(1, 4),
    pad=st.booleans(),
)
def test_windows_are_those_of_the_definition(
    lengths: list[int], window: int, hop: int, every: int, pad: bool
) -> None:
    rng = np.random.default_rng(0)
    series = [
        Series(rng.standard_normal((length, 3)).astype(np.float32), f"l{i}", f"g{i}", "")
        for i, length in enumerate(lengths)
    ]
    expected = [
        (one.values[start : start + window][::every], one.label, one.group)
        for one in series
        for start in (range(0, len(one.values) - window + 1, hop) if len(one.values) >= window else [0] * pad)
    ]
    x, label, group, own = windows.cut(series, window, hop, every, pad)
    assert x.dtype == np.float32
    assert x.shape == (len(expected), -(-window // every), 3)
    for index, (values, name, owner) in enumerate(expected):
        assert own[index] == len(values)
        np.testing.assert_array_equal(x[index, : len(values)], values)
        assert not x[index, len(values) :].any()
        assert (label[index], group[index]) == (name, owner)


def test_windows_own_their_memory() -> None:
    values = np.zeros((4, 1), np.float32)
    x = windows.cut([Series(values, "a", "b", "")], 2, 1).x
    x[0] = 1
    assert not values.any()
