"""Running text in files: the user's own, and that of the catalog."""

from __future__ import annotations

import re
from pathlib import Path

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.csv_windows import not_utf8, telling
from edgernn.datasets.running_text import Work
from edgernn.datasets.running_text_sections import FileRunningText, RunningTextData
from edgernn.errors import InputError

# What Project Gutenberg puts around a text: everything up to and with the first line, and from the second on
_BEFORE = re.compile(r"\A.*?^\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG EBOOK[^\n]*\n", re.DOTALL | re.MULTILINE)
_AFTER = re.compile(r"^\*\*\* ?END OF TH(?:E|IS) PROJECT GUTENBERG EBOOK.*", re.DOTALL | re.MULTILINE)


def load(section: RunningTextData, base: Path) -> list[Work]:
    """The text of a file, or the texts of a folder in order of their names.

    Raises InputError when there is none, or when one is empty or not UTF-8; with the file.
    """
    assert isinstance(section, FileRunningText)
    path = base / section.path
    if not path.exists():
        raise InputError(f"{path}: no such file; correct data.path")
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: holds no *.txt file; correct data.path")
    return [Work(file.stem, _read(file)) for file in files]


def shakespeare(section: RunningTextData, base: Path) -> list[Work]:
    """Plays and poems, each by its first line, which is its title."""
    entry = CATALOG["shakespeare"]
    texts = fetch(entry).read_text("utf-8").split(entry.between)
    return [Work(text.partition("\n")[0].strip(), plain(text)) for text in texts]


def plain(text: str) -> str:
    """A text with lines that end as those of Unix, without what Project Gutenberg puts around it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _AFTER.sub("", _BEFORE.sub("", lines)).strip("\n") + "\n"


def _read(path: Path) -> str:
    with telling(path):
        read = path.read_bytes()
    try:
        text = plain(read.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise not_utf8(path, read[: error.start].count(b"\n") + 1) from None
    if not text.strip():
        raise InputError(f"{path}: is empty; write text into it, or correct data.path")
    return text
