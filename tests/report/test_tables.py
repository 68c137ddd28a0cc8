from __future__ import annotations

import pytest

from edgernn.report import files, quantization, results, tables, units
from edgernn.report.render import html, markdown

from .sample import ARTIFACTS, DENSITY, LAYERS, cell, sample_report


def test_every_line_is_as_wide_as_its_table() -> None:
    report = sample_report()
    makers = (tables.gate_table, tables.artifact_table, tables.operator_table, tables.network_table,
              tables.density_table, quantization.mix_table, quantization.state_table,
              quantization.saturation_table, tables.stage_table,
              results.result_table, results.missing_table, results.drift_table)  # fmt: skip
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


def test_layers_have_the_precision_that_they_have_in_int8_artifacts() -> None:
    table = tables.network_table(sample_report())
    told = [cell(table, row, "Precision in int8 artifacts") for row in range(len(LAYERS))]
    assert told == ["int16x8", "int8", "int8"]


@pytest.mark.parametrize("told", [True, False])
def test_without_an_int8_artifact_layers_have_no_precision(told: bool) -> None:
    report = sample_report()
    report["artifacts"] = [one for one in report["artifacts"] if one["precision"] != "int8"]
    if not told:
        del report["quantization"]
    assert tables.network_table(report).columns[-1].title == "Zero weights"


def test_density_is_told_by_layer_matrix_and_gate() -> None:
    table = tables.density_table(sample_report())
    assert [line.cells[:2] for line in table.lines] == [row[:2] for row in DENSITY]
    assert table.lines[1].cells == ("lstm", "kernel", "f", "75.0 %")
    assert table.lines[-1].cells == ("dense", "kernel", units.NONE, "100.0 %")


@pytest.mark.parametrize("told", [True, False])
def test_a_network_without_zeros_has_no_density_to_show(told: bool) -> None:
    """Also a report from before densities were told."""
    report = sample_report()
    for layer in report["network"]["layers"]:
        for row in layer["density"]:
            row["density"] = 1.0
        if not told:
            del layer["density"]
    assert files.fault(report) is None
    assert tables.density_table(report).lines == ()
    for text in (html(report), markdown(report)):
        assert "Density" not in text
