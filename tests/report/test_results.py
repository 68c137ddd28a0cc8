from __future__ import annotations

from edgernn.report import results, units

from .sample import NOT_RUN, RAN, cell, forecast_report, sample_report


def test_what_ran_and_what_did_not_are_all_there() -> None:
    report = sample_report()
    assert [line.cells[:2] for line in results.result_table(report).lines] == [row[:2] for row in RAN]
    missing = results.missing_table(report)
    assert [(c[0], c[1], c[3], c[4]) for c in (line.cells for line in missing.lines)] == list(NOT_RUN)
    assert [line.tone for line in missing.lines] == ["skip", "skip", "skip"]
    assert results.missing_table(sample_report(False)).lines[-1].tone == "fail"


def test_a_column_without_a_value_and_a_single_device_are_left_out() -> None:
    report = sample_report()
    titles = [column.title for column in results.result_table(report).columns]
    assert "Arena" in titles
    assert not {"Scratch", "Instructions", "Device"} & set(titles)
    report["results"][5] |= {"device": "cortex-m4", "instructions": 1_234_567}
    table = results.result_table(report)
    assert cell(table, 5, "Device") == "cortex-m4"
    assert cell(table, 5, "Instructions") == "1,234,567"
    assert cell(table, 6, "Instructions") == units.NONE
    assert results.devices(report) == "host, cortex-m4"


def test_a_metric_with_capitals_keeps_them_in_its_heading() -> None:
    table = results.result_table(forecast_report())
    worst = next(i for i, row in enumerate(RAN) if row[2] == 0.003)
    assert (cell(table, worst, "RMSE"), cell(table, worst, "Loss")) == ("12.3", "0.0030")
