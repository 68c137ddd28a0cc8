"""The section `prune` of a recipe, rejected at the door."""

from __future__ import annotations

import pytest

from edgernn.errors import InputError
from edgernn.section import validate
from edgernn.train_sections import PruneSection


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"block": [8]}, "block must be [rows, inputs], as in [8, 4], not [8]"),
        ({"block": 8}, "block must be [rows, inputs], as in [8, 4], not 8"),
        ({"block": [8, 0]}, "block must be [rows, inputs], as in [8, 4], not [8, 0]"),
        ({"block": [True, 4]}, "block must be [rows, inputs], as in [8, 4], not [True, 4]"),
        ({"block": [1, 1], "density": {"f": 0}}, "density.f must be greater than 0, not 0"),
        (
            {"density": {"z": 0.1}},
            "the recipe has density but no block; give its size, [1, 1] for single weights",
        ),
        (
            {"block": [1, 1], "density": {"z": 0.1}, "sparsity": 0},
            "the recipe has density but sparsity 0, which prunes nothing; give the share for the other gates",
        ),
        ({"layers": ["gru_1"]}, "layers has gru_1, which is not a layer; did you mean gru?"),
        ({"layers": ["lsmt_2"]}, "layers has lsmt_2, which is not a layer; did you mean lstm?"),
        ({"layers": []}, "layers must not be empty"),
        (
            {"schedule": {"begin": 0.6}},
            "schedule ends at 0.5 of the epochs, before it begins at 0.6",
        ),
        ({"schedule": {"ends": 0.6}}, "schedule.ends is not a known key; did you mean schedule.end?"),
        ({"schedule": {"end": 1.1}}, "schedule.end must be at most 1, not 1.1"),
    ],
)
def test_a_fault_is_told_with_its_path_and_value(keys: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(PruneSection, {"sparsity": 0.5} | keys, "r.yaml")

    assert str(caught.value) == f"r.yaml: {message}"


def test_an_unknown_gate_is_told_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"^r: the recipe has density.y, which is not a gate; known: .*\bz\b"):
        validate(PruneSection, {"sparsity": 0.5, "block": [1, 1], "density": {"y": 0.1}}, "r")


def test_a_section_is_the_same_after_it_was_written_and_read() -> None:
    section = PruneSection.model_validate(
        {"sparsity": 0.5, "block": [8, 4], "density": {"z": 0.3}, "layers": ["gru_2"], "schedule": {"end": 1}}
    )

    assert PruneSection.model_validate(section.model_dump(mode="json")) == section
    assert section.model_dump(mode="json")["block"] == [8, 4]
