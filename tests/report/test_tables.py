from __future__ import annotations

from edgernn.report import tables, units

from .sample import ARTIFACTS, NOT_RUN, RAN, sample_report


def _cell(table: tables.Table, row: int, title: str) -> str:
    return table.lines[row].cells[[column.title for column in table.columns].index(title)]


def test_every_line_is_as_wide_as_its_table() -> None:
    report = sample_report()
    makers = (tables.gate_table, tables.artifact_table, tables.operator_table, tables.result_table,
              tables.missing_table, tables.network_table, tables.stage_table, tables.drift_table)  # fmt: skip
    for make in makers:
        table = make(report)
        assert table.lines
        assert {len(line.cells) for line in table.lines} == {len(table.columns)}
        assert sum(width for _, width in table.groups) in {0, len(table.columns)}


def test_what_ran_and_what_did_not_are_all_there() -> None:
    report = sample_report()
    assert [line.cells[:2] for line in tables.result_table(report).lines] == [row[:2] for row in RAN]
    missing = tables.missing_table(report)
    assert [(c[0], c[1], c[3], c[4]) for c in (line.cells for line in missing.lines)] == list(NOT_RUN)
    assert [line.tone for line in missing.lines] == ["skip", "skip", "skip"]
    assert tables.missing_table(sample_report(False)).lines[-1].tone == "fail"


def test_a_column_without_a_value_and_a_single_device_are_left_out() -> None:
    report = sample_report()
    titles = [column.title for column in tables.result_table(report).columns]
    assert "Arena" in titles
    assert not {"Scratch", "Instructions", "Device"} & set(titles)
    report["results"][5] |= {"device": "cortex-m4", "instructions": 1_234_567}
    table = tables.result_table(report)
    assert _cell(table, 5, "Device") == "cortex-m4"
    assert _cell(table, 5, "Instructions") == "1,234,567"
    assert _cell(table, 6, "Instructions") == units.NONE
    assert tables.devices(report) == "host, cortex-m4"


def test_share_of_float_is_of_the_same_target_and_form() -> None:
    table = tables.artifact_table(sample_report())
    names = [row[0] for row in ARTIFACTS]
    assert _cell(table, names.index("step.int8.tflite"), "Of float") == "32 %"  # 11020 / 34180
    assert _cell(table, names.index("step.int8.onnx"), "Of float") == "40 %"  # 13310 / 33650
    assert _cell(table, names.index("c/int8"), "Of float") == units.NONE
