from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgernn import archive
from edgernn.errors import InputError
from edgernn.progress import Progress
from edgernn.stages import PACKAGE, PRESENTATION, RECORDS, Stage, Stages, digest


class Counter:
    """A stage's work that counts its runs and copies a number to a file."""

    def __init__(self, folder: Path, value: int = 1) -> None:
        self.folder, self.value, self.runs = folder, value, 0

    def __call__(self) -> None:
        self.runs += 1
        archive.write_text(self.folder / "out", str(self.value))


def run(folder: Path, work: Counter, on: object = 1, fresh: frozenset[str] = frozenset()) -> Stages:
    (folder / "in").touch()
    stages = Stages(folder, Progress(quiet=True), fresh)
    stages.run(Stage("copy", work, on, [folder / "in"], [folder / "out"]))
    return stages


def test_what_only_shows_results_is_there() -> None:
    assert [name for name in PRESENTATION if not (PACKAGE / name).exists()] == []


def test_a_stage_whose_causes_are_as_they_were_is_left_out(tmp_path: Path) -> None:
    work = Counter(tmp_path)
    assert run(tmp_path, work).records[0].cached is False
    assert run(tmp_path, work).records[0].cached is True
    assert work.runs == 1


@pytest.mark.parametrize("change", ["setting", "input", "output changed", "output lost", "record", "fresh"])
def test_a_stage_runs_again_when_anything_changed(tmp_path: Path, change: str) -> None:
    work = Counter(tmp_path)
    run(tmp_path, work)
    on, fresh = 1, frozenset[str]()
    match change:
        case "setting":
            on = 2
        case "input":
            (tmp_path / "in").write_text("other")
        case "output changed":
            (tmp_path / "out").write_text("damaged")
        case "output lost":
            (tmp_path / "out").unlink()
        case "record":
            (tmp_path / RECORDS / "copy.json").write_text("{")
        case "fresh":
            fresh = frozenset({"copy"})
    run(tmp_path, work, on, fresh)
    assert work.runs == 2
    assert (tmp_path / "out").read_text() == "1"


def test_a_stage_that_dies_leaves_no_record(tmp_path: Path) -> None:
    run(tmp_path, Counter(tmp_path))

    def die() -> None:
        raise InputError("no")

    stages = Stages(tmp_path, Progress(quiet=True), frozenset({"copy"}))
    with pytest.raises(InputError):
        stages.run(Stage("copy", die, 1, [], [tmp_path / "out"]))
    assert not (tmp_path / RECORDS / "copy.json").exists()


def test_digest_of_a_folder_sees_names_and_contents(tmp_path: Path) -> None:
    def tree(name: str, content: str) -> str:
        root = tmp_path / json.dumps([name, content])
        archive.write_text(root / name, content)
        return digest(root)

    assert tree("a", "1") != tree("b", "1")
    assert tree("a", "2") != tree("a", "1")
    assert digest(tmp_path / "nothing") == ""


def test_work_that_is_not_settled_runs_again(tmp_path: Path) -> None:
    moods = iter([False, True])
    runs: list[bool] = []

    def work() -> bool:
        runs.append(next(moods))
        archive.write_text(tmp_path / "out", "x")
        return runs[-1]

    for _ in range(3):
        Stages(tmp_path, Progress(quiet=True)).run(Stage("moody", work, 1, [], [tmp_path / "out"]))
    assert runs == [False, True]
