"""`edgernn run` on events as they stand in a file: an answer after each, from its entity's events so far."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from event_files import GOOD, STATES, read
from networks import random_frames, random_network

from edgernn import network as networks
from edgernn import recipe, reference
from edgernn.datasets import events_csv
from edgernn.datasets.event_sections import EventsData
from edgernn.datasets.event_table import Events
from edgernn.errors import InputError
from edgernn.features.events import encode, fit
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.run import decisions, line
from edgernn.targets import target

RECIPE = """
name: sample
data: {source: events, path: e.csv, entity: who, time: when, columns: [heat, load], categories: [kind],
       target: state, predict: class, answer: event, steps: 3, gaps: true, masks: true,
       known_after: AFTER, least: LEAST}
network: {layers: [gru: {units: 6}, dense: {}]}
"""
OWN = {"gaps": True, "masks": True, "known_after": 1.0, "answer": "event"}
MIXED = sorted(GOOD.splitlines()[1:], key=lambda row: row.split(",")[1])  # all machines' first events come first


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build on the events of `GOOD`; `network.npz` is made of all of them."""
    return build(tmp_path)


def build(path: Path, least: int = 1, after: float | None = 1.0) -> Path:
    path.mkdir(exist_ok=True)
    events = read(path, **OWN)
    channels = fit(events, np.ones(len(events), bool), gaps=True, masks=True, known_after=after)
    network = random_network(3, len(channels), [("gru", 6)], 2, 3, every_step=True)
    names = tuple(channel.name for channel in channels)
    network = replace(network, labels=STATES, channels=names, encoding=channels)
    quantized = quantize(network, random_frames(network))
    networks.save(network, path / "network.npz")
    networks.save_quantized(quantized, path / "quantized.npz")
    (path / "recipe.yaml").write_text(RECIPE.replace("AFTER", json.dumps(after)).replace("LEAST", str(least)))
    for name in ("c", "tflite"):
        target(name).export(network, quantized, "step", "int8", path / "artifacts")
    return path


def wanted(folder: Path, last: dict[str, int]) -> dict[int, float]:
    """The largest output after events of `GOOD`, by their row there; `last` are the steps that count."""
    quantized: QuantizedNetwork = networks.load_quantized(folder / "quantized.npz")
    events = read(folder, **OWN)
    frames, first, found = encode(events, quantized.network.encoding), events.first, {}
    for index, row in enumerate(events.row.tolist()):
        own = frames[first[index] : index + 1][last["from"] : last["to"] or None]
        outputs = reference.integer_outputs(quantized, reference.quantize_input(quantized, own[None]))[0, -1]
        found[row] = float(outputs.max()) * native(quantized)[-1].output.scale
    return found


def test_every_event_is_answered_from_those_of_its_entity_so_far(folder: Path) -> None:
    """Rows of all machines are mixed, as they come in; the last three events of each count."""
    (folder / "x.csv").write_text("\n".join([GOOD.splitlines()[0], *MIXED]) + "\n")

    found = list(decisions(folder, folder / "x.csv"))

    assert [one["row"] for one in found] == list(range(2, 50))
    assert [one["entity"] for one in found] == [row.split(",")[0] for row in MIXED]
    expected = wanted(folder, {"from": -3, "to": 0})
    place = {row: number for number, row in enumerate(GOOD.splitlines()[1:], 2)}
    for row, one in zip(MIXED, found, strict=True):
        assert one["label"] in STATES
        assert one["output"] == pytest.approx(expected[place[row]], abs=1e-6)
    assert line(found[0]) == f"     2  m0  {found[0]['label']}  {found[0]['output']:.4g}"


def test_an_answer_that_is_not_known_yet_is_an_empty_cell(folder: Path) -> None:
    """The last event's own answer is never read, and one that is missing is not known."""
    head, *rows = GOOD.splitlines()[:5]
    texts = {"whole": rows, "last": [*rows[:3], rows[3].removesuffix("bad")], "none": [r[:-3] for r in rows]}
    found = {}
    for name, own in texts.items():
        (folder / f"{name}.csv").write_text("\n".join([head, *own]) + "\n")
        found[name] = [one["output"] for one in decisions(folder, folder / f"{name}.csv")]

    assert found["whole"] == found["last"]
    assert found["none"][0] == found["whole"][0]
    assert found["none"][1:] != found["whole"][1:]


def test_the_target_is_needed_only_where_earlier_answers_are_read(tmp_path: Path) -> None:
    folder = build(tmp_path)
    text = "".join(line.rpartition(",")[0] + "\n" for line in GOOD.splitlines())
    (folder / "x.csv").write_text(text)

    with pytest.raises(InputError, match=r"x\.csv: the column state is not in the header"):
        next(decisions(folder, folder / "x.csv"))

    without = build(tmp_path / "without", after=None)
    assert len(list(decisions(without, folder / "x.csv"))) == 48


