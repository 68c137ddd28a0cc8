from __future__ import annotations

from typing import Any

import pytest

from edgernn.report import files, samples
from edgernn.report.render import html, markdown

from .sample import sample_report

TEXTS = [
    {
        "prompt": "ROMEO:",
        "written": [
            {"artifact": "network", "engine": "numpy", "text": "\nWhat *light* <b>"},
            {"artifact": "c/int8", "engine": "c", "text": "\nWhat *night* &c."},
        ],
        "part_after": 7,
    },
    {"prompt": "", "written": [{"artifact": "network", "engine": "numpy", "text": "Alone."}], "part_after": None},
]


def report(texts: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    rule = {"rule": "sample", "temperature": 0.7, "top_k": 20}
    found = {"rule": rule, "seed": 3, "length": 300, "texts": TEXTS if texts is None else texts}
    return sample_report() | {"samples": found}


def test_a_report_has_them_or_not() -> None:
    assert files.fault(report()) is None
    assert samples.description(sample_report()) == ""
    assert samples.samples(sample_report()) == []
    assert 'id="samples"' not in html(sample_report())
    assert "## Samples" not in markdown(sample_report())


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": 0},
        {"texts": []},
        {"rule": {"temperature": 0, "top_k": 1}},
        {"texts": [{"prompt": "x", "written": [], "part_after": None}]},
        {"texts": [{"prompt": "x", "written": TEXTS[0]["written"], "part_after": -1}]},
    ],
)
def test_the_schema_refuses_wrong_ones(wrong: dict[str, Any]) -> None:
    found = report()
    found["samples"] |= wrong
    assert files.fault(found) is not None


@pytest.mark.parametrize(
    ("prompt", "apart", "count", "told"),
    [
        ("ROMEO:\n", 7, 2, "After “ROMEO:”: the first 7 tokens are the same."),
        ("A", None, 2, "After “A”: the same to the end."),
        ("A", 0, 2, "After “A”: they part at once."),
        ("", 7, 2, "Without a prompt: the first 7 tokens are the same."),
        ("A", None, 1, "After “A”; no int8 C ran here."),
    ],
)
def test_the_caption_says_where_they_part(prompt: str, apart: int | None, count: int, told: str) -> None:
    text = {"prompt": prompt, "written": TEXTS[0]["written"][:count], "part_after": apart}
    assert [one.caption for one in samples.samples(report([text]))] == [told]


def test_all_tokens_or_the_likeliest_are_told() -> None:
    found = report()
    assert "among the 20 likeliest by the softmax of its score divided by 0.70" in samples.description(found)
    found["samples"]["rule"]["top_k"] = 0
    assert "drawn among all by the softmax" in samples.description(found)


def test_both_reports_show_them_as_they_are() -> None:
    """No mark of HTML or Markdown in a text has an effect."""
    page, plain = html(report()), markdown(report())
    for text in (page, plain):
        assert "300 tokens after a prompt at most" in text
        assert "\nROMEO:\nWhat *light* &lt;b&gt;" in text.replace('<pre tabindex="0">', "\n")
        assert "What *night* &amp;c." in text
        assert "c/int8 on c" in text
