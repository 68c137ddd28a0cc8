"""`edgernn run` on a series and on a recording as they stand in a file: frames are those that training had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from networks import Options, random_network

from edgernn import datasets, reference
from edgernn import network as networks
from edgernn.datasets.csv_windows import opened
from edgernn.datasets.sections import CsvData, SeriesData
from edgernn.datasets.splits import Splits
from edgernn.decide import AlarmRule
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.run import decisions, line
from edgernn.run.rows import frames
from edgernn.targets import target

START = datetime(2026, 1, 30, 21)
LAGS = (3, 7)
COUNT = 120
GRU: list[tuple[str, Options]] = [("gru", 6)]


def table(gone: Sequence[int] = ()) -> list[str]:
    """The lines of an hourly file with two channels, but for the rows that are gone."""
    rng = np.random.default_rng(0)
    rows = [f"{START + timedelta(hours=n)},{a:.4f},{b:.4f}" for n, (a, b) in enumerate(rng.normal(size=(COUNT, 2)))]
    return ["when,load,heat", *(row for n, row in enumerate(rows) if n not in gone)]


def section(**changes: object) -> SeriesData:
    keys = {"source": "series", "path": "meter.csv", "columns": ["load", "heat"], "forecast": "load"}
    keys |= {"time": "when", "window": 6, "horizon": 2, "calendar": ["day", "week", "year"], "lags": LAGS}
    return SeriesData.model_validate(keys | changes)


def trained(folder: Path, gone: Sequence[int] = (), **changes: object) -> Splits:
    """What training makes of that file."""
    (folder / "meter.csv").write_text("\n".join(table(gone)) + "\n")
    return datasets.load(section(**changes), folder, 0)


def build(folder: Path, splits: Splits, cells: Sequence[tuple[str, Options]] = GRU) -> QuantizedNetwork:
    """As much of a build on these splits as `run` looks at."""
    network = random_network(5, len(splits.channels), cells, len(splits.labels), splits.train.x.shape[1])
    mean, std = normalize.fit(splits.train.frames())
    network = replace(network, channels=splits.channels, labels=splits.labels, task=splits.task, mean=mean, std=std)
    network = replace(network, encoding=splits.encoding, times=splits.times, every=splits.every, hold=splits.hold)
    quantized = quantize(network, normalize.apply(splits.calibration.x, mean, std))
    networks.save(network, folder / "network.npz")
    (folder / "artifacts").mkdir()
    target("c").export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized


def answers(quantized: QuantizedNetwork, stream: np.ndarray) -> np.ndarray:
    """By the integer reference, after every step of one stream, [steps, outputs]."""
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, stream[None]))[0]
    return native(quantized)[-1].output.dequantize(integers).astype(np.float32)


def read(path: Path, quantized: QuantizedNetwork) -> tuple[list[int], list[int], np.ndarray]:
    """Rows, stretches and frames of a file."""
    with opened(path) as rows:
        row, stretch, values, _ = zip(*frames(rows, quantized.network), strict=True)
    return list(row), list(stretch), np.stack(values)


def test_the_file_that_trained_is_answered_as_its_windows_were(tmp_path: Path) -> None:
    splits = trained(tmp_path)
    quantized = build(tmp_path, splits)
    found = list(decisions(tmp_path, tmp_path / "meter.csv"))

    assert [one["row"] for one in found] == list(range(2 + max(LAGS), COUNT + 2))
    assert [one["step"] for one in found] == list(range(1, COUNT - max(LAGS) + 1))
    first = answers(quantized, splits.train.x[0])
    assert [[*one.values()][2:] for one in found[:6]] == first.tolist()
    assert line(found[0]) == f"     9  {first[0, 0]:.4g}  {first[0, 1]:.4g}"

    row, _, own = read(tmp_path / "meter.csv", quantized)
    for part in (splits.train, splits.validation, splits.test):
        windows = {window[0].tobytes(): window for window in part.x}
        starts = [at for at in range(len(own)) if own[at].tobytes() in windows]
        assert len(starts) == len(part.x)
        for at in starts:
            np.testing.assert_array_equal(own[at : at + 6], windows[own[at].tobytes()])
    assert row[0] == 2 + max(LAGS)


def test_columns_of_the_channels_names_are_read_as_they_are(tmp_path: Path) -> None:
    """A file that has all of them needs no time; one that lacks some has these made."""
    quantized = build(tmp_path, trained(tmp_path))
    row, _, own = read(tmp_path / "meter.csv", quantized)
    names = quantized.network.channels
    whole = [",".join(names), *(",".join(map(repr, frame)) for frame in own.tolist())]
    (tmp_path / "whole.csv").write_text("\n".join(whole) + "\n")
    again = read(tmp_path / "whole.csv", quantized)
    assert again[0] == list(range(2, len(own) + 2))
    np.testing.assert_array_equal(again[2], own)

    raw = table()[row[0] - 1 :]
    lagged = [f"when,{','.join(names)}", *(f"{a[: a.index(',')]},{b}" for a, b in zip(raw, whole[1:], strict=True))]
    for left_out in ("day_sin", "load 3 before"):
        text = "\n".join([lagged[0].replace(left_out, "other"), *lagged[1:]])
        (tmp_path / "some.csv").write_text(text + "\n")
        row, _, some = read(tmp_path / "some.csv", quantized)
        np.testing.assert_array_equal(some, own[len(own) - len(some) :])
        assert row[0] == (2 if left_out == "day_sin" else 5)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("when,", "then,", "the column when is not in the header, which has: then, load, heat"),
        ("load", "lode", "the column load is not in the header"),
        (
            "2026-01-31 08",
            "2026-01-30 08",
            "row 13, column when: 2026-01-30 08:00:00 is not after 2026-01-31 07:00",
        ),
        ("2026-01-31 08:", "31.1. 8:", "row 13, column when: '31.1. 8:00:00' is not a time; write it as"),
        ("2026-01-31 08:00:00,", ",", "row 13, column when: the cell is empty"),
    ],
)
def test_faults_are_told_after_the_rows_before_them(old: str, new: str, fault: str, tmp_path: Path) -> None:
    build(tmp_path, trained(tmp_path))
    (tmp_path / "x.csv").write_text("\n".join(table()).replace(old, new, 1) + "\n")
    rows: list[int] = []
    with pytest.raises(InputError) as caught:
        rows.extend(one["row"] for one in decisions(tmp_path, tmp_path / "x.csv"))
    assert fault in str(caught.value)
    assert rows == ([9, 10, 11, 12] if "row 13" in fault else [])


def test_a_file_shorter_than_the_lags_is_told(tmp_path: Path) -> None:
    build(tmp_path, trained(tmp_path))
    (tmp_path / "x.csv").write_text("\n".join(table()[:8]) + "\n")
    with pytest.raises(InputError) as caught:
        list(decisions(tmp_path, tmp_path / "x.csv"))
    assert str(caught.value) == (
        f"{tmp_path / 'x.csv'}: no row has 7 others before it without a gap, which load 7 before takes; "
        "give it more rows"
    )


def live(folder: Path, rows: Sequence[str], silent: int) -> list[dict[str, object]]:
    """Answers on standard input; a row is written when that of the one before is there, but for the first ones."""
    command = [sys.executable, "-m", "edgernn.cli", "run", str(folder), "--input", "-", "--json"]
    pipe, found = subprocess.PIPE, []
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ.copy()) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(f"{row}\n" for row in rows[:silent]))
        for row in rows[silent:]:
            process.stdin.write(f"{row}\n")
            process.stdin.flush()
            found.append(json.loads(process.stdout.readline()))
        process.stdin.close()
    assert process.returncode == 0
    return found


def test_a_series_on_standard_input_is_answered_row_by_row(tmp_path: Path) -> None:
    build(tmp_path, trained(tmp_path))
    found = live(tmp_path, table()[:20], 1 + max(LAGS))
    assert found == list(decisions(tmp_path, tmp_path / "meter.csv"))[: len(found)]
    assert len(found) == 12


def test_after_a_gap_the_network_begins_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As windows of training do: with the state of a start, and lags of its own side."""
    splits = trained(tmp_path, gone=range(40, 52))
    quantized = build(tmp_path, splits)
    caplog.clear()
    found = list(decisions(tmp_path, tmp_path / "meter.csv"))

    row, stretch, own = read(tmp_path / "meter.csv", quantized)
    assert row == [*range(9, 42), *range(49, 110)]
    assert stretch == [0] * 33 + [1] * 61
    assert [one["row"] for one in found] == row
    wanted = np.concatenate([answers(quantized, own[:33]), answers(quantized, own[33:])])
    assert [[*one.values()][2:] for one in found] == wanted.tolist()
    after = next(window for window in splits.train.x if window[0].tobytes() == own[33].tobytes())
    np.testing.assert_array_equal(after, own[33:39])
    assert caplog.messages[0] == (
        f"{tmp_path / 'meter.csv'}, row 42: 13:00:00 after the row before; it begins anew"
    )