@pytest.mark.parametrize("least", [1, 3])
def test_the_first_answer_comes_with_event_least(least: int, tmp_path: Path) -> None:
    folder = build(tmp_path, least)
    (folder / "x.csv").write_text("\n".join(GOOD.splitlines()[:5]) + "\n")
    assert [one["row"] - 1 for one in decisions(folder, folder / "x.csv")] == list(range(least, 5))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("m0,1,", ",1,", "row 3, column who: the cell is empty; name whose event it is, or remove the row"),
        ("m0,1,", "m0,,", "row 3, column when: the cell is empty; give its time, or remove the row"),
        ("m0,1,", "m0,-1,", "row 3, column when: -1 is before 0 of row 2, the event before of m0"),
        ("m0,1,1,", "m0,1,hot,", "row 3, column heat: 'hot' is not a number; a missing value is an empty cell"),
        ("m0,1,1,", "m0,1,", "row 3: has 5 cells, and the header has 6"),
        (
            "m0,0,",
            "m0,2026-01-01,",
            "row 2, column when: '2026-01-01' counts in days, and the network was trained on",
        ),
        ("heat", "heit", "the column heat is not in the header"),
    ],
)
def test_faults_are_told_after_the_rows_before_them(old: str, new: str, fault: str, folder: Path) -> None:
    (folder / "x.csv").write_text(GOOD.replace(old, new, 1))
    rows: list[object] = []
    with pytest.raises(InputError) as caught:
        rows.extend(one["row"] for one in decisions(folder, folder / "x.csv"))
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
    place = re.search(r"row (\d+)", fault)
    assert rows == list(range(2, int(place[1]) if place else 2))


def long_history(rows: int) -> str:
    """Events of two machines in turn: cells are missing, times are the same, answers are late or never come."""
    rng = np.random.default_rng(4)
    time, lines = 0, [GOOD.splitlines()[0]]
    for number in range(rows):
        time += int(rng.integers(3))
        cells = [str(cell) if rng.random() < 0.6 else "" for cell in rng.integers(9, size=2)]
        answer = ("", *STATES)[rng.integers(3)]
        lines.append(f"m{number % 2},{time},{','.join(cells)},{'abcd'[rng.integers(4)]},{answer}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("after", [0.0, 1.0, 4.0, None])
def test_a_long_history_is_not_read_again_at_every_row(
    after: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are those of the last three frames out of the whole history, made of a few rows."""
    folder = build(tmp_path, after=after)
    (folder / "x.csv").write_text(long_history(200))
    network = networks.load(folder / "network.npz")
    section = recipe.load(folder / "recipe.yaml").data
    assert isinstance(section, EventsData)
    columns = events_csv.columns_of(folder / "x.csv", GOOD.splitlines()[0].split(","))
    each = [{name: cells[who::2] for name, cells in columns.items()} for who in range(2)]
    frames = [encode(events_csv.made(one, section, "", answered=False), network.encoding) for one in each]
    read: list[np.ndarray] = []
    made: list[int] = []
    monkeypatch.setattr("edgernn.run.events.whole", lambda paths: lambda x: read.append(x) or np.zeros(2))
    original = events_csv.made

    def counted(cells: dict[str, list[events_csv.Cell]], *others: object, answered: bool) -> Events:
        made.append(len(cells["who"]))
        return original(cells, *others, answered=answered)  # type: ignore[arg-type]

    monkeypatch.setattr("edgernn.datasets.events_csv.made", counted)

    assert len(list(decisions(folder, folder / "x.csv"))) == 200
    for number, x in enumerate(read):
        end = number // 2 + 1
        np.testing.assert_array_equal(x, frames[number % 2][max(0, end - 3) : end])
    assert max(made) <= (2 if after is None else 12)


def test_a_file_without_entities_has_frames(folder: Path) -> None:
    network = networks.load(folder / "network.npz")
    rows = [",".join(network.channels), *([",".join("0" * len(network.channels))] * 3)]
    (folder / "x.csv").write_text("\n".join(rows) + "\n")
    assert [one["step"] for one in decisions(folder, folder / "x.csv")] == [1, 2, 3]


def test_events_on_standard_input_are_answered_row_by_row(folder: Path) -> None:
    command = [sys.executable, "-m", "edgernn.cli", "run", str(folder), "--input", "-", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ) as ran:
        assert ran.stdin
        assert ran.stdout
        head, *rows = GOOD.splitlines()
        ran.stdin.write(f"{head}\n")
        for row in rows[:3]:
            ran.stdin.write(f"{row}\n")
            ran.stdin.flush()
            told = json.loads(ran.stdout.readline())
            assert told["entity"] == "m0"
            assert math.isfinite(told["output"])
        ran.stdin.close()
        assert ran.wait(60) == 0
