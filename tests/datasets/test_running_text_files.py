"""Files of running text, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgernn.datasets import running_text_files
from edgernn.datasets.running_text_sections import CatalogRunningText, FileRunningText
from edgernn.errors import InputError

FRAMED = """\ufeffThe Project Gutenberg eBook of Songs
Title: Songs
*** START OF THE PROJECT GUTENBERG EBOOK SONGS ***

First line,
*** not a mark ***
last line.

*** END OF THE PROJECT GUTENBERG EBOOK SONGS ***
Updated editions will replace the previous one.
"""


def section(path: str) -> FileRunningText:
    return FileRunningText(source="running_text", path=path)


def test_a_file_is_one_text(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes("\ufeffÉté\r\nWinter\rspring".encode())
    (found,) = running_text_files.load(section("notes.txt"), tmp_path)
    assert (found.title, found.text) == ("notes", "Été\nWinter\nspring\n")


def test_the_text_files_of_a_folder_are_a_text_each(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / name).write_text(f"this is {name}")
    assert [one.title for one in running_text_files.load(section("."), tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("article", ["THE", "THIS"])
def test_what_project_gutenberg_puts_around_a_text_is_left_out(article: str, tmp_path: Path) -> None:
    (tmp_path / "songs.txt").write_text(FRAMED.replace("OF THE P", f"OF {article} P"), "utf-8")
    (found,) = running_text_files.load(section("songs.txt"), tmp_path)
    assert found.text == "First line,\n*** not a mark ***\nlast line.\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n\r\n", "is empty"),
        ("Herr\nMüller".encode("latin-1"), "line 2: not UTF-8 text; save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "line 1: not UTF-8 text"),
        ("plain".encode("utf-16"), "line 1: not UTF-8 text"),
    ],
)
def test_a_file_that_holds_no_text_is_refused(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(InputError) as caught:
        running_text_files.load(section("x.txt"), tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'x.txt'}")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no such file"):
        running_text_files.load(section("y.txt"), tmp_path)
    with pytest.raises(InputError, match=r"holds no \*\.txt file"):
        running_text_files.load(section("empty"), tmp_path)


def test_shakespeare_is_forty_two_texts() -> None:
    """Their titles are first lines; no text of one is in another, and nothing is around them."""
    found = running_text_files.shakespeare(CatalogRunningText(source="shakespeare"), Path())
    titles = [one.title for one in found]
    assert len(titles) == len(set(titles)) == 42
    assert all(title == title.upper() for title in titles)
    assert {"MACBETH", "THE SONNETS", "HAMLET, PRINCE OF DENMARK"} <= set(titles)
    assert all(one.text.count("by William Shakespeare") == 1 for one in found)
    assert not any("gutenberg" in one.text.lower() or "\f" in one.text for one in found)
