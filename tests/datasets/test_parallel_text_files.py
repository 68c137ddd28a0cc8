"""Files of parallel text, and every way in which they can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgernn.datasets import parallel_text_files
from edgernn.datasets.parallel_text import Pair
from edgernn.datasets.parallel_text_sections import CatalogParallelText, FileParallelText
from edgernn.errors import InputError

FAULTS = {
    "empty": ("x.csv", b"", "is empty"),
    "no rows": ("x.csv", b"en,fr\n", "holds no pair; correct data.path"),
    "no column": ("x.csv", b"en,de\na,b\n", "the column fr is not in the header, which has: en, de"),
    "no text": ("x.tsv", b"en\tfr\n \tb\n", "row 2: has no en; fill it in, or remove the row"),
    "nothing that it becomes": ("x.csv", b"en,fr\na,\n", "row 2: has no fr"),
    "no key": ("x.jsonl", b'{"en": "a"}\n', "row 1: has no fr"),
    "no object": ("x.jsonl", b"[1]\n", "row 1: is no JSON object; write one a line, with en and fr"),
    "not UTF-8": ("x.csv", b"en,fr\n\xff,b\n", "not UTF-8 text; save it as UTF-8"),
}


def section(path: str) -> FileParallelText:
    return FileParallelText(source="parallel_text", path=path, text="en", becomes="fr")


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl"])
def test_pairs_are_read_in_their_order(name: str, tmp_path: Path) -> None:
    rows = [("cat", "chat", "1"), ("été", "summer", "2")]
    if name == "x.jsonl":
        lines = [json.dumps({"fr": fr, "en": en, "id": n}) for en, fr, n in rows]
    else:
        lines = [("\t" if name == "x.tsv" else ",").join(one) for one in (("en", "fr", "id"), *rows)]
    (tmp_path / name).write_text("\n".join(lines), "utf-8")
    first = 1 if name == "x.jsonl" else 2
    assert parallel_text_files.load(section(name), tmp_path) == [
        Pair(en, fr, f"{tmp_path / name}, row {first + i}") for i, (en, fr, _) in enumerate(rows)
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_the_file_and_what_to_do(fault: str, tmp_path: Path) -> None:
    name, content, message = FAULTS[fault]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        parallel_text_files.load(section(name), tmp_path)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.csv: no such file; correct data\.path"):
        parallel_text_files.load(section("x.csv"), tmp_path)


def test_jupyter_says_the_same_in_english_and_in_french() -> None:
    found = parallel_text_files.jupyter_french(CatalogParallelText(source="jupyter_french"), Path())
    pairs = {(one.text, one.becomes) for one in found}
    assert len(pairs) == len(found) == 3240
    assert ("Download Hidden Files", "Télécharger les fichiers cachés") in pairs
    assert ("%1 cell hidden", "%1 cellule masquée") in pairs  # the singular
    assert all(one.text.strip() and one.becomes.strip() and "\x04" not in one.text for one in found)
