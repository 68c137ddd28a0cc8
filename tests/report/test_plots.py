from __future__ import annotations

import re
from typing import Any, get_args
from xml.etree import ElementTree

import pytest

from edgernn.network import Precision
from edgernn.report import drift, plots
from edgernn.report.marks import COLOURS, PRECISIONS, engines, precisions

from .sample import ARTIFACTS, RAN, sample_report


def _texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("text")]


@pytest.mark.parametrize(
    "draw",
    [
        plots.size_plot,
        plots.latency_plot,
        lambda report: drift.plot(report, "max"),
        lambda report: drift.state_plot(report, "mean"),
    ],
)
def test_a_plot_is_well_formed_scalable_and_takes_its_colours_from_the_page(draw: Any) -> None:
    svg = draw(sample_report())
    root = ElementTree.fromstring(svg)
    assert set(root.attrib) == {"class", "role", "aria-label", "viewBox"}
    assert not re.search(r"#0000[01][0-9a-f]", svg)
    assert set(re.findall(r"var\(--([\w]+)\)", svg)) <= set(COLOURS) | {"sans"}
    assert "DejaVu" not in svg


@pytest.mark.parametrize(
    ("draw", "left_out"), [(plots.size_plot, {"c/int8", "c/int16x8"}), (plots.latency_plot, set())]
)
def test_every_artifact_is_named_once_and_the_lines_are_told(draw: Any, left_out: set[str]) -> None:
    """The size of C is that of its source text, which is not a size to compare."""
    texts = _texts(draw(sample_report()))
    for row in ARTIFACTS:
        assert texts.count(row[0]) == (row[0] not in left_out)
    assert texts.count("float Keras 0.873") == 1
    assert texts.count("random forest 0.841") == 1


def test_keras_stands_in_the_latency_plot_only() -> None:
    assert "Keras" in _texts(plots.latency_plot(sample_report()))
    assert "Keras" not in _texts(plots.size_plot(sample_report()))


def test_labels_do_not_overlap_as_drawn() -> None:
    """Boxes from the text's own anchor, with 0.55 em a character."""
    svg = plots.latency_plot(sample_report())
    names = {row[0] for row in ARTIFACTS}
    boxes = []
    for text in ElementTree.fromstring(svg).iter("text"):
        if text.text in names:
            x, y = float(text.get("x") or 0), float(text.get("y") or 0)
            assert "text-anchor: middle" in (text.get("style") or "")
            half = 0.5 * 0.55 * 9 * len(text.text)
            boxes.append((x - half, y - 8, x + half, y))
    assert len(boxes) == len(names)
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])


def test_nothing_measured_gives_no_plot() -> None:
    report = sample_report() | {"drift_over_time": []}
    for row in report["results"]:
        row["latency_us"] = None
    assert plots.latency_plot(report) == ""
    assert drift.plot(report, "mean") == ""
    assert plots.size_plot(report) != ""
    assert plots.size_plot(report | {"results": []}) == ""


def test_one_point_alone_has_finite_limits() -> None:
    report = sample_report()
    report["metric"]["baseline"]["value"] = 0.873
    report["results"] = [row for row in report["results"] if row["artifact"] == "model.float32.onnx"]
    assert "nan" not in plots.size_plot(report)


def test_series_are_in_order_of_step_and_of_final_error() -> None:
    report = sample_report()
    report["drift_over_time"].reverse()
    found = drift.series(report)
    assert len(found) == len({(row[0], row[1]) for row in RAN if row[0] != "network"})
    assert all(list(one.steps) == sorted(one.steps) for one in found)
    assert [one.max[-1] for one in found] == sorted((one.max[-1] for one in found), reverse=True)


def test_every_precision_has_a_colour_and_a_place_in_the_legend() -> None:
    assert {*PRECISIONS} == {*get_args(Precision)}
    assert {*PRECISIONS} <= {*COLOURS}


def test_marks_tell_engines_apart() -> None:
    marks = engines(sample_report())
    assert list(marks) == ["litert", "litert-ref", "tflm", "onnxruntime", "c", "keras"]
    assert len({mark.path for mark in marks.values()}) == len(marks)
    assert len({mark.dash for mark in marks.values()}) == len(marks)
    assert marks["litert"].dash == ()
    assert precisions(sample_report()) == ("float32", "dynamic", "int8", "int16x8")
