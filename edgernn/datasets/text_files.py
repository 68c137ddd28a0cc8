"""The user's own texts: CSV whose first row names the columns, or JSON lines, an object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from edgernn.datasets.catalog import CATALOG, fetch
from edgernn.datasets.csv_windows import STANDARD_INPUT, checked, not_utf8, table, telling, text_file
from edgernn.datasets.sections import CatalogText, FileText, TextData
from edgernn.datasets.texts import Text
from edgernn.errors import InputError

JSON_LINES = (".jsonl", ".ndjson", ".json")
STEEPNESS = 1.5  # of shares by ratings: a mean of 1 is 82 % positive

Row = tuple[str, Mapping[str, object]]  # where it stands, and its cells by the names of their columns or keys


def load(section: TextData, base: Path) -> list[Text]:
    """The texts of a file, in its order.

    Raises InputError when it is missing, empty, not UTF-8 or of another kind, and when a row has no text or no
    label; with the file and the row, of which the first is 1.
    """
    assert isinstance(section, FileText)
    path = base / section.path
    columns = [name for name in (section.text, section.label, section.group) if name]
    found = [_text(place, row, section) for place, row in rows(path, columns)]
    if not found:
        raise InputError(f"{path}: holds no text; correct data.path")
    return found


def rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV file that has these columns, or of JSON lines, whose keys are read with `cell`.

    Raises InputError when the file is missing, empty, not UTF-8 or of another kind.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; data.path names a file of texts")
    if not path.is_file():
        raise InputError(f"{path}: no such file; correct data.path")
    return _json(path, columns) if path.suffix in JSON_LINES else _csv(path, columns)


def cell(place: str, row: Mapping[str, object], key: str) -> str:
    """Text, or a whole number or a truth value of JSON as text; what is empty is refused."""
    value = row.get(key)
    plain = json.dumps(value) if isinstance(value, bool | int) else value
    if plain is None or (isinstance(plain, str) and not plain.strip()):
        raise InputError(f"{place}: has no {key}; fill it in, or remove the row")
    if not isinstance(plain, str):
        raise InputError(f"{place}: its {key} is {str(value)[:40]!r}, which is no text; write it in quotes")
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise InputError(f"{place}: its {key} has half a surrogate pair, which is no character; mend it") from None
    return plain


def movie_reviews(section: TextData, base: Path) -> list[Text]:
    """Snippets that twenty people rated from -4 to 4: `positive` or `negative` by their mean; 0 is left out.

    The further the mean from 0, the larger the share of its label: one person out of that many would say so.
    """
    assert isinstance(section, CatalogText)
    lines = fetch(CATALOG["movie_reviews"]).read_text("utf-8").splitlines()
    found = [(number, float(rating), text) for number, rating, text in (line.split("\t") for line in lines)]
    return [_rated(f"snippet {number}", rating, text) for number, rating, text in found if rating != 0]


def _rated(place: str, rating: float, text: str) -> Text:
    positive = 1 / (1 + math.exp(-STEEPNESS * rating))
    shares = {"positive": positive, "negative": 1 - positive}
    return Text(text, "positive" if rating > 0 else "negative", "", place, shares)


def live(source: Path) -> bool:
    """Whether this is standard input, `-`: a stream that goes on, and that nobody can mend."""
    return str(source) == "-"


def lines(source: Path) -> Generator[tuple[int, str], None, None]:
    """The lines of a text file after their numbers, each as soon as it is there; `-` is standard input.

    Blank lines are left out. Raises InputError when it cannot be read, and at a line that is not UTF-8.
    """
    name = Path("standard input") if live(source) else source
    with telling(name), open(STANDARD_INPUT if live(source) else source, "rb", closefd=not live(source)) as file:
        for number, line in enumerate(iter(file.readline, b""), start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError:
                raise not_utf8(name, number) from None
            if text:
                yield number, text


def _csv(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    with telling(path), text_file(path) as file:
        reader = table(file, path, "\t" if path.suffix == ".tsv" else ",")
        names = [name.strip() for name in next(reader, [])]
        if not any(names):
            raise InputError(f"{path}: is empty; the first row must name the columns")
        for name in columns:
            if names.count(name) != 1:
                fault = "there twice" if name in names else f"not in the header, which has: {', '.join(names)}"
                raise InputError(f"{path}: the column {name} is {fault}; correct data or the header")
        for number, row in enumerate(reader, 2):
            if row and len(row) != len(names):
                raise InputError(
                    f"{path}, row {number}: has {len(row)} cells, and the header has {len(names)}; quote texts "
                    "that hold a comma"
                )
            if row:
                yield f"{path}, row {number}", dict(zip(names, row, strict=True))


def _json(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    with telling(path), text_file(path) as file:
        for number, line in enumerate(checked(file, path), 1):
            place = f"{path}, row {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{place}: is no JSON ({error}); write one object a line") from None
            if not isinstance(row, dict):
                raise InputError(f"{place}: is no JSON object; write one a line, with {' and '.join(columns)}")
            yield place, row


def _text(place: str, row: Mapping[str, object], section: FileText) -> Text:
    text, label = (cell(place, row, key) for key in (section.text, section.label))
    return Text(text, label.strip(), cell(place, row, section.group).strip() if section.group else "", place)
