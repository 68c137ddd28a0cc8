from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgernn.report import files, verdict
from edgernn.report.render import html, markdown, matrices, tiles

from .sample import ARTIFACTS, LABELS, NOT_RUN, forecast_report, sample_report

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = "a<script>alert(1)</script>|`$x$`*&\"'\n# b"


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page() -> str:
    return html(sample_report())


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    parsed = Page(page)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "base"}
    for _, attributes in parsed.tags:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "://" not in page
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?(.)", page))


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 600_000


def test_it_holds_the_verdict_every_artifact_and_every_reason(page: str) -> None:
    words = Page(page).words()
    assert verdict.reasons(sample_report()) in words
    for expected in [row[0] for row in ARTIFACTS] + [row[3] for row in NOT_RUN] + list(LABELS):
        assert expected in words


def test_the_page_starts_with_the_verdict(page: str) -> None:
    words = Page(page).words()
    order = ["8 of 8 gates", "Limit", "Accuracy against size", "Drift over time", "Confusion", "Of float",
             "Every artifact on every engine", "Reason", "multiply-accumulates", "BSD-3-Clause"]  # fmt: skip
    places = [words.index(mark) for mark in order]
    assert places == sorted(places)


def test_ids_are_unique_and_references_resolve(page: str) -> None:
    tags = Page(page).tags
    ids = [attributes["id"] for _, attributes in tags if attributes.get("id")]
    by_plot = [name for name in ids if page.count(f'id="{name}"') > 1]
    assert by_plot == []
    for target in re.findall(r"(?:url\(|href=\"|labelledby=\")#?([\w-]+)", page):
        assert target in ids


def test_it_is_accessible(page: str) -> None:
    tags = Page(page).tags
    assert ("html", {"lang": "en"}) in tags
    for tag, attributes in tags:
        if tag == "th":
            assert attributes["scope"] in {"row", "col", "colgroup"}
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
    headings = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))


def test_it_says_what_operators_and_latencies_mean(page: str) -> None:
    words = Page(page).words()
    for heading, note, following in (
        (
            "Operators and their arithmetic",
            "may run an ONNX QDQ operator in float",
            "Every artifact on every engine",
        ),
        ("Every artifact on every engine", "where a whole stream is timed and divided", "Skipped and failed"),
    ):
        assert words.index(heading) < words.index(note) < words.rindex(following)


def test_hostile_names_are_only_text() -> None:
    report = _hostile()
    text = html(report)
    parsed = Page(text)
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "<script>alert(1)</script>" in "".join(parsed.text)
    assert "<script" not in markdown(report)


def test_markdown_has_the_verdict_every_artifact_and_whole_tables() -> None:
    for report in (sample_report(), sample_report(False), _hostile()):
        text = markdown(report)
        width = 0
        for line in text.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert 0 in {cells, width} or cells == width, line
            width = cells
    text = markdown(sample_report())
    assert text.startswith("# activity\n\n**PASS**: 8 of 8 gates; ")
    assert all(f"| {row[0]} |" in text for row in ARTIFACTS)
    assert all(row[2] in text for row in NOT_RUN)


def test_the_recipe_is_in_both_as_yaml(page: str) -> None:
    report = sample_report()
    block = re.search(r"<code>(.*?)</code>", page, re.DOTALL)
    assert block is not None
    assert yaml.safe_load(unescape(block.group(1))) == report["recipe"]
    block = re.search(r"<pre>(.*?)</pre>", markdown(report), re.DOTALL)
    assert block is not None
    assert yaml.safe_load(unescape(block.group(1))) == report["recipe"]


def test_two_renders_are_equal(page: str) -> None:
    assert html(sample_report()) == page
    assert markdown(sample_report()) == markdown(sample_report())


def test_a_report_with_next_to_nothing_still_renders() -> None:
    report = sample_report() | {
        "gates": [],
        "results": [],
        "artifacts": [],
        "drift_over_time": [],
        "keras": None,
    }
    report["metric"] |= {"labels": [], "float_confusion": None, "confusion": []}
    assert files.fault(report) is None
    words = Page(html(report)).words()
    assert "The recipe sets no gates." in words
    assert "Nothing ran" in words
    assert markdown(report).startswith("# activity")


