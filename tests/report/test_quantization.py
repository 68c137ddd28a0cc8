from __future__ import annotations

from typing import Any

import pytest

from edgernn.report import files, quantization
from edgernn.report.render import html, markdown

from .sample import LAYERS, cell, sample_report


def _given() -> dict[str, Any]:
    """A build whose recipe left nothing open."""
    report = sample_report()
    report["recipe"]["quantize"] = {}
    del report["quantization"]["mixes"]
    del report["quantization"]["states"]
    assert files.fault(report) is None
    return report


def _only(report: dict[str, Any], *precisions: str) -> dict[str, Any]:
    return report | {"artifacts": [one for one in report["artifacts"] if one["precision"] in precisions]}


@pytest.mark.parametrize(
    ("wide", "told"),
    [
        (("lstm",), "lstm has int16 activations (int16x8), every other layer int8 ones."),
        (("lstm", "gru"), "lstm, gru have int16 activations (int16x8), every other layer int8 ones."),
        ((), "every layer has int8 activations."),
        (("lstm", "gru", "dense"), "every layer has int16 activations (int16x8)."),
    ],
)
def test_the_mix_is_told_in_words(wide: tuple[str, ...], told: str) -> None:
    report = sample_report()
    report["quantization"]["precisions"] = {row[0]: "int16x8" if row[0] in wide else "int8" for row in LAYERS}
    assert quantization.description(report).startswith(f"In int8 artifacts {told}")


def test_states_are_told_where_a_layer_is_int8() -> None:
    report = _only(sample_report(), "int8")
    report["quantization"]["state"] = "int8"
    assert quantization.description(report).endswith(
        "TFLite and ONNX keep the recurrent states of int8 layers as int8, C always as int16."
    )
    report["quantization"]["precisions"] = dict.fromkeys(report["quantization"]["precisions"], "int16x8")
    assert "states" not in quantization.description(report)


def test_int16x8_artifacts_are_no_mix() -> None:
    told = "In int16x8 artifacts every layer has int16 activations."
    assert quantization.description(sample_report()).endswith(told)
    alone = _only(sample_report(), "float32", "int16x8")
    assert quantization.description(alone) == told
    assert quantization.mixes(alone) == quantization.states(alone) == ""


def test_mixes_stand_in_order_of_cost_and_say_which_was_chosen() -> None:
    report = sample_report()
    table = quantization.mix_table(report)
    assert [line.cells for line in table.lines] == [
        ("none", "1.00", "0.029", "no"),
        ("dense", "1.03", "0.028", "no"),
        ("lstm", "1.44", "0.016", "yes"),
        ("gru", "1.53", "0.022", "no"),
        ("lstm, gru, dense", "2.00", "0.0041", "no"),
    ]
    assert "for a drift of at most 0.020." in quantization.mixes(report)


def test_a_drift_reads_differently_from_the_limit_that_it_misses() -> None:
    report = sample_report()
    report["quantization"]["mixes"][3]["drift"] = 0.02003
    assert cell(quantization.mix_table(report), 3, "Drift") == "0.02003"


def test_both_states_are_told_with_their_figures() -> None:
    table = quantization.state_table(sample_report())
    assert [line.cells for line in table.lines] == [
        ("int8", "0.851", "2.2 points", "96.2 %", "0.21", "0.019", "no"),
        ("int16", "0.870", "0.3 points", "99.3 %", "0.048", "0.0044", "yes"),
    ]


def test_what_the_recipe_gives_was_not_tried() -> None:
    report = _given()
    for text in (html(report), markdown(report)):
        assert "lstm has int16 activations" in text
        assert "tried" not in text
        assert "lstm/c" in text
        assert "0.04 %" in text
        assert "before a mix was chosen" not in text


def test_saturation_is_told_the_largest_first() -> None:
    report = sample_report()
    report["quantization"]["saturation"] = {"lstm/c": 0.0, "lstm_2/c": 0.00002}
    assert [line.cells for line in quantization.saturation_table(report).lines] == [
        ("lstm_2/c", "0.002 %"),
        ("lstm/c", "0.0 %"),
    ]
    assert "before a mix was chosen" in quantization.saturation(report)


def test_no_saturation_is_a_sentence_and_no_state_that_can_saturate_is_none() -> None:
    report = sample_report()
    report["quantization"]["saturation"] = {"lstm/c": 0.0}
    assert "none did on the calibration windows" in quantization.saturation(report)
    assert quantization.saturation_table(report).lines == ()
    report["quantization"]["saturation"] = {}
    for text in (html(report), markdown(report)):
        assert "saturate" not in text


@pytest.mark.parametrize("made", [True, False])
def test_without_integers_there_is_nothing_to_say(made: bool) -> None:
    """A build of float and dynamic artifacts, and a report from before choices were told."""
    report = _only(sample_report(), "float32", "dynamic") if made else sample_report()
    if not made:
        del report["quantization"]
    assert files.fault(report) is None
    assert quantization.description(report) == quantization.saturation(report) == ""
    for text in (html(report), markdown(report)):
        assert "activations" not in text
        assert "saturate" not in text


def test_both_reports_show_what_was_chosen() -> None:
    for text in (html(sample_report()), markdown(sample_report())):
        places = [text.index(part) for part in ("75.0 %", "lstm has int16", "at most 0.020", "96.2 %", "0.04 %")]
        assert places == sorted(places)
