"""`edgernn run`: frames as they come, every way in which they can be wrong, and the decisions on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import Options, random_frames, random_network

from edgernn import network as networks
from edgernn import reference
from edgernn.datasets import csv_windows, parallel_text
from edgernn.datasets.parallel_text import Pair
from edgernn.datasets.parallel_text_sections import FileParallelText
from edgernn.decide import AlarmRule, SampleRule, TopRule, alarm, sample, words
from edgernn.engines import engine
from edgernn.errors import InputError, MissingToolError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork, Vocabulary
from edgernn.quantize import quantize
from edgernn.run import decisions, line, opening, text, unknown
from edgernn.run.model import BITS
from edgernn.targets import target

GOOD = "t,ax,ay\n0,1,2\n1,3,4.5\n"


def each_frame(path: Path, channels: tuple[str, ...]) -> Iterator[np.ndarray]:
    with csv_windows.opened(path) as rows:
        yield from (cells.values for cells in csv_windows.cells_of(rows, channels))


def read_frames(path: Path, channels: tuple[str, ...]) -> np.ndarray:
    return np.stack(list(each_frame(path, channels)))


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


def test_frames_before_a_fault_are_given(tmp_path: Path) -> None:
    for fault in (b"3,x\n", b"3\n", b"3,\xff\n"):
        (tmp_path / "x.csv").write_bytes(b"ay,ax\n1,2\n" + fault)
        frames = each_frame(tmp_path / "x.csv", ("ax", "ay"))
        np.testing.assert_array_equal(next(frames), [2, 1])
        with pytest.raises(InputError):
            next(frames)


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGERNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def build(folder: Path, cells: list[tuple[str, Options]], targets: Sequence[str]) -> QuantizedNetwork:
    """As much of a build folder as `run` looks at."""
    network = random_network(5, 3, cells, 4, 13)
    quantized = quantize(network, normalize.apply(random_frames(network), network.mean, network.std))
    networks.save(network, folder / "network.npz")
    (folder / "artifacts").mkdir()
    for name in targets:
        target(name).export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized


@pytest.fixture(scope="module")
def gru(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizedNetwork, Path]:
    folder = tmp_path_factory.mktemp("gru")
    return build(folder, [("gru", 8)], ["c", "tflite"]), folder


def csv_text(channels: Sequence[str], frames: np.ndarray) -> str:
    rows = [",".join(channels), *(",".join(map(repr, row)) for row in frames.tolist())]
    return "\n".join(rows) + "\n"


def expected(quantized: QuantizedNetwork, frames: np.ndarray) -> list[dict[str, object]]:
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames[None]))[0]
    return told(quantized, native(quantized)[-1].output.dequantize(integers).astype(np.float32))


def told(quantized: QuantizedNetwork, outputs: np.ndarray) -> list[dict[str, object]]:
    labels = quantized.network.labels
    return [
        {"step": step, "label": labels[row.argmax()], "output": float(row.max())}
        for step, row in enumerate(outputs, 1)
    ]


@pytest.mark.parametrize("stride", [1, 2])
def test_decisions_are_those_of_the_reference(stride: int, tmp_path: Path) -> None:
    """13 frames: with a stride of two, the last one fills no step."""
    quantized = build(tmp_path, [("conv", {"units": 4, "kernel": 2, "stride": stride}), ("gru", 5)], ["c"])
    frames = random_frames(quantized.network, 1)[0]
    (tmp_path / "x.csv").write_text(csv_text(quantized.network.channels, frames))
    found = list(decisions(tmp_path, tmp_path / "x.csv"))
    assert found == expected(quantized, frames[: 13 // stride * stride])


@pytest.mark.parametrize("missing", ["compiler", "C"])
def test_another_engine_decides_where_c_cannot_run(
    missing: str, gru: tuple[QuantizedNetwork, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantized, folder = gru
    if missing == "C":
        folder = tmp_path / "build"
        folder.mkdir()
        build(folder, [("gru", 8)], ["tflite"])
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("edgernn.engines.compiler.find_spec", lambda name: None)
    frames = random_frames(quantized.network, 1)[0]
    session = engine("litert").open(folder / "artifacts" / "step.int8.tflite", "step", 1)
    wanted = told(quantized, session.outputs(frames[None])[0])
    (tmp_path / "x.csv").write_text(csv_text(quantized.network.channels, frames))
    assert list(decisions(folder, tmp_path / "x.csv")) == wanted
    (tmp_path / "x.csv").write_text(csv_text(quantized.network.channels, frames[:5]) + "1,2\n")
    found = decisions(folder, tmp_path / "x.csv")
    assert [next(found) for _ in range(5)] == wanted[:5]
    with pytest.raises(InputError, match="row 7: has 2 cells"):
        next(found)


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizedNetwork, Path]:
    """The same for a network that gives quantities."""
    folder = tmp_path_factory.mktemp("forecasts")
    network = random_network(6, 3, [("gru", 6)], 2, 13)
    network = replace(network, task="regress", labels=("load +1", "load +2"))
    quantized = quantize(network, normalize.apply(random_frames(network), network.mean, network.std))
    networks.save(network, folder / "network.npz")
    (folder / "artifacts").mkdir()
    target("c").export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized, folder


def test_a_regression_tells_every_quantity_by_its_name(
    forecasts: tuple[QuantizedNetwork, Path], tmp_path: Path
) -> None:
    quantized, folder = forecasts
    frames = random_frames(quantized.network, 1)[0]
    (tmp_path / "x.csv").write_text(csv_text(quantized.network.channels, frames))
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames[None]))[0]
    wanted = native(quantized)[-1].output.dequantize(integers).astype(np.float32)
    assert list(decisions(folder, tmp_path / "x.csv")) == [
        {"step": step, "load +1": float(first), "load +2": float(second)}
        for step, (first, second) in enumerate(wanted, 1)
    ]


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        ({"step": 7, "label": "walk", "output": 3.14159}, "     7  walk  3.142"),
        ({"step": 1234567, "load +1": 1234.5678, "load +2": -0.00012345}, "1234567  1235  -0.0001234"),
        ({"step": 1, "load +1": 0.0}, "     1  0"),
        ({"step": 2, "distance": 0.25, "alarm": False}, "     2  0.25"),
        ({"step": 3, "distance": 1.5, "alarm": True}, "     3  1.5  alarm"),
    ],
)
def test_a_decision_is_a_line(decision: dict[str, object], text: str) -> None:
    assert line(decision) == text


def test_a_regression_is_told_by_the_verb(forecasts: tuple[QuantizedNetwork, Path], tmp_path: Path) -> None:
    quantized, folder = forecasts
    frames = random_frames(quantized.network, 1)[0][:3]
    (tmp_path / "x.csv").write_text(csv_text(quantized.network.channels, frames))
    command = [sys.executable, "-m", "edgernn.cli", "run", str(folder), "--input", str(tmp_path / "x.csv")]
    found = [
        subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout.splitlines()
        for options in (["--json"], [])
    ]
    told_by_python = list(decisions(folder, tmp_path / "x.csv"))
    assert [json.loads(one) for one in found[0]] == told_by_python
    assert found[1] == [line(one) for one in told_by_python]


def test_alarms_are_those_of_the_rule(forecasts: tuple[QuantizedNetwork, Path], tmp_path: Path) -> None:
    """Each is given with its frame: rows before a bad one are decided."""
    quantized, folder = forecasts
    rule = AlarmRule(channel=1, smooth=3, threshold=1.0, refractory=2, warm_up=4)
    shutil.copytree(folder, tmp_path / "build")
    networks.save(replace(quantized.network, decide=rule), tmp_path / "build" / "network.npz")
    networks.save_quantized(quantized, tmp_path / "build" / "quantized.npz")
    frames = random_frames(quantized.network, 1)[0]
    (tmp_path / "x.csv").write_text(csv_text(quantized.network.channels, frames) + "bad\n")
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames[None]))[0]
    scale = native(quantized)[-1].output.scale
    wanted = alarm.detect(alarm.integers(frames[:, 1], scale), integers, rule, scale)
    found = decisions(tmp_path / "build", tmp_path / "x.csv")
    assert [next(found)["alarm"] for _ in frames] == wanted.tolist()
    assert {True, False} == set(wanted.tolist())
    with pytest.raises(InputError, match="has 1 cells"):
        next(found)


def test_a_build_that_nothing_can_run_is_told(tmp_path: Path) -> None:
    build(tmp_path, [("gru", 4)], [])
    (tmp_path / "x.csv").write_text("a\n")
    with pytest.raises(MissingToolError, match="no engine here runs an int8 step model"):
        list(decisions(tmp_path, tmp_path / "x.csv"))


def test_a_bidirectional_network_is_refused(tmp_path: Path) -> None:
    build(tmp_path, [("gru", {"units": 4, "bidirectional": True})], [])
    with pytest.raises(InputError, match="decides whole windows"):
        next(decisions(tmp_path, tmp_path / "x.csv"))


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edgernn.cli", "run", str(folder), "--input", "-", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=os.environ.copy())


@pytest.mark.parametrize("header", [True, False], ids=["header", "bare"])
def test_standard_input_is_answered_line_by_line(header: bool, gru: tuple[QuantizedNetwork, Path]) -> None:
    """The next frame goes in only when the answer to the last one is there; then comes a bad one."""
    quantized, folder = gru
    network = quantized.network
    frames = random_frames(network, 1)[0][:4]
    order = (2, 0, 1) if header else (0, 1, 2)
    text = csv_text([network.channels[i] for i in order], frames[:, order])
    lines = text.splitlines(keepends=True)
    with started(folder, "--json") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(lines[0] if header else "")
        for line, wanted in zip(lines[1:], expected(quantized, frames), strict=True):
            process.stdin.write(line)
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == wanted
        process.stdin.write("\n1,2,high\n1,2,3\n")
        process.stdin.close()
        row, column = (7, network.channels[order[2]]) if header else (6, network.channels[2])
        fault = f"edgernn: standard input, row {row}, column {column}: 'high' is not a number\n"
        assert (process.stdout.read(), process.stderr.read()) == ("", fault)
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("1,2\n", "the column {0} is not in the header, which has: 1, 2"),
        ("1,2,3\n1,2\n", "row 2: has 2 cells, and the network has 3 channels"),
        ("{0},{1},{2}\n1,2\n", "row 2: has 2 cells, and the header has 3"),
        ("{0},{1},{2}\n", "has a header and no rows"),
    ],
)
def test_faults_of_standard_input(text: str, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    channels = ("ax", "ay", "az")
    (tmp_path / "x").write_text(text.format(*channels))
    with (tmp_path / "x").open() as file:
        monkeypatch.setattr("edgernn.datasets.csv_windows.STANDARD_INPUT", file.fileno())
        with pytest.raises(InputError) as caught:
            list(each_frame(Path("-"), channels))
    assert str(caught.value).startswith("standard input")
    assert fault.format(*channels) in str(caught.value)


TEXTS_RECIPE = """\
name: sample
data: {source: text, path: texts.csv, text: said, label: is, empty: %s}
network: {layers: [{embedding: {units: 5}}, {gru: {units: 8}}, {dense: {}}]}
"""
REVIEWS = ("A good film!", "the film, the FILM", "unheard of words only")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizedNetwork, Path]:
    """A build of a network that reads texts of at most five words."""
    folder = tmp_path_factory.mktemp("texts")
    network = random_network(6, 1, [("embedding", {"entries": 6, "units": 5}), ("gru", 8)], 3, 5)
    network = replace(network, vocabulary=Vocabulary("words", ("<unk>", "a", "film", "!", "the", "good")))
    quantized = quantize(network, random_frames(network))
    networks.save(network, folder / "network.npz")
    (folder / "recipe.yaml").write_text(TEXTS_RECIPE % "refuse")
    for name in ("c", "tflite"):
        target(name).export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized, folder


@pytest.fixture(scope="module")
def skipping(texts: tuple[QuantizedNetwork, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same build with `data.empty: skip`."""
    folder = tmp_path_factory.mktemp("skipping") / "build"
    shutil.copytree(texts[1], folder)
    (folder / "recipe.yaml").write_text(TEXTS_RECIPE % "skip")
    return folder


