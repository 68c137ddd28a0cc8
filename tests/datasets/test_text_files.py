"""The user's own texts: what Python's csv and json wrote comes back, and anything else is refused in one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgernn.datasets import text_files
from edgernn.datasets.sections import FileText
from edgernn.errors import InputError

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1).filter(str.strip)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5)
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)


def section(name: str, **changes: object) -> FileText:
    keys = {"source": "text", "path": name, "text": "said", "label": "is", "group": "by"}
    return FileText.model_validate({**keys, **changes})


@SAME_FOLDER
@given(rows=ROWS)
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl"])
def test_what_is_written_is_read(name: str, rows: list[tuple[str, str, str]], tmp_path: Path) -> None:
    with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
        if name == "x.jsonl":
            file.writelines(json.dumps({"by": g, "said": t, "is": y}) + "\n" for t, y, g in rows)
        else:
            writer = csv.writer(file, delimiter="\t" if name == "x.tsv" else ",")
            writer.writerows([("by", "said", "is"), *((g, t, y) for t, y, g in rows)])
    found = text_files.load(section(name), tmp_path)
    assert [(one.text, one.label, one.group) for one in found] == [(t, y.strip(), g.strip()) for t, y, g in rows]


def test_numbers_and_truth_values_of_json_are_labels(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"said": "a", "is": 3}\n\n{"said": "b", "is": true}\n')
    found = text_files.load(section("x.jsonl", group=None), tmp_path)
    assert [(one.label, one.group, one.place.rpartition(", ")[2]) for one in found] == [
        ("3", "", "row 1"),
        ("true", "", "row 3"),
    ]


FAULTS = {
    "empty": ("x.csv", b"", "is empty"),
    "no rows": ("x.csv", b"said,is,by\n", "holds no text"),
    "no JSON rows": ("x.jsonl", b"\n", "holds no text"),
    "no column": ("x.csv", b"said,by\na,b\n", "the column is is not in the header, which has: said, by"),
    "a column twice": ("x.csv", b"said,is,is,by\na,b,c,d\n", "the column is is there twice"),
    "a comma too many": ("x.csv", b"said,is,by\na,b,c\nwell, no,b,c\n", "row 3: has 4 cells, and the header has 3"),
    "no text": ("x.csv", b"said,is,by\n ,b,c\n", "row 2: has no said; fill it in, or remove the row"),
    "no label": ("x.csv", b"said,is,by\na,,c\n", "row 2: has no is"),
    "no key": ("x.jsonl", b'{"said": "a", "by": "b"}\n', "row 1: has no is"),
    "null": ("x.jsonl", b'{"said": null, "is": "y", "by": "b"}\n', "row 1: has no said"),
    "a list": (
        "x.jsonl",
        b'{"said": ["a"], "is": "y", "by": "b"}\n',
        "row 1: its said is \"['a']\", which is no",
    ),
    "no object": ("x.jsonl", b'["a"]\n', "row 1: is no JSON object"),
    "no JSON": ("x.jsonl", b'{"said": "a", "is": "b", "by": "c"}\n{said: a}\n', "row 2: is no JSON"),
    "deep JSON": ("x.jsonl", b"[" * 100_000, "row 1: is no JSON"),
    "half a pair": ("x.jsonl", b'{"said": "\\ud800", "is": "y", "by": "b"}\n', "half a surrogate pair"),
    "not UTF-8": ("x.csv", b"said,is,by\n\xff,b,c\n", "x.csv, line 2: not UTF-8 text; save it as UTF-8"),
    "JSON that is not UTF-8": (
        "x.jsonl",
        b'{"said": "\xff"}\n',
        "x.jsonl, line 1: not UTF-8 text; save it as UTF-8",
    ),
    "an open quote": ("x.csv", b'said,is,by\na,b,c\n"a,b,c\n', "row 3: not CSV: unexpected end of data; is each"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_the_file_and_what_to_do(fault: str, tmp_path: Path) -> None:
    name, content, message = FAULTS[fault]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        text_files.load(section(name), tmp_path)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.csv: no such file; correct data\.path"):
        text_files.load(section("x.csv"), tmp_path)


def test_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    with pytest.raises(InputError, match=r"texts: is a folder; data\.path names a file of texts"):
        text_files.load(section("texts"), tmp_path)


def test_lines_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfone\r\n\n two \n\xff\n")
    lines = text_files.lines(tmp_path / "x")
    assert [next(lines), next(lines)] == [(1, "one"), (3, "two")]
    with pytest.raises(InputError, match="line 4: not UTF-8"):
        next(lines)
