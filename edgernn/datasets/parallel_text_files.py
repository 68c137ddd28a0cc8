"""Parallel text in files: the user's own, and that of the catalog."""

from __future__ import annotations

import json
from pathlib import Path

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.parallel_text import Pair
from edgernn.datasets.parallel_text_sections import FileParallelText, ParallelTextData
from edgernn.datasets.text_files import cell, rows
from edgernn.errors import InputError

CONTEXT = "\x04"  # in a catalog of gettext, between what tells two equal texts apart and the text


def load(section: ParallelTextData, base: Path) -> list[Pair]:
    """The pairs of a file, in its order.

    Raises InputError when it is missing, empty, not UTF-8 or of another kind, and when a row lacks a side; with the
    file and the row, of which the first is 1.
    """
    assert isinstance(section, FileParallelText)
    path = base / section.path
    names = (section.text, section.becomes)
    found = [Pair(cell(at, row, names[0]), cell(at, row, names[1]), at) for at, row in rows(path, names)]
    if not found:
        raise InputError(f"{path}: holds no pair; correct data.path")
    return found


def jupyter_french(section: ParallelTextData, base: Path) -> list[Pair]:
    """What menus and messages of JupyterLab say in English and in French, each pair once.

    Of a text that counts it is the singular.
    """
    entry = CATALOG["jupyter_french"]
    files = fetch(entry).read_text("utf-8").split(entry.between)
    texts = [
        (text.rpartition(CONTEXT)[2], become[0])
        for file in files
        for text, become in json.loads(file).items()
        if text
    ]
    pairs = dict.fromkeys((text.strip(), become.strip()) for text, become in texts)
    return [Pair(text, become, f"{entry.name}, {text!r}") for text, become in pairs if text and become]