def last_of(quantized: QuantizedNetwork, numbers: list[int]) -> dict[str, object]:
    return expected(quantized, np.array(numbers, np.float32)[:, None])[-1]


def test_a_text_a_line_gets_a_decision_each(texts: tuple[QuantizedNetwork, Path], tmp_path: Path) -> None:
    """Each from a fresh start, with the number of its line; a sixth word is cut."""
    quantized, folder = texts
    numbers = [[1, 5, 2, 3], [4, 2, 4, 2], [0, 0, 0, 0], [5, 5, 5, 5, 5]]
    (tmp_path / "x.txt").write_text("\n\n".join([*REVIEWS, "good " * 7]))
    found = list(decisions(folder, tmp_path / "x.txt"))
    wanted = [last_of(quantized, row) for row in numbers]
    assert found == [
        {"line": 1 + 2 * i, "label": one["label"], "output": one["output"]} for i, one in enumerate(wanted)
    ]


def test_another_engine_decides_on_texts_where_c_cannot_run(
    texts: tuple[QuantizedNetwork, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = texts
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("edgernn.engines.compiler.find_spec", lambda name: None)
    session = engine("litert").open(folder / "artifacts" / "step.int8.tflite", "step", 1)
    outputs = session.outputs(np.array([[1, 5, 2, 3]], np.float32)[:, :, None])[0, -1]
    (tmp_path / "x.txt").write_text(REVIEWS[0])
    (found,) = decisions(folder, tmp_path / "x.txt")
    assert found == {"line": 1, "label": f"class_{outputs.argmax()}", "output": float(outputs.max())}


def test_a_line_without_a_word_is_told_after_those_before_it(
    texts: tuple[QuantizedNetwork, Path], tmp_path: Path
) -> None:
    (tmp_path / "x.txt").write_text("good\n...\n")
    found = decisions(texts[1], tmp_path / "x.txt")
    assert next(found)["line"] == 1
    with pytest.raises(InputError, match=r"x\.txt, line 2: the text has no word; remove the line, or build with"):
        next(found)


def test_a_line_without_a_word_is_left_out_where_training_skipped_it(skipping: Path, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("good\n...\nfilm\n")
    assert [one["line"] for one in decisions(skipping, tmp_path / "x.txt")] == [1, 3]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_stream_goes_on_after_a_line_without_a_word(
    options: list[str], texts: tuple[QuantizedNetwork, Path], skipping: Path
) -> None:
    """Who waits for an answer to each line gets one, marked, unless the recipe leaves such texts out."""
    marked = '{"line": 2, "error": "the text has no word"}' if options else "     2  error: the text has no word"
    for folder, answer in ((texts[1], [marked]), (skipping, [])):
        with started(folder, *options) as process:
            out, err = process.communicate("good\n...\nfilm\n")
        lines = out.splitlines()
        assert (process.returncode, err) == (0, "")
        assert lines[1:-1] == answer
        assert ["1" in lines[0], "3" in lines[-1]] == [True, True]


def test_texts_on_standard_input_are_answered_line_by_line(texts: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = texts
    with started(folder) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(REVIEWS[0] + "\n")
        process.stdin.flush()
        wanted = last_of(quantized, [1, 5, 2, 3])
        assert process.stdout.readline().split() == ["1", wanted["label"], f"{wanted['output']:.4g}"]
        process.stdin.close()
    assert process.returncode == 0


ITEMS_RECIPE = """\
name: sample
data: {source: items, path: items.csv, basket: order, time: when, item: article, vocabulary: 6, repeats: %s}
network: {layers: [{embedding: {units: 5}}, {gru: {units: 8}}, {dense: {}}]}
"""
CODES = ("<unk>", "85123A", "85123a", "2", "10", "é")


def items_build(folder: Path, rule: TopRule | None) -> QuantizedNetwork:
    """A build of a network that reads items."""
    network = random_network(6, 1, [("embedding", {"entries": 6, "units": 5}), ("gru", 8)], 6, 5, every_step=True)
    known = Vocabulary("items", CODES)
    network = replace(network, labels=CODES, channels=("article",), vocabulary=known, decide=rule, task="next")
    quantized = quantize(network, random_frames(network))
    networks.save(network, folder / "network.npz")
    (folder / "recipe.yaml").write_text(ITEMS_RECIPE % ("drop" if rule and rule.exclude_seen else "keep"))
    for name in ("c", "tflite"):
        target(name).export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized


@pytest.mark.parametrize("rule", [TopRule(3), TopRule(3, exclude_seen=False)])
def test_every_item_gets_what_comes_next(rule: TopRule, tmp_path: Path) -> None:
    """By baskets, each from a fresh start; an item that the basket has is read again only where that counts."""
    quantized = items_build(tmp_path, rule)
    rows = [("a", "85123A"), ("a", "none"), ("a", "85123A"), ("a", "é"), ("b", "2")]
    (tmp_path / "x.csv").write_text("".join(f"{basket},{item}\n" for basket, item in [("order", "article"), *rows]))
    found = list(decisions(tmp_path, tmp_path / "x.csv"))
    read = [[1], [1, 0], [1, 0] if rule.exclude_seen else [1, 0, 1], [1, 0, 5], [3]]
    if not rule.exclude_seen:
        read[3] = [1, 0, 1, 5]
    for row, (basket, item), numbers, told in zip(range(2, 7), rows, read, found, strict=True):
        frames = reference.quantize_input(quantized, np.array(numbers, np.float32)[None, :, None])
        scores = reference.integer_outputs(quantized, frames)[0, -1]
        able = [n for n in range(1, 6) if n not in numbers or not rule.exclude_seen]
        best = sorted(able, key=lambda n: (-scores[n], n))[:3]
        assert told == {"row": row, "basket": basket, "item": item, "next": [CODES[n] for n in best]}
    assert line(found[0]) == f"     2  a  85123A  {' '.join(found[0]['next'])}"


@pytest.mark.parametrize("rule", [TopRule(5), TopRule(5, exclude_seen=False)])
def test_baskets_in_turns_are_each_their_own(rule: TopRule, tmp_path: Path) -> None:
    """As training reads them; of a long one the last five items count here, and none comes again."""
    quantized = items_build(tmp_path, rule)
    own = {"a": [1, 0, 0, 2, 0, 3, 1, 4], "b": [5, 0, 5, 0, 3, 0, 2, 1]}
    rows = [(basket, numbers[i]) for i in range(8) for basket, numbers in own.items()]
    text = "".join(f"{basket},{CODES[number] if number else 'none'}\n" for basket, number in rows)
    (tmp_path / "x.csv").write_text("order,article\n" + text)

    found = list(decisions(tmp_path, tmp_path / "x.csv"))

    so_far: dict[str, list[int]] = {"a": [], "b": []}
    for told, (basket, number) in zip(found, rows, strict=True):
        read = so_far[basket]
        read += [] if rule.exclude_seen and number and number in read else [number]
        frames = reference.quantize_input(quantized, np.array(read[-5:], np.float32)[None, :, None])
        scores = reference.integer_outputs(quantized, frames)[0, -1]
        able = [n for n in range(1, 6) if n not in read or not rule.exclude_seen]
        assert told["next"] == [CODES[n] for n in sorted(able, key=lambda n: (-scores[n], n))]


def test_without_a_rule_the_likeliest_item_is_told(tmp_path: Path) -> None:
    items_build(tmp_path, None)
    (tmp_path / "x.csv").write_text("article\n2\n")
    (found,) = decisions(tmp_path, tmp_path / "x.csv")
    assert [*found] == ["row", "basket", "item", "label", "output"]
    assert found["label"] in CODES


@pytest.mark.parametrize("header", ["", "order,article\n", "article,order\n"])
def test_items_come_on_standard_input(header: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items_build(tmp_path, TopRule(2))
    row = "2,a\n" if header.startswith("article") else "a,2\n"
    (tmp_path / "x").write_text(header + row)
    with (tmp_path / "x").open() as file:
        monkeypatch.setattr("edgernn.datasets.csv_windows.STANDARD_INPUT", file.fileno())
        (found,) = decisions(tmp_path, Path("-"))
    assert (found["row"], found["basket"], found["item"]) == (1 + bool(header), "a", "2")


def test_an_item_that_is_missing_is_told_after_those_before_it(tmp_path: Path) -> None:
    items_build(tmp_path, TopRule(2))
    (tmp_path / "x.csv").write_text("order,article\na,2\na,\n")
    found = decisions(tmp_path, tmp_path / "x.csv")
    assert next(found)["item"] == "2"
    with pytest.raises(InputError, match="row 3, column article: the cell is empty; name the item"):
        next(found)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_bidirectional_network_answers_padded_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiled: bool
) -> None:
    """From both ends of the window, whether C decides or another engine."""
    cells: list[tuple[str, Options]] = [
        ("embedding", {"entries": 4, "units": 5}),
        ("gru", {"units": 6, "bidirectional": True}),
    ]
    network = random_network(3, 1, cells, 3, 6)
    network = replace(network, vocabulary=Vocabulary("words", ("<unk>", "a", "film", "good"), padded=True))
    x = np.array([[0, 0, 0, 1, 3, 2], [0, 1, 2, 3, 1, 2]], np.float32)[:, :, None]
    quantized = quantize(network, x)
    networks.save(network, tmp_path / "network.npz")
    (tmp_path / "recipe.yaml").write_text(TEXTS_RECIPE % "refuse")
    for name in ("c", "tflite"):
        target(name).export(network, quantized, "sequence", "int8", tmp_path / "artifacts")
    if not compiled:
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setenv("PATH", "/nonexistent")
        monkeypatch.setattr("edgernn.engines.compiler.find_spec", lambda name: None)
    (tmp_path / "texts").write_text("A good film\nnothing a film good a film good\n")
    found = list(decisions(tmp_path, tmp_path / "texts"))
    wanted = reference.float_outputs(network, x)[:, -1]
    assert [one["line"] for one in found] == [1, 2]
    assert [one["output"] for one in found] == pytest.approx(wanted.max(axis=1), abs=0.05)
    if compiled:
        integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, x))[:, -1]
        real = native(quantized)[-1].output.dequantize(integers)
        assert [one["output"] for one in found] == pytest.approx(real.max(axis=1), abs=1e-6)


CHARACTERS = ("<unk>", " ", "e", "\n", "R", "O", "M", ":", "é", "?")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizedNetwork, Path]:
    """A build of a network that says what comes next in a text."""
    folder = tmp_path_factory.mktemp("writer")
    cells: list[tuple[str, Options]] = [("embedding", {"entries": len(CHARACTERS), "units": 6}), ("lstm", 8)]
    network = random_network(4, 1, cells, len(CHARACTERS), 12, every_step=True)
    vocabulary = Vocabulary("characters", CHARACTERS, case="keep")
    network = replace(network, task="next", labels=CHARACTERS, decide=SampleRule(0.8, 5), vocabulary=vocabulary)
    quantized = quantize(network, random_frames(network))
    networks.save(network, folder / "network.npz")
    networks.save_quantized(quantized, folder / "quantized.npz")
    for name in ("c", "tflite"):
        target(name).export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized, folder


def drawn(
    quantized: QuantizedNetwork,
    prompt: Sequence[str],
    count: int,
    rule: SampleRule,
    seed: int,
    entries: Sequence[str] = CHARACTERS,
) -> list[str]:
    """By the integer reference over all tokens so far, again for each."""
    bits, state = words.fraction_bits(native(quantized)[-1].output.scale), sample.seeded(seed)
    read = [entries.index(one) if one in entries else 0 for one in prompt]
    for _ in range(count):
        x = reference.quantize_input(quantized, np.array(read, np.float32)[None, :, None])
        token, state = sample.draw(reference.integer_outputs(quantized, x)[0, -1], bits, rule, state)
        read.append(token)
    return [entries[token] for token in read[len(prompt) :]]


def test_text_is_drawn_of_what_the_c_says(writer: tuple[QuantizedNetwork, Path]) -> None:
    quantized, folder = writer
    found = list(text(folder, "ROMEO:", 60))
    assert [one["step"] for one in found] == list(range(1, 61))
    assert [one["text"] for one in found] == drawn(quantized, "ROMEO:", 60, SampleRule(0.8, 5), 0)
    other = [one["text"] for one in text(folder, "x?", 60, temperature=2, top_k=0, seed=9)]
    assert other == drawn(quantized, "x?", 60, SampleRule(2, 0), 9)
    greedy = [[one["text"] for one in text(folder, "M", 20, top_k=1, seed=seed)] for seed in (0, 1)]
    assert greedy[0] == greedy[1]


def test_an_empty_prompt_is_a_new_line(writer: tuple[QuantizedNetwork, Path]) -> None:
    assert list(text(writer[1], "", 30)) == list(text(writer[1], "\n", 30))


def test_what_is_not_known_of_a_prompt_is_told(writer: tuple[QuantizedNetwork, Path]) -> None:
    assert unknown(writer[1], "Rx!éx r") == ["x", "!", "r"]
    assert unknown(writer[1], "") == []


def test_another_engine_writes_where_c_cannot_run(
    writer: tuple[QuantizedNetwork, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = writer
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("edgernn.engines.compiler.find_spec", lambda name: None)
    session = engine("litert").open(folder / "artifacts" / "step.int8.tflite", "step", 1)
    read, state = [CHARACTERS.index("M")], sample.seeded(4)
    for _ in range(15):
        outputs = session.outputs(np.array(read, np.float32)[None, :, None])[0, -1]
        token, state = sample.draw(sample.integers(outputs, BITS), BITS, SampleRule(0.8, 5), state)
        read.append(token)
    assert [one["text"] for one in text(folder, "M", 15, seed=4)] == [CHARACTERS[token] for token in read[1:]]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"length": 0}, "--length is 0"),
        ({"temperature": 0.0}, "--temperature is 0; it is from 0.05 to 5"),
        ({"temperature": float("nan")}, "--temperature is nan"),
        ({"top_k": -1}, "--top-k is -1"),
        ({"seed": -1}, "--seed is -1"),
    ],
)
def test_what_no_rule_has_is_refused(
    wrong: dict[str, float], fault: str, writer: tuple[QuantizedNetwork, Path]
) -> None:
    with pytest.raises(InputError) as caught:
        next(text(writer[1], "R", **wrong))  # type: ignore[arg-type]
    assert str(caught.value).startswith(fault)


