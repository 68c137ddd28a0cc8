"""When masks are chosen, and at which sparsity; that it is TFMOT's schedule is a test of the training."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.sparsity import Schedule


@given(begin=st.integers(0, 500), length=st.integers(0, 500), updates=st.integers(1, 50))
def test_the_last_choice_is_at_the_full_sparsity(begin: int, length: int, updates: int) -> None:
    plan = Schedule.over(begin, begin + length, updates, initial=0.1, power=3)

    steps = [step for step in range(1, begin + length + 50) if plan.chooses(step)]

    assert steps[-1] == plan.end <= begin + max(1, length)
    assert plan.sparsity(plan.end, 0.8) == 0.8
    shares = [plan.sparsity(step, 0.8) for step in steps]
    assert shares == sorted(shares)
    assert plan.sparsity(begin, 0.8) == pytest.approx(0.1)


def test_about_as_many_choices_as_asked() -> None:
    plan = Schedule.over(100, 500, 20, initial=0.0, power=3)

    assert [step for step in range(1, 1000) if plan.chooses(step)] == list(range(100, 501, 20))


def test_a_start_above_the_end_is_the_end() -> None:
    assert Schedule.over(0, 100, 10, initial=0.5, power=3).sparsity(0, 0.2) == 0.2
