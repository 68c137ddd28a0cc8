"""What the data became, as both reports show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgernn.report import data, files
from edgernn.report.render import html, markdown

from .sample import LABELS, forecast_report, sample_report


def next_report() -> dict[str, Any]:
    """Of baskets: an example is an item that is asked for."""
    parts = (("train", 4000, 21_000), ("validation", 500, 2600), ("test", 500, 2590))
    splits = [{"name": name, "examples": own, "groups": own, "asked": asked} for name, own, asked in parts]
    return sample_report() | {"data": {"splits": splits, "left_out": []}}


def test_a_report_has_it_or_not() -> None:
    """One from before it was told stays valid, and shows nothing."""
    older = sample_report()
    del older["data"]
    assert files.fault(older) is None
    assert data.table(older).lines == data.left_out_table(older).lines == ()
    assert 'id="data"' not in html(older)
    assert "## Data" not in markdown(older)


def test_classes_are_counted_by_split() -> None:
    table = data.table(sample_report())
    assert [column.title for column in table.columns] == ["Number of", "Train", "Validation", "Test"]
    assert [line.cells[0] for line in table.lines] == ["examples", "groups that they are of", *LABELS]
    assert table.lines[0].cells[1:3] == ("6,300", "840")
    assert table.lines[2].cells[1:3] == ("900", "120")


def test_answers_are_told_where_an_example_asks_for_several() -> None:
    assert [line.cells for line in data.table(next_report()).lines] == [
        ("examples", "4,000", "500", "500"),
        ("answers asked for", "21,000", "2,600", "2,590"),
    ]


def test_what_is_left_out_is_told_with_its_reason() -> None:
    assert [line.cells for line in data.left_out_table(sample_report()).lines] == [
        ("recordings", "1,203", "left out", "shorter than 200 samples"),
        ("texts", "2", "cut", "more than 4 words"),
        ("empty cells", "12", "filled", "data.hold: 3"),
    ]


@pytest.mark.parametrize("make", [sample_report, forecast_report])
def test_both_reports_show_it(make: Callable[[], dict[str, Any]]) -> None:
    for text in (html(make()), markdown(make())):
        assert data.ABOUT_LEFT_OUT in text
        assert "shorter than 200 samples" in text
    for text in (html(next_report()), markdown(next_report())):
        assert "21,000" in text
        assert data.ABOUT_LEFT_OUT not in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"splits": []},
        {"splits": [{"name": "other", "examples": 1, "groups": 1, "asked": 1}]},
        {"splits": [{"name": "train", "examples": 1, "groups": 1}]},
        {"splits": [{"name": "train", "examples": 1, "groups": 1, "asked": 1, "classes": {"a": -1}}]},
        {"left_out": [{"count": 0, "what": "texts", "why": "no word", "cut": False}]},
        {"left_out": [{"count": 1, "what": "texts", "cut": False}]},
    ],
)
def test_the_schema_refuses_a_wrong_one(wrong: dict[str, Any]) -> None:
    report = sample_report()
    report["data"] |= wrong
    assert files.fault(report) is not None