def test_a_network_that_writes_nothing_says_so(
    gru: tuple[QuantizedNetwork, Path], texts: tuple[QuantizedNetwork, Path]
) -> None:
    for _, folder in (gru, texts):
        with pytest.raises(InputError, match="the network writes no text; give it --input"):
            next(text(folder, "ROMEO:"))


ANSWERS = ("<unk>", "<to>", "<end>", "a", "b", "c")


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizedNetwork, Path]:
    """A build of a network of parallel text."""
    folder = tmp_path_factory.mktemp("answerer")
    cells: list[tuple[str, Options]] = [("embedding", {"entries": len(ANSWERS), "units": 6}), ("gru", 8)]
    network = random_network(5, 1, cells, len(ANSWERS), 12, every_step=True)
    vocabulary = Vocabulary("words", ANSWERS)
    network = replace(network, task="next", labels=ANSWERS, decide=SampleRule(1.5, 0), vocabulary=vocabulary)
    quantized = quantize(network, random_frames(network))
    networks.save(network, folder / "network.npz")
    networks.save_quantized(quantized, folder / "quantized.npz")
    target("c").export(network, quantized, "step", "int8", folder / "artifacts")
    return quantized, folder


def test_an_answer_follows_its_mark_and_stops_at_its_end(
    answerer: tuple[QuantizedNetwork, Path], tmp_path: Path
) -> None:
    """Token by token and line by line, as the integer reference says it, with seeds that end soon and late."""
    quantized, folder = answerer
    lengths = set()
    for seed in range(6):
        tokens = drawn(quantized, ["a", "x", "b", "<to>"], 40, SampleRule(1.5, 0), seed, ANSWERS)
        said = tokens[: tokens.index("<end>")] if "<end>" in tokens else tokens
        found = [one["text"] for one in text(folder, "A x, b", 40, seed=seed)]
        assert "".join(found) == " ".join(said)
        assert len(found) == len(said)
        lengths.add(len(said))
    assert len(lengths) > 1
    (tmp_path / "x.txt").write_text("A x, b\n\nc\nA x, b\n")
    lines = list(decisions(folder, tmp_path / "x.txt"))
    assert [one["line"] for one in lines] == [1, 3, 4]
    assert lines[0]["text"] == lines[2]["text"] == "".join(one["text"] for one in text(folder, "A x, b"))


