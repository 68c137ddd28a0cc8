"""Frames for `edgernn run`: what is read, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.run import read_frames

GOOD = "t,ax,ay\n0,1,2\n1,3,4.5\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("first", ["t", "ax"])
def test_the_channels_are_columns_by_name(mark: bytes, first: str, tmp_path: Path) -> None:
    text = GOOD if first == "t" else "ax,t,ay\n1,0,2\n3,1,4.5\n"
    (tmp_path / "x.csv").write_bytes(mark + text.encode())
    frames = read_frames(tmp_path / "x.csv", ("ay", "ax"))
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames, [[2, 1], [4.5, 3]])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("t,ax,ay\n", "has a header and no rows"),
        ("t,ax\n0,1\n", "the column ay is not in the header"),
        (GOOD.replace(",", ";"), "is the separator ';'? edgernn reads commas"),
        (GOOD.replace("4.5", "1e39"), "row 3, column ay: 1e39 is not a finite 32-bit number"),
        (GOOD.replace("4.5", "nan"), "row 3, column ay: nan is not a finite 32-bit number"),
        (GOOD.replace("4.5", "high"), "row 3, column ay: 'high' is not a number"),
        (GOOD.replace("4.5", ""), "row 3, column ay: the cell is empty"),
        (GOOD.replace(",4.5", ""), "row 3: has 2 cells, and the header has 3"),
        (GOOD.replace("4.5", "4.5,6"), "row 3: has 4 cells, and the header has 3"),
        (GOOD.replace("4.5", '"' + "4" * 200_000), "not CSV"),
    ],
)
def test_faults_name_file_and_row(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_frames(tmp_path / "x.csv", ("ax", "ay"))
    assert str(caught.value).startswith(str(tmp_path / "x.csv"))
    assert fault in str(caught.value)


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"ax,ay\n\xff,1\n")
    for path, fault in ((tmp_path / "x.csv", "not UTF-8"), (tmp_path, "directory"), (tmp_path / "y", "No such")):
        with pytest.raises(InputError, match=fault):
            read_frames(path, ("ax", "ay"))
