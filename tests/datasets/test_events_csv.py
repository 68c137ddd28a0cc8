"""Events in CSV: what is written is read, and every way in which a file can be wrong."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from event_files import GOOD, read, section
from hypothesis import given
from hypothesis import strategies as st

from edgernn.datasets import events_csv
from edgernn.errors import InputError

ROWS = GOOD.splitlines()
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
EVENT = st.tuples(
    st.sampled_from(["a", "b, c", "ä"]), st.integers(0, 50), st.none() | FLOATS, st.sampled_from("xy")
)


def fault(folder: Path, content: str, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(str(folder / "e.csv"))


def changed(row: int, **cells: str) -> str:
    """`GOOD` with other cells in a row (the header is row 1)."""
    names = ROWS[0].split(",")
    own = dict(zip(names, ROWS[row - 1].split(","), strict=True)) | cells
    return "\n".join([*ROWS[: row - 1], ",".join(own.values()), *ROWS[row:]]) + "\n"


@given(st.lists(EVENT, min_size=1, max_size=30))
def test_what_is_written_is_read(events: list[tuple[str, int, float | None, str]]) -> None:
    events = sorted(events, key=lambda event: event[1])  # in order of time, entities among each other
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["who", "when", "heat", "kind", "state"])
    writer.writerows(
        [who, when, "" if heat is None else repr(heat), kind, kind] for who, when, heat, kind in events
    )
    with TemporaryDirectory() as folder:
        found = read(Path(folder), text.getvalue(), columns=["heat"], answer="event")
    order = sorted(range(len(events)), key=lambda i: found.entities.index(events[i][0]))
    wanted = [events[i] for i in order]
    assert [found.entities[one] for one in found.entity] == [who for who, *_ in wanted]
    assert found.time.tolist() == [when for _, when, *_ in wanted]
    heat = np.array([np.nan if heat is None else heat for _, _, heat, _ in wanted], np.float32)
    np.testing.assert_array_equal(found.values[:, 0], heat)
    assert [found.texts["kind"].names[code] for code in found.texts["kind"].codes] == [kind for *_, kind in wanted]
    assert found.row.tolist() == [i + 2 for i in order]


def test_calendar_times_are_days(tmp_path: Path) -> None:
    times = [datetime(2026, 1, 31, 13) + timedelta(hours=6 * i) for i in range(3)]
    rows = "".join(f"a,{time},1,{i},x,y\n" for i, time in enumerate(times))
    found = read(tmp_path, ROWS[0] + "\n" + rows)
    assert found.unit == "days"
    np.testing.assert_allclose(np.diff(found.time), 0.25, rtol=1e-9)


def test_an_empty_text_is_missing(tmp_path: Path) -> None:
    assert read(tmp_path, changed(2, kind="")).texts["kind"].codes[0] == -1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", ": is empty; the first row must name the columns"),
        (ROWS[0] + "\n", ": has a header and no rows"),
        (GOOD.replace("heat", "cold"), ": the column heat is not in the header, which has: who, when, cold,"),
        (GOOD + 'm12,0,1,1,a,"ok\nm12,1,1,1,a,ok\n', ", row 50: not CSV: unexpected end of data; is each quote"),
        (GOOD + "m1,9\n", ", row 50: has 2 cells, and the header has 6"),
        (changed(3, who=""), ", row 3, column who: the cell is empty; name whose event it is, or remove the row"),
        (changed(3, when=""), ", row 3, column when: the cell is empty; give its time, or remove the row"),
        (changed(3, when="soon"), ", row 3, column when: 'soon' is neither a number nor a time; write it as 2026-"),
        (changed(3, when="inf"), ", row 3, column when: inf is not a finite number"),
        (changed(3, when="2026-01-31"), ", row 3, column when: '2026-01-31' is written in another way than the"),
        (changed(3, when="-1"), ", row 3, column when: -1 is before 0 of row 2, the event before of m0; sort the"),
        (changed(3, heat="x"), ", row 3, column heat: 'x' is not a number; a missing value is an empty cell"),
        (changed(3, heat="nan"), ", row 3, column heat: nan is not a finite 32-bit number; a missing value is"),
        (changed(3, heat="1e39"), ", row 3, column heat: 1e39 is not a finite 32-bit number; a missing value is"),
        (changed(3, state=""), ", row 3, column state: the cell is empty; give the answer, or remove the row"),
        (
            changed(3, state="ok"),
            ", row 3, column state: ok is not bad of row 2, and m0 has one answer; correct one",
        ),
    ],
)
def test_what_a_file_has_wrong_is_told_in_one_line(content: str, told: str, tmp_path: Path) -> None:
    assert fault(tmp_path, content).startswith(told)


def test_a_quantity_is_a_number(tmp_path: Path) -> None:
    assert fault(tmp_path, GOOD, predict="quantity").startswith(", row 2, column state: 'bad' is not a number")


def test_a_clock_has_a_zone_everywhere_or_nowhere(tmp_path: Path) -> None:
    rows = f"{ROWS[0]}\na,2026-01-31,1,1,x,y\na,2026-02-01T00:00+01:00,1,1,x,y\n"
    assert fault(tmp_path, rows).startswith(", row 3, column when: '2026-02-01T00:00+01:00' is written in another")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"e\.csv: cannot be read: No such file or directory"):
        events_csv.load(section(), tmp_path)
