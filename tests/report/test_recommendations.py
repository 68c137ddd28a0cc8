from __future__ import annotations

from typing import Any

import pytest

from edgernn.report import files, recommendations
from edgernn.report.render import html, markdown

from .sample import sample_report

SHARES = {"overlap": 0.985, "same": 0.75, "equals_definition": 1.0}
FOUND = {
    "rule": {"count": 20, "exclude_seen": True},
    "asked": 4815,
    "unknown_share": 0.118,
    "results": [
        {"artifact": "network", "engine": "numpy", "recall": 0.401},
        {"artifact": "c/int8", "engine": "c", "recall": 0.4, **SHARES},
    ],
}


def report(**changes: Any) -> dict[str, Any]:
    return sample_report() | {"recommendations": FOUND | changes}


def test_a_report_has_it_or_not() -> None:
    assert files.fault(report()) is None
    assert recommendations.description(sample_report()) == ""
    assert recommendations.table(sample_report()).lines == ()
    assert "What comes next" not in html(sample_report())


@pytest.mark.parametrize(
    "wrong",
    [
        {"asked": 0},
        {"results": []},
        {"unknown_share": 1.1},
        {"rule": {"count": 20}},
        {"results": [{"artifact": "network", "engine": "numpy", "recall": -1}]},
    ],
)
def test_the_schema_refuses_a_wrong_one(wrong: dict[str, Any]) -> None:
    assert files.fault(report(**wrong)) is not None


def test_the_table_tells_recall_and_what_is_shared() -> None:
    assert [line.cells for line in recommendations.table(report()).lines] == [
        ("network", "numpy", "40.1 %", "", "", ""),
        ("c/int8", "c", "40.0 %", "98.5 %", "75.0 %", "100.0 %"),
    ]


def test_both_reports_show_it() -> None:
    for text in (html(report()), markdown(report())):
        assert "the 20 that come next most likely, without what the basket has already: 4,815 lists" in text
        assert "Another 11.8 % of the items that came are not in the vocabulary" in text
    again = report(rule={"count": 5, "exclude_seen": False})
    assert "the 5 that come next most likely: 4,815 lists" in markdown(again)
