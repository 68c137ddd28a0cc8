"""Who is held out: never shared, never a class left without a group, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.datasets import splitting
from edgernn.datasets.series import Series
from edgernn.datasets.split_sections import SplitSection
from edgernn.errors import InputError


def recordings(*pairs: tuple[str, str]) -> list[Series]:
    """One recording for each (group, label)."""
    return [Series(np.zeros((1, 1), np.float32), label, group, "") for group, label in pairs]


SUBJECTS = recordings(*((f"s{g}", label) for g in range(10) for label in "abc"))


@given(
    groups=st.lists(st.sampled_from("abcde"), min_size=3, max_size=40),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_group_is_in_exactly_one_split(groups: list[str], seed: int) -> None:
    series = recordings(*((f"g{i}", label) for i, label in enumerate(groups)))
    train, validation, test = splitting.assign(series, SplitSection(), seed)
    assert sorted([*train, *validation, *test]) == sorted(f"g{i}" for i in range(len(groups)))
    assert train
    assert validation
    assert test


@given(counts=st.lists(st.integers(3, 30), min_size=2, max_size=6), seed=st.integers(0, 2**32 - 1))
def test_files_of_one_class_each_reach_every_split(counts: list[int], seed: int) -> None:
    series = recordings(*((f"{label}{i}", str(label)) for label, n in enumerate(counts) for i in range(n)))
    for part in splitting.assign(series, SplitSection(), seed):
        assert {one.label for one in series if one.group in part} == {str(i) for i in range(len(counts))}


def test_shares_are_15_percent() -> None:
    series = recordings(*((f"g{i}", "ab"[i % 2]) for i in range(1000)))
    train, validation, test = splitting.assign(series, SplitSection(), 0)
    assert (len(train), len(validation), len(test)) == (700, 150, 150)


def test_the_seed_decides() -> None:
    draws = [splitting.assign(SUBJECTS, SplitSection(), seed) for seed in (1, 1, 2, 3, 4)]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


def test_named_groups_are_taken_and_the_rest_is_drawn() -> None:
    train, validation, test = splitting.assign(SUBJECTS, SplitSection(test=("s1", "s2")), 0)
    assert test == {"s1", "s2"}
    assert len(validation) == 2
    assert len(train) == 6
    train, validation, test = splitting.assign(SUBJECTS, SplitSection(validation=("s1",)), 0)
    assert validation == {"s1"}
    assert len(test) == 2
    assert len(train) == 7


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            SplitSection(test=("s1", "x")),
            "data.split names the group 'x', which is not in the data; "
            "it has: s0, s1, s2, s3, s4, s5, s6, s7, s8, s9",
        ),
        (
            SplitSection(test=tuple(f"s{i}" for i in range(9)), validation=("s9",)),
            "data.split leaves train 0, validation 1 and test 9 of 10 groups; each needs one: "
            "use another data.group, or name fewer groups",
        ),
    ],
)
def test_faulty_splits(split: SplitSection, message: str) -> None:
    with pytest.raises(InputError) as caught:
        splitting.assign(SUBJECTS, split, 0)
    assert str(caught.value) == message


def test_two_groups_are_too_few() -> None:
    with pytest.raises(InputError, match=r"of 2 groups; each needs one"):
        splitting.assign(recordings(("a", "x"), ("b", "y")), SplitSection(), 0)


def test_a_long_list_of_groups_is_cut() -> None:
    with pytest.raises(InputError, match=r"g0, g1, .* and 80 more$"):
        splitting.assign(recordings(*((f"g{i}", "a") for i in range(100))), SplitSection(test=("x",)), 0)


@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    wanted=st.integers(1, 80),
    seed=st.integers(0, 2**32 - 1),
)
def test_calibration_keeps_the_proportions_of_the_classes(counts: list[int], wanted: int, seed: int) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    index = splitting.calibration(y, wanted, seed)
    assert len(index) == min(wanted, len(y))
    assert (np.diff(index) > 0).all()
    share = len(index) / len(y)
    drawn = np.bincount(y[index], minlength=len(counts))
    assert (np.abs(drawn - share * np.array(counts)) <= 1).all()


def test_an_excluded_group_is_in_no_split() -> None:
    series = recordings(*((group, label) for group in "abcd" for label in "xy"))
    split = SplitSection(test=("a",), validation=("b",), exclude=("c",))
    assert splitting.assign(series, split, seed=0) == (frozenset("d"), frozenset("b"), frozenset("a"))
