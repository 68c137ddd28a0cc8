"""What the report says of the splits is what is in them."""

from __future__ import annotations

import numpy as np

from edgernn.datasets.splits import NOT_ASKED, LeftOut, Split, Splits
from edgernn.network import Task
from edgernn.report import assemble


def splits(answers: np.ndarray, task: Task) -> Splits:
    """Four sequences of three steps in every split, with these answers."""
    one = Split(np.zeros((4, 3, 1), np.float32), answers, np.array([*"aabc"]))
    left_out = (LeftOut(2, "texts", "no word"),)
    return Splits(one, one, one, one, ("no", "yes", "never"), ("x",), task=task, left_out=left_out)


def test_classes_are_counted_also_those_without_an_example() -> None:
    found = assemble.data(splits(np.array([1, 0, 1, 1]), "classify"))
    part = {"examples": 4, "groups": 3, "asked": 4, "classes": {"no": 1, "yes": 3, "never": 0}}
    assert found["splits"] == [{"name": name} | part for name in ("train", "validation", "test")]
    assert found["left_out"] == [{"count": 2, "what": "texts", "why": "no word", "cut": False, "filled": False}]


def test_of_what_comes_next_every_step_with_an_answer_is_asked_about() -> None:
    answers = np.full((4, 3), NOT_ASKED)
    answers[:, 1] = 2
    answers[0] = 1
    found = assemble.data(splits(answers, "next"))["splits"][0]
    assert found == {"name": "train", "examples": 4, "groups": 3, "asked": 6}


def test_quantities_have_no_classes() -> None:
    found = assemble.data(splits(np.zeros((4, 3), np.float32), "regress"))
    assert found["splits"][2] == {"name": "test", "examples": 4, "groups": 3, "asked": 4}
