from __future__ import annotations

from xml.etree import ElementTree

import pytest

from edgernn.report import drift, files, streaming, units
from edgernn.report.render import html, markdown

from .sample import STREAMED, cell, sample_report


def test_the_sample_satisfies_the_schema() -> None:
    assert files.fault(sample_report()) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"over": "stream", "states": None},
        {"over": "elsewhere"},
        {"states": {"gru/h": {"mean_abs_error": -1.0, "max_abs_error": 0.0}}},
    ],
)
def test_the_schema_refuses_a_wrong_row(wrong: dict[str, object]) -> None:
    report = sample_report()
    report["drift_over_time"][-1] |= wrong
    assert files.fault(report) is not None


def test_a_row_of_the_stream_has_states() -> None:
    report = sample_report()
    del report["drift_over_time"][-1]["states"]
    assert "states" in (files.fault(report) or "")


def test_the_stream_is_not_taken_for_windows() -> None:
    report = sample_report()
    assert max(one.steps[-1] for one in drift.series(report)) == 100
    assert {(one.artifact, one.engine) for one in drift.states(report)} == {row[:2] for row in STREAMED}


def test_a_line_is_the_worst_state_at_each_step() -> None:
    worst = next(one for one in drift.states(sample_report()) if one.engine == "c")
    assert worst.mean[-1] == pytest.approx(0.004)
    assert worst.max[-1] == pytest.approx(0.028)


def test_the_axis_has_labels_within_a_decade() -> None:
    svg = drift.state_plot(sample_report(), "mean")
    texts = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("text")]
    assert {"0.002", "0.005", "1", "100", "10,000"} <= set(texts)


def test_the_description_tells_steps_and_streams() -> None:
    report = sample_report()
    assert "a stream of 10,000 steps" in streaming.description(report)
    report["streaming"]["streams"] = 3
    assert "3 streams of 10,000 steps" in streaming.description(report)


def test_warm_up_is_told_with_its_tolerance() -> None:
    report = sample_report()
    told = streaming.warm_up(report)
    assert "845 steps after the slowest of 16 resets" in told
    assert "228 steps in the median" in told
    assert "within 5 %" in told
    report["streaming"]["warm_up"]["steps"] = None
    assert "more than 2,000 steps after the slowest" in streaming.warm_up(report)


def test_errors_are_told_at_powers_of_ten_and_the_end() -> None:
    report = sample_report()
    table = streaming.error_table(report)
    assert [column.title for column in table.columns[3:]] == ["10", "100", "1,000", "10,000"] * 2
    assert [line.cells[:3] for line in table.lines[:3]] == [
        ("step.int8.tflite", "litert", name) for name in ("output", "lstm/c", "gru/h")
    ]
    assert table.lines[1].cells[6] == units.significant(0.009)
    assert table.lines[1].cells[-1] == units.significant(0.063)


def test_the_metric_is_compared_with_a_reset_at_each_window() -> None:
    table = streaming.metric_table(sample_report())
    assert table.lines[0].cells == ("float network", "numpy", "0.894", "0.872", "2.2 points")
    assert cell(table, 1, "Never reset") == "0.871"
    assert cell(table, 1, "Loss by streaming") == f"{units.MINUS}0.1 points"


def test_a_stream_shorter_than_a_window_has_no_metric() -> None:
    report = sample_report()
    nothing = {"windowed": None, "streaming": None}
    report["streaming"] |= {"windows": 0, "float": nothing, "artifacts": []}
    assert files.fault(report) is None
    assert streaming.metric_table(report).lines == ()
    assert "no accuracy to compare" in html(report)
    assert "Warm-up" in markdown(report)


@pytest.mark.parametrize("missing", [True, False])
def test_a_report_without_a_stream_says_nothing_of_one(missing: bool) -> None:
    """A build whose network has no step form, and a report from before there were streams."""
    report = sample_report() | {"streaming": None}
    report["drift_over_time"] = [row for row in report["drift_over_time"] if row.get("over") != "stream"]
    if missing:
        del report["streaming"]
    assert files.fault(report) is None
    for text in (html(report), markdown(report)):
        assert "long stream" not in text
        assert "Warm-up" not in text
    assert drift.state_plot(report, "mean") == ""


def test_no_error_at_all_still_draws() -> None:
    report = sample_report()
    for row in report["drift_over_time"]:
        for errors in row.get("states", {}).values():
            errors |= {"mean_abs_error": 0.0, "max_abs_error": 0.0}
    assert drift.state_plot(report, "max").startswith("<svg")


def test_both_reports_show_the_stream() -> None:
    for text in (html(sample_report()), markdown(sample_report())):
        assert "long stream" in text
        assert "845 steps" in text
        assert "gru" in text