def test_what_is_missing_is_held_as_it_was_in_training(tmp_path: Path) -> None:
    """Empty cells and missing rows, up to two; a gap is longer."""
    gone = [*range(30, 32), *range(60, 63)]

    def emptied(row: int, line: str) -> str:
        when, load, heat = line.split(",")
        return f"{when},{'' if row in (20, 21) else load},{'' if row in (80, 81, 82) else heat}"

    head, *rows = table()
    lines = [head, *(emptied(row, line) for row, line in enumerate(rows) if row not in gone)]
    changes = {"hold": 2, "lags": [3]}
    (tmp_path / "meter.csv").write_text("\n".join(lines) + "\n")
    splits = datasets.load(section(**changes), tmp_path, 0)
    quantized = build(tmp_path, splits)
    found = list(decisions(tmp_path, tmp_path / "meter.csv"))

    _, stretch, own = read(tmp_path / "meter.csv", quantized)
    assert [int(np.sum(np.array(stretch) == one)) for one in sorted(set(stretch))] == [60 - 3, 19 - 3, 37 - 3]
    windows = {window.tobytes() for part in (splits.train, splits.validation, splits.test) for window in part.x}
    cut = {own[at : at + 6].tobytes() for at in range(len(own) - 5) if len(set(stretch[at : at + 6])) == 1}
    assert len(windows) > 60
    assert windows <= cut
    assert [one["step"] for one in found if one.get("missing")] == [30 - 3 + 1, 31 - 3 + 1]
    assert [one["row"] for one in found if one.get("missing")] == [32, 32]
    assert live(tmp_path, lines[:25], 1 + 3) == found[:21]


