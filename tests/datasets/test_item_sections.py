from __future__ import annotations

import pytest
from item_files import section
from pydantic import ValidationError

from edgernn.datasets.item_sections import CatalogItems


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"item": "order"}, "has order twice in basket, time and item"),
        ({"vocabulary": 4097}, "less than or equal to 4096"),
        ({"least": 1}, "greater than or equal to 2"),
        ({"split": {"train": 0}}, "greater than 0"),
        ({"repeats": "some"}, "drop"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        section(**changes)


def test_of_the_catalog_short_baskets_are_left_out() -> None:
    assert CatalogItems.model_validate({"source": "online_retail"}).short == "skip"
