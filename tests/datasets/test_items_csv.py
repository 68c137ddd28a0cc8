"""Items in CSV: what is written is read, and every way in which a file can be wrong."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_files import GOOD, read

from edgernn.datasets import items_csv
from edgernn.datasets.items_csv import Row
from edgernn.errors import InputError

CODE = st.sampled_from(["85123A", "85123a", "é, 1", '"q"', "0"])
ROW = st.tuples(st.sampled_from(["1", "b, c", "ä"]), st.integers(0, 50), CODE)


def fault(folder: Path, content: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(str(folder / "i.csv"))


@given(st.lists(ROW, min_size=1, max_size=30))
def test_what_is_written_is_read(rows: list[tuple[str, int, str]]) -> None:
    """Baskets among each other, in order of time; codes as they are written."""
    rows = sorted(rows, key=lambda row: row[1])
    text = io.StringIO()
    csv.writer(text).writerows([("order", "when", "article"), *rows])
    with TemporaryDirectory() as folder:
        found = read(Path(folder), text.getvalue())
    for basket, name in zip(found, dict.fromkeys(name for name, *_ in rows), strict=True):
        own = [row for row in rows if row[0] == name]
        assert (basket.name, basket.time) == (name, own[-1][1])
        assert basket.items == tuple(code for *_, code in own)
        assert basket.place.endswith(f"i.csv, row {rows.index(own[0]) + 2}")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("article\n", "code\n", ": the column article is not in the header, which has: order, when, code"),
        ("o0,0,x", "o0,0,", ", row 2, column article: the cell is empty; name the item, or remove the row"),
        ("o0,0,x", ",0,x", ", row 2, column order: the cell is empty; name the item's basket, or remove the row"),
        ("o0,0,x", "o0,,x", ", row 2, column when: the cell is empty; give its time, or remove the row"),
        ("o0,0,x", "o0,noon,x", ", row 2, column when: 'noon' is neither a number nor a time"),
        (
            "o0,0,A1",
            "o0,-1,A1",
            ", row 3, column when: -1 is before 0 of row 2, the item before of its basket; sort",
        ),
        (
            "o0,0,A1",
            "o0,2026-01-31 13:00:00,A1",
            ", row 3, column when: '2026-01-31 13:00:00' is written in another",
        ),
        ("o0,0,x", "o0,0,<unk>", ", row 2, column article: <unk> stands for items that are not known"),
        ("o0,0,x", "o0,0", ", row 2: has 2 cells, and the header has 3"),
        (GOOD, "", ": is empty; the first row must name the columns"),
        (GOOD, "order,when,article\n", ": has a header and no rows"),
    ],
)
def test_a_fault_is_told_with_its_place(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert fault(tmp_path, GOOD.replace(old, new, 1)).startswith(told)


def test_what_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_bytes(GOOD.replace("A1", "é").encode("latin-1"))
    with pytest.raises(InputError, match=r"i\.csv, line 3: not UTF-8 text; save it as UTF-8"):
        items_csv.load(read.__globals__["section"](), tmp_path)


def test_rows_are_given_as_they_come(tmp_path: Path) -> None:
    """With the rows before a fault; a column of baskets may be missing."""
    path = tmp_path / "x.csv"
    path.write_text("article,note,order\n A1 ,,7\n\nb,,8\nc\n")
    found = items_csv.rows(path, "order", "article")
    assert [next(found), next(found)] == [Row(2, "7", "A1"), Row(4, "8", "b")]
    with pytest.raises(InputError, match=r"x\.csv, row 5: has 1 cells, and there are 3 columns"):
        next(found)
    path.write_text("article\nA1\n")
    assert list(items_csv.rows(path, "order", "article")) == [Row(2, "", "A1")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"order,code\n1,a\n", "the column article is not in the header"),
        (b"article\n\n \n", r"row 3, column article: the cell is empty"),
        (b"article\n\xff\n", "not UTF-8"),
    ],
)
def test_rows_that_cannot_be_read_are_refused(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(InputError, match=told):
        list(items_csv.rows(tmp_path / "x.csv", "order", "article"))