@pytest.mark.parametrize("gaps", [True, False])
def test_a_series_that_may_have_gaps_goes_on(tmp_path: Path, *, gaps: bool) -> None:
    quantized = build(tmp_path, trained(tmp_path, gone=range(40, 52), across_gaps=gaps, lags=[]))
    _, stretch, own = read(tmp_path / "meter.csv", quantized)
    assert len(own) == COUNT - 12
    assert {*stretch} == ({0} if gaps else {0, 1})


@pytest.mark.parametrize("stride", [1, 2])
def test_a_recording_is_thinned_as_windows_were(stride: int, tmp_path: Path) -> None:
    """Answers are those of the windows that trained, and tell the row of their last frame."""
    values = np.random.default_rng(1).normal(size=(240, 2))
    for name, some in (("a", values[:120]), ("b", values[120:])):
        rows = "\n".join(f"{x:.4f},{y:.4f},{name},{n // 20}" for n, (x, y) in enumerate(some))
        (tmp_path / f"{name}.csv").write_text(f"x,y,class,group\n{rows}\n")
    section = {"source": "csv", "path": ".", "columns": ["x", "y"], "label": "class", "group": "group"}
    section |= {"window": 20, "every": 5, "rate_hz": 50, "split": {"validation": ["2"], "test": ["3"]}}
    splits = datasets.load(CsvData.model_validate(section), tmp_path, 0)
    assert (splits.every, splits.rate_hz, splits.train.x.shape[1]) == (5, 10.0, 4)
    cells = [("conv", {"units": 4, "kernel": 2, "stride": stride}), *GRU]
    quantized = build(tmp_path, splits, cells)

    found = list(decisions(tmp_path, tmp_path / "a.csv"))

    assert [one["row"] for one in found] == list(range(2 + 5 * (stride - 1), 122, 5 * stride))
    assert [one["step"] for one in found] == list(range(1, 24 // stride + 1))
    first = answers(quantized, splits.train.x[0])
    assert [one["output"] for one in found[: len(first)]] == first.max(axis=1).tolist()
    assert line(found[0]).split()[:2] == [str(found[0]["row"]), found[0]["label"]]
    rows = [line for n, line in enumerate((tmp_path / "a.csv").read_text().splitlines()[1:]) if n % 5 == 0]
    (tmp_path / "thin.csv").write_text("\n".join(["x,y,class,group", *rows]))
    networks.save(replace(quantized.network, every=1), tmp_path / "network.npz")
    older = [
        one | {"row": seen["row"]}
        for one, seen in zip(decisions(tmp_path, tmp_path / "thin.csv"), found, strict=True)
    ]
    assert older == found


def test_a_recording_with_empty_cells_is_thinned_from_where_it_begins_anew(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(240, 2))
    lines = [f"{x:.4f},{y:.4f},{'ab'[n // 120]},{n % 120 // 20}" for n, (x, y) in enumerate(values)]
    for row in (7, *range(43, 46)):
        lines[row] = lines[row][lines[row].index(",") :]
    (tmp_path / "x.csv").write_text("\n".join(["x,y,class,group", *lines]) + "\n")
    keys = {"source": "csv", "path": "x.csv", "columns": ["x", "y"], "label": "class", "group": "group"}
    keys |= {"window": 10, "every": 5, "hold": 2, "split": {"validation": ["4"], "test": ["5"]}}
    splits = datasets.load(CsvData.model_validate(keys), tmp_path, 0)
    quantized = build(tmp_path, splits)

    row, stretch, own = read(tmp_path / "x.csv", quantized)

    assert splits.hold == 2
    assert row[:12] == [*range(2, 47, 5), 48, 53, 58]
    assert stretch[8:11] == [0, 1, 1]
    after = next(window for window in splits.train.x if window[0].tobytes() == own[9].tobytes())
    np.testing.assert_array_equal(after, own[9:11])


@pytest.mark.parametrize("compiled", [True, False])
def test_alarms_begin_anew_after_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiled: bool) -> None:
    """Whether C decides or another engine: as on two files, one for each side."""
    quantized = build(tmp_path, trained(tmp_path, gone=range(40, 52), lags=[]))
    rule = AlarmRule(channel=0, smooth=2, threshold=0.5, refractory=1, warm_up=3)
    networks.save(replace(quantized.network, decide=rule), tmp_path / "network.npz")
    networks.save_quantized(quantized, tmp_path / "quantized.npz")
    target("tflite").export(quantized.network, quantized, "step", "int8", tmp_path / "artifacts")
    if not compiled:
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setenv("PATH", "/nonexistent")
        monkeypatch.setattr("edgernn.engines.compiler.find_spec", lambda name: None)
    head, *rows = table(gone=range(40, 52))
    found = []
    for some in (rows, rows[:40], rows[40:]):
        (tmp_path / "x.csv").write_text("\n".join([head, *some]) + "\n")
        found.append([[*one.values()][2:] for one in decisions(tmp_path, tmp_path / "x.csv")])
    assert found[0] == found[1] + found[2]
    assert {alarm for _, alarm in found[0]} == {True, False}
