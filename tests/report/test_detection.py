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


def with_thresholds() -> dict[str, Any]:
    """Of 90 words in 12 minutes, where one false accept is 5 an hour."""
    content = report()
    curve = [(0.5, 89, 30), (0.7, 88, 2), (0.8, 85, 1), (0.9, 85, 1), (0.95, 60, 0)]
    for row in content["detection"]["results"]:
        row["by_threshold"] = [
            {
                **{"threshold": threshold, "said": 90, "hits": hits, "false_accepts": false},
                **{"hit_rate": hits / 90, "false_accepts_per_hour": false / 0.2},
            }
            for threshold, hits, false in curve
        ]
    return content


def test_the_best_threshold_for_every_limit_is_told_once() -> None:
    content = with_thresholds()
    assert files.fault(content) is None
    assert [line.cells for line in detection.trade_off(content).lines] == [
        ("0", "0.950", "60 of 90", "66.7 %", "0"),
        ("5", "0.900", "85 of 90", "94.4 %", "1"),  # one an hour is less than the stream can tell
        ("10", "0.700", "88 of 90", "97.8 %", "2"),
        ("200", "0.500", "89 of 90", "98.9 %", "30"),
    ]
    for text in (html(content), markdown(content)):
        assert "What other thresholds come to on this stream" in text
    assert "Hit rate by threshold" in html(content)


def test_reports_without_thresholds_have_no_table_of_them() -> None:
    for content in (report(), sample_report()):
        assert detection.trade_off(content).lines == ()
        assert detection.trade_off_plot(content) == ""
        assert "What other thresholds" not in html(content) + markdown(content)


ANOMALIES = {
    "auc": 0.98762,
    "top": True,
    "anomalies": 3,
    "found": 3,
    "false_alarms": 1,
    "alarms": 1200,
    "delay": 2.5,
}
UNKNOWN = dict.fromkeys(ANOMALIES) | {"alarms": 4}


def anomalies(*rows: dict[str, Any]) -> dict[str, Any]:
    rule = {"rule": "alarm", "channel": 0, "smooth": 40, "threshold": 0.33033, "refractory": 41, "warm_up": 60}
    nothing = dict.fromkeys(("found", "false_alarms", "alarms", "delay"))
    found = {
        "rule": rule,
        "frames": 10_000,
        "baselines": [{"name": "discord_of_shape", **ANOMALIES, **nothing, "top": False, "auc": 0.9}],
        "results": [{"artifact": "c/int8", "engine": "c", "auc_drop": None, **row} for row in rows],
    }
    return sample_report() | {"detection": found}


def test_anomalies_are_told_beside_discords() -> None:
    content = anomalies(ANOMALIES | {"auc_drop": 0.001}, UNKNOWN)
    assert files.fault(content) is None
    assert [line.cells for line in detection.table(content).lines] == [
        ("c/int8", "c", "0.9876", "of an anomaly", "3 of 3", "1,200", "1", "2"),
        ("c/int8", "c", "–", "–", "–", "4", "–", "–"),
        ("discord of shape", "", "0.9000", "of normal frames", "–", "–", "–", "–"),
    ]
    for text in (html(content), markdown(content)):
        assert "Anomalies along the test" in text
        assert "when 40 frames are on the mean 0.330 or more from what was forecast for them, and no other" in text
        assert "Words in a long stream" not in text


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"results": []}, {"baselines": [{"name": "discord"}]}, {"rule": {}}]
)
def test_the_schema_refuses_wrong_anomalies(wrong: dict[str, Any]) -> None:
    content = anomalies(ANOMALIES)
    content["detection"] |= wrong
    assert files.fault(content) is not None