def test_an_answer_stands_behind_an_arrow(
    writer: tuple[QuantizedNetwork, Path], answerer: tuple[QuantizedNetwork, Path]
) -> None:
    assert opening(writer[1], "ROMEO:") == "ROMEO:"
    assert opening(answerer[1], "a b") == "a b → "


@pytest.fixture(scope="module")
def turner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of a network that turns words of two letters round; least squares fit its last layer, in no time."""
    folder = tmp_path_factory.mktemp("turner")
    section = {"source": "parallel_text", "path": "x.csv", "text": "a", "becomes": "b", "steps": 5}
    pairs = [Pair(a + b, b + a, "") for a in "abcd" for b in "abcd"]
    splits = parallel_text.split(pairs, FileParallelText.model_validate(section), 0)
    entries = splits.labels
    network = random_network(
        1, 1, [("embedding", {"entries": len(entries), "units": 12}), ("gru", 64)], len(entries), 5
    )
    *below, last = network.layers
    network = replace(network, every_step=True, task="next", labels=entries, vocabulary=splits.vocabulary)
    parts = (splits.train, splits.validation, splits.test)
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))
    states = reference.float_outputs(replace(network, layers=tuple(below)), x)[y >= 0]
    kernel = np.linalg.lstsq(states, 6 * np.eye(len(entries))[y[y >= 0]], rcond=None)[0].astype(np.float32)
    told = replace(last, weights=(kernel, np.zeros(len(entries), np.float32)))
    network = replace(network, layers=(*below, told), decide=SampleRule(1, 1))
    quantized = quantize(network, x)
    networks.save(network, folder / "network.npz")
    networks.save_quantized(quantized, folder / "quantized.npz")
    target("c").export(network, quantized, "step", "int8", folder / "artifacts")
    return folder


def test_the_c_writes_what_a_text_becomes(turner: Path, tmp_path: Path) -> None:
    assert list(text(turner, "ab")) == [{"step": 1, "text": "b"}, {"step": 2, "text": "a"}]
    (tmp_path / "x.txt").write_text("cd\ndd\nda\n")
    found = [one["text"] for one in decisions(turner, tmp_path / "x.txt")]
    assert found == ["dc", "dd", "ad"]
