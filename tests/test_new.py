from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgernn import datasets, new, recipe
from edgernn.datasets.audio_sections import AudioData
from edgernn.datasets.catalog import CATALOG
from edgernn.datasets.sections import SeriesData
from edgernn.errors import InputError


@pytest.mark.parametrize("task", new.tasks())
def test_a_new_recipe_loads(task: str, tmp_path: Path) -> None:
    path = new.write("mine", task, tmp_path)
    assert path == tmp_path / "mine.yaml"
    assert recipe.load(path).name == "mine"


def one_line_changed(task: str, folder: Path) -> Path:
    """The template of a task, with the line for one's own data in place of that for the catalog's."""
    path = new.write("mine", task, folder)
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("data:"))
    assert recipe.load(path).data.source in CATALOG
    path.write_text("\n".join([*lines[:at], lines[at + 1].removeprefix("# "), *lines[at + 2 :]]))
    return path


def test_recordings_of_ones_own_take_one_other_line(tmp_path: Path) -> None:
    path = new.write("mine", "classify", tmp_path)
    for label, phase in (("walk", 0), ("sit", 1)):
        (tmp_path / "recordings" / label).mkdir(parents=True)
        for number in range(8):
            rows = [f"{t},{t % 7},{phase}" for t in range(400)]
            (tmp_path / "recordings" / label / f"{number}.csv").write_text("\n".join(["ax,ay,az", *rows]))
    found = datasets.load(recipe.load(path, ["profile=own"]).data, tmp_path, 0)
    assert (found.labels, found.channels, found.every) == (("sit", "walk"), ("ax", "ay", "az"), 1)


def test_a_series_of_ones_own_takes_one_other_line(tmp_path: Path) -> None:
    path = new.write("mine", "forecast", tmp_path)
    start = datetime(2026, 1, 1)
    rows = [f"{start + timedelta(hours=t)},{t % 24},{t % 5}" for t in range(2000)]
    (tmp_path / "meter.csv").write_text("\n".join(["when,load,temperature", *rows]))
    found = datasets.load(recipe.load(path, ["profile=own"]).data, tmp_path, 0)
    assert (found.task, found.channels[:2], len(found.labels)) == ("regress", ("load", "temperature"), 24)
    assert len(found.channels) == 2 + 4 + 1  # two waves of day and week each, and a lag


def test_texts_of_ones_own_take_one_other_line(tmp_path: Path) -> None:
    path = one_line_changed("text", tmp_path)
    rows = [f"film {i} was {'good' if i % 2 else 'bad'},{'yes' if i % 2 else 'no'}" for i in range(200)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]))
    found = datasets.load(recipe.load(path).data, tmp_path, 0)
    assert (found.labels, found.train.x.shape[1:]) == (("no", "yes"), (40, 1))


def test_events_of_ones_own_take_one_other_line(tmp_path: Path) -> None:
    """The line in the comment, in place of the one above it, reads a file with the columns that it names."""
    path = one_line_changed("events", tmp_path)
    rows = [f"m{i},{t},{i + t},{'ab'[t % 2]},{'yes' if i % 2 else 'no'}" for i in range(20) for t in range(3)]
    (tmp_path / "events.csv").write_text("\n".join(["machine,time,heat,mode,broken", *rows]))
    found = datasets.load(recipe.load(path).data, tmp_path, 0)
    assert (found.labels, len(found.train.x.shape)) == (("no", "yes"), 3)


def test_items_of_ones_own_take_one_other_line(tmp_path: Path) -> None:
    path = one_line_changed("next_item", tmp_path)
    rows = [f"o{order},{order},{code}" for order in range(20) for code in ("A1", "b", "c") if order or code == "b"]
    (tmp_path / "items.csv").write_text("\n".join(["order,time,article", *rows]))
    found = datasets.load(recipe.load(path).data, tmp_path, 0)
    assert (found.labels, found.channels) == (("<unk>", "A1", "b", "c"), ("article",))


def test_one_line_turns_the_template_for_writing_to_a_text_of_ones_own(tmp_path: Path) -> None:
    """And that text is read: a file in UTF-8, of some windows."""
    path = one_line_changed("generate", tmp_path)
    (tmp_path / "text.txt").write_text("Ein Männlein steht im Walde.\n" * 200, "utf-8")
    found = datasets.load(recipe.load(path).data, tmp_path, 0)
    assert (found.task, found.train.x.shape[1:]) == ("next", (256, 1))
    assert {"E", "ä", "\n"} <= set(found.labels)


def test_pairs_of_ones_own_take_one_other_line(tmp_path: Path) -> None:
    path = one_line_changed("translate", tmp_path)
    rows = [f"number {i},{i} fois" for i in range(40)]
    (tmp_path / "pairs.csv").write_text("\n".join(["english,french", *rows]))
    found = datasets.load(recipe.load(path).data, tmp_path, 0)
    assert (found.task, found.train.x.shape[1:]) == ("next", (64, 1))
    assert {"<to>", "<end>", "n", "f"} <= set(found.labels)


def test_anomalies_of_ones_own_take_one_other_line(tmp_path: Path) -> None:
    path = one_line_changed("anomaly", tmp_path)
    rows = [f"{i % 20},{int(i == 950)}" for i in range(1000)]
    (tmp_path / "series.csv").write_text("\n".join(["value,abnormal", *rows]))
    data = recipe.load(path).data
    assert isinstance(data, SeriesData)
    splits, scenes = datasets.load_with_stretches(data, tmp_path, 0)
    assert (splits.channels, splits.labels[0], len(splits.labels)) == (("value",), "value +1", 10)
    assert scenes["test"].spans is not None
    assert scenes["test"].spans.tolist() == [[0, 350, 351]]


@pytest.mark.parametrize("name", ["Bad Name", "../x", "", "while"])
def test_a_name_that_no_recipe_may_have_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(InputError, match=rf"^NAME is {name!r}, a keyword|^NAME is {name!r}; it names C symbols"):
        new.write(name, "classify", folder)
    assert list(tmp_path.rglob("*.yaml")) == []


def test_an_unknown_task_is_told_the_known_ones_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        new.write("mine", "fly", tmp_path)
    assert str(caught.value).count("classify") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("x")
    with pytest.raises(InputError, match=r"mine\.yaml is already there"):
        new.write("mine", "classify", tmp_path)
    assert (tmp_path / "mine.yaml").read_text() == "x"


def test_one_line_turns_the_audio_template_to_own_recordings(tmp_path: Path) -> None:
    path = new.write("mine", "audio", tmp_path)
    assert recipe.load(path).data.source == "spoken_words"
    lines = path.read_text().splitlines(keepends=True)
    changed = [line.removeprefix("# ") if line == "# profile: own\n" else line for line in lines]
    assert sum(a != b for a, b in zip(lines, changed, strict=True)) == 1
    path.write_text("".join(changed))
    data = recipe.load(path).data
    assert isinstance(data, AudioData)
    assert (data.source, data.path) == ("audio", "recordings")
