from __future__ import annotations

from typing import Any

import pytest

from edgernn.report import detection, files
from edgernn.report.render import html, markdown

from .sample import sample_report

RESULTS = [
    {"artifact": "network", "engine": "numpy", "said": 90, "hits": 88, "false_accepts": 1},
    {"artifact": "c/int8", "engine": "c", "said": 90, "hits": 87, "false_accepts": 0},
]


def report() -> dict[str, Any]:
    hours = 0.2
    rows = [
        {**row, "hit_rate": row["hits"] / row["said"], "false_accepts_per_hour": row["false_accepts"] / hours}
        for row in RESULTS
    ]
    rule = {"smooth": 8, "threshold": 0.74, "refractory": 20}
    return sample_report() | {"detection": {"rule": rule, "hours": hours, "results": rows}}


def test_a_report_has_it_or_not() -> None:
    assert files.fault(report()) is None
    assert files.fault(sample_report()) is None
    assert detection.description(sample_report()) == ""
    assert detection.table(sample_report()).lines == ()
    assert "long stream</h2>\n  <p>12 minutes" not in html(sample_report())


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": 0},
        {"results": []},
        {"rule": {"smooth": 8, "threshold": 1.5, "refractory": 20}},
        {"results": [{"artifact": "network"}]},
    ],
)
def test_the_schema_refuses_a_wrong_one(wrong: dict[str, Any]) -> None:
    found = report()
    found["detection"] |= wrong
    assert files.fault(found) is not None


def test_the_table_tells_hits_and_false_accepts() -> None:
    assert [line.cells for line in detection.table(report()).lines] == [
        ("network", "numpy", "88 of 90", "97.8 %", "1", "5.0"),
        ("c/int8", "c", "87 of 90", "96.7 %", "0", "0.0"),
    ]


def test_both_reports_show_it() -> None:
    told = "12 minutes of speakers who took no part in training, with 90 of the words at known times"
    for text in (html(report()), markdown(report())):
        assert told in text
        assert "reaches 0.74, and then nothing for 20 steps" in text
        assert "88 of 90" in text
