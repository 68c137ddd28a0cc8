from __future__ import annotations

from edgernn.report import results, tables, units

from .sample import ARTIFACTS, cell, sample_report


def test_every_line_is_as_wide_as_its_table() -> None:
    report = sample_report()
    makers = (tables.gate_table, tables.artifact_table, tables.operator_table, tables.network_table,
              tables.stage_table, results.result_table, results.missing_table, results.drift_table)  # fmt: skip
    for make in makers:
        table = make(report)
        assert table.lines
        assert {len(line.cells) for line in table.lines} == {len(table.columns)}
        assert sum(width for _, width in table.groups) in {0, len(table.columns)}


def test_share_of_float_is_of_the_same_target_and_form() -> None:
    table = tables.artifact_table(sample_report())
    names = [row[0] for row in ARTIFACTS]
    assert cell(table, names.index("step.int8.tflite"), "Of float") == "32 %"  # 11020 / 34180
    assert cell(table, names.index("step.int8.onnx"), "Of float") == "40 %"  # 13310 / 33650
    assert cell(table, names.index("c/int8"), "Of float") == units.NONE