def test_exact_drift_has_no_place_on_a_logarithmic_axis_but_renders() -> None:
    report = sample_report()
    for point in report["drift_over_time"]:
        point |= {"mean_abs_error": 0.0, "max_abs_error": 0.0}
    assert "Max error at the end" in Page(html(report)).words()


def test_matrices_tell_the_change_against_float() -> None:
    report = sample_report()
    reference, first, second = matrices(report)
    assert reference.change is None
    assert first.change is not None
    assert first.change[0][:3] == (-1, 1, 0)
    assert second.title == "c/int8 on c"
    assert sum(map(sum, first.counts)) == sum(map(sum, reference.counts))


def test_tiles_compare() -> None:
    told = {tile.name: (tile.value, tile.note) for tile in tiles(sample_report())}
    assert told["Float accuracy"] == ("0.873", "baseline: random forest 0.841")
    assert told["int8 size"] == ("12.9 kB", "34 % of float's 38.4 kB")
    assert told["int8 latency"] == ("96 µs", "a sequence, c; Keras 2.1 ms")


def test_tiles_of_a_regression_speak_of_an_error() -> None:
    told = {tile.name: (tile.value, tile.note) for tile in tiles(forecast_report())}
    assert told["Float RMSE"] == ("12.3", "baseline: seasonal naive 20.5")
    assert told["int8 RMSE"] == ("12.3", "worst engine, +0.0030 against float")
    assert told["Agreement"] == ("99.1 %", "within the tolerance of float, of 1,040")
    plain = {tile.name: tile.note for tile in tiles(sample_report())}
    assert plain["int8 accuracy"] == ("worst engine, −0.3 points against float")


def test_a_regression_has_no_confusion_and_its_own_headings() -> None:
    report = forecast_report()
    page, text = Page(html(report)), markdown(report)
    words = page.words()
    assert matrices(report) == ()
    assert "RMSE against size and latency" in words
    assert "RMSE on the 188 windows" in words
    assert "RMSE on the 188 windows" in text
    assert "(RMSE 12.3, seasonal\\_naive 20.5)" in text
    for shown in (words, text):
        assert "onfusion" not in shown
        assert "ccuracy" not in shown


def test_a_stream_shorter_than_a_window_says_what_it_cannot_compare() -> None:
    report = forecast_report()
    report["streaming"] |= {"windows": 0, "float": {"windowed": None, "streaming": None}}
    for row in report["streaming"]["artifacts"]:
        row |= {"windowed": None, "streaming": None}
    assert "so there is no RMSE to compare" in Page(html(report)).words()


CSS = (Path(files.__file__).parent / "report.css").read_text("utf-8")


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_wcag_asks_for(dark: bool) -> None:
    """WCAG 2.1, 1.4.3: at least 4.5 to 1 for text."""
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS.split("@media screen")[int(dark)].split("}")[0]))
    text = ("ink", "muted", "pass", "fail", "float32", "dynamic", "int8", "int16x8")
    pairs = [(name, "paper") for name in text] + [("ink", "wash"), ("muted", "wash")]
    pairs += [(name, f"{tone}-wash") for tone in ("pass", "fail") for name in ("ink", "muted", tone)]
    for front, back in [*pairs, ("paper", "pass"), ("paper", "fail")]:
        assert _contrast(colours[front], colours[back]) >= 4.5, (front, back)


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hostile() -> dict[str, Any]:
    report = sample_report()
    old = report["artifacts"][0]["name"]
    for row in [*report["artifacts"], *report["results"], *report["drift_over_time"]]:
        for key in ("name", "artifact"):
            if row.get(key) == old:
                row[key] = HOSTILE.replace("\n", " ")
    report["results"][-1]["reason"] = report["results"][3]["engine"] = HOSTILE
    report["gates"][0] |= {"where": HOSTILE, "name": HOSTILE}
    report["machine"][HOSTILE] = report["recipe"][HOSTILE] = HOSTILE
    report["metric"]["labels"][0] = report["metric"]["name"] = report["metric"]["baseline"]["name"] = HOSTILE
    layer, chosen = report["network"]["layers"][0], report["quantization"]
    layer["name"] = layer["density"][0]["matrix"] = HOSTILE
    chosen["precisions"][HOSTILE] = chosen["mixes"][0]["choice"][HOSTILE] = "int16x8"
    chosen["saturation"][HOSTILE] = 0.5
    assert files.fault(report | {"name": HOSTILE}) is None
    return report | {"name": HOSTILE}
