"""CSV recordings against NumPy's own reader, and every way in which a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn.datasets import csv_windows
from edgernn.datasets.sections import CsvData
from edgernn.datasets.series import Recordings
from edgernn.datasets.splits import LeftOut
from edgernn.errors import InputError

GOOD = "t,who,what,ax,ay\n0,ann,sit,1,2\n1,ann,sit,3,4\n2,ann,walk,5,6\n3,bob,walk,7,8\n"


def section(path: str = "d.csv", **changes: object) -> CsvData:
    keys = {"label": "what", "group": "who", "columns": ["ax", "ay"], "window": 2, **changes}
    return CsvData.model_validate({"source": "csv", "path": path, **keys})


def load(folder: Path, content: str | bytes, **changes: object) -> Recordings:
    data = content.encode() if isinstance(content, str) else content
    (folder / "d.csv").write_bytes(data)
    return csv_windows.load(section(**changes), folder)


def fault(folder: Path, content: str | bytes, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        load(folder, content, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(str(folder / "d.csv"))


def described(recordings: Recordings) -> list[tuple[str, str, list[float]]]:
    """Label, group and first channel of every recording."""
    return [(one.label, one.group, one.values[:, 0].tolist()) for one in recordings.series]


def test_values_are_what_numpy_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_windows, "_CHUNK", 7)
    values = np.random.default_rng(0).standard_normal((50, 3)) * 10.0 ** np.arange(-20, 30)[:, None]
    path = tmp_path / "d.csv"
    np.savetxt(path, values, delimiter=",", header="ax,ay,az", comments="", fmt="%.17g")
    other = tmp_path / "e.csv"
    other.write_bytes(path.read_bytes())
    recordings = csv_windows.load(section(".", columns=["az", "ax"], label="file", group="folder"), tmp_path)
    expected = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)[:, [2, 0]]
    assert [one.label for one in recordings.series] == ["d.csv", "e.csv"]
    assert recordings.channels == ("az", "ax")
    np.testing.assert_array_equal(recordings.series[0].values, expected)


def test_a_recording_ends_where_label_or_group_changes(tmp_path: Path) -> None:
    assert described(load(tmp_path, GOOD)) == [
        ("sit", "ann", [1, 3]),
        ("walk", "ann", [5]),
        ("walk", "bob", [7]),
    ]


def test_a_series_column_separates_interleaved_recordings(tmp_path: Path) -> None:
    text = "rec,who,what,ax,ay\n1,ann,sit,1,0\n2,bob,walk,2,0\n1,ann,sit,3,0\n2,bob,walk,4,0\n1,ann,run,5,0\n"
    recordings = load(tmp_path, text, series="rec")
    assert described(recordings) == [("sit", "ann", [1, 3]), ("run", "ann", [5]), ("walk", "bob", [2, 4])]
    assert recordings.labels == ("run", "sit", "walk")


def test_folders_name_the_classes(tmp_path: Path) -> None:
    for label, name in (("walk", "a"), ("walk", "b"), ("sit", "a")):
        path = tmp_path / "data" / label / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ax,ay\n1,2\n3,4\n")
    recordings = csv_windows.load(section("data", label="folder", group="file"), tmp_path)
    assert [(one.label, one.group) for one in recordings.series] == [
        ("sit", "sit/a.csv"),
        ("walk", "walk/a.csv"),
        ("walk", "walk/b.csv"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n\n",
        GOOD.replace("\n", "\n\n"),
        GOOD.replace(",", " , "),
        GOOD.replace("sit", '"sit"').replace("1,2", '"1","2"'),
    ],
    ids=["byte order mark", "crlf", "blank end", "blank between", "spaces", "quotes"],
)
def test_the_ways_of_writing_csv(tmp_path: Path, text: str) -> None:
    assert described(load(tmp_path, text)) == described(load(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": is empty; the first row must name the columns"),
        ("\n\n", ": is empty; the first row must name the columns"),
        ("who,what,ax,ay\n", ": has a header and no rows"),
        ("who,what,ax,ay\n\n\n", ": has a header and no rows"),
        ("who,what,ax\na,b,1\n", ": the column ay is not in the header, which has: who, what, ax"),
        (
            "who;what;ax;ay\na;b;1;2\n",
            ": the column ax is not in the header, which has: who;what;ax;ay"
            "; is the separator ';'? edgernn reads commas",
        ),
        (
            "who\twhat\tax\tay\na\tb\t1\t2\n",
            ": the column ax is not in the header, which has: who\twhat\tax\tay"
            "; is the separator a tab? edgernn reads commas",
        ),
        ("who,what,ax,ay,ax\na,b,1,2,3\n", ": the column ax is there twice"),
        (GOOD.replace("5,6", "five,6"), ", row 4, column ax: 'five' is not a number"),
        (GOOD.replace("5,6", "5,"), ", row 4, column ay: the cell is empty" + csv_windows.HOLD),
        (GOOD.replace("5,6", "nan,6"), ", row 4, column ax: nan is not a finite 32-bit number"),
        (GOOD.replace("5,6", "5,-inf"), ", row 4, column ay: -inf is not a finite 32-bit number"),
        (GOOD.replace("5,6", "5,1e39"), ", row 4, column ay: 1e39 is not a finite 32-bit number"),
        (GOOD.replace("2,ann,walk", "2,ann, "), ", row 4, column what: the cell is empty"),
        (GOOD.replace("5,6", "5,6,7"), ", row 4: has 6 cells, and the header has 5"),
        (GOOD.replace("\n3,", "\n\n3,").replace("7,8", "7,x"), ", row 6, column ay: 'x' is not a number"),
        (b"who,what,ax,ay\n\xff,b,1,2\n", ", line 2: not UTF-8 text; save it as UTF-8"),
        (
            "who,what,ax,ay\n" + "a" * 200_000 + ",b,1,2\n",
            ", row 2: not CSV: field larger than field limit (131072); is each quote closed?",
        ),
        (GOOD + '1,ann,"walk,1,2\n', ", row 6: not CSV: unexpected end of data; is each quote closed?"),
    ],
)
def test_faults_name_file_row_and_column(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert fault(tmp_path, content) == message


def test_empty_cells_are_held_within_a_recording(tmp_path: Path) -> None:
    text = GOOD + "4,bob,walk,,9\n5,bob,walk,,9\n6,bob,walk,1,9\n7,bob,sit,,9\n8,bob,sit,2,9\n"
    recordings = load(tmp_path, text, hold=1)

    assert described(recordings) == [
        ("sit", "ann", [1, 3]),
        ("walk", "ann", [5]),
        ("walk", "bob", [7, 7]),  # the second empty cell is one too many
        ("walk", "bob", [1]),
        ("sit", "bob", [2]),  # of another recording nothing is held
    ]
    assert (recordings.hold, recordings.left_out) == (
        1,
        (
            LeftOut(1, "empty cells", "data.hold: 1", filled=True),
            LeftOut(2, "rows", "an empty cell, and no value in the 1 rows before"),
        ),
    )
    assert fault(tmp_path, text) == ", row 6, column ax: the cell is empty" + csv_windows.HOLD
    nothing = ": no row has a value in each of ax, ay, or one before to hold"
    assert fault(tmp_path, "who,what,ax,ay\nann,sit,,1\n", hold=5) == nothing


def test_rows_are_counted_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_windows, "_CHUNK", 2)
    assert fault(tmp_path, GOOD.replace("7,8", "7,?")) == ", row 5, column ay: '?' is not a number"


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such file or folder; correct data\.path$"):
        csv_windows.load(section("none"), tmp_path)
    with pytest.raises(InputError, match=r"the folder holds no \.csv file$"):
        csv_windows.load(section("."), tmp_path)
