from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgernn import cli, doctor

RECIPE = """
name: tiny
data:
  source: csv
  path: data.csv
  columns: [a, b]
  label: label
  group: who
  window: 10
network:
  layers:
    - gru: {units: 4}
    - dense: {}
"""


def good_csv(rows: int = 40) -> str:
    lines = ["a,b,label,who"]
    lines += [
        f"{i % 7}.5,{i % 3},{label},{who}" for who in "abcdef" for label in ("up", "down") for i in range(rows)
    ]
    return "\n".join(lines) + "\n"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of the command line, run in this process."""
    monkeypatch.setattr(sys, "argv", ["edgernn", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code if isinstance(ended.value.code, int) else 0


def npz(path: Path, **arrays: np.ndarray) -> None:
    np.savez(path, **arrays)


def pickled(folder: Path) -> None:
    npz(folder / "data.npz", x=np.array([{}], dtype=object), y=np.zeros(1, int))


def corrupt(folder: Path) -> None:
    (folder / "data.npz").write_bytes(b"PK\x03\x04 this is no archive")


NPZ = RECIPE.replace("csv", "npz").split("  columns")[0] + "network:" + RECIPE.split("network:")[1]
nothing: Callable[[Path], None] = lambda folder: None  # noqa: E731


def csv(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "data.csv").write_text(text) and None


def with_cell(value: str) -> str:
    return good_csv().replace("3.5,0,up,a", f"{value},0,up,a", 1)


BAD = {
    "unknown key": (RECIPE + "quantize: {stat: int8}\n", csv(good_csv()), "quantize.stat", "quantize.state"),
    "wrong type": (RECIPE + "train: {epochs: many}\n", csv(good_csv()), "train.epochs", "many"),
    "unknown layer": (RECIPE.replace("gru", "gruu"), csv(good_csv()), "gruu", "gru"),
    "not YAML": ("name: [", csv(good_csv()), "recipe.yaml", ""),
    "missing file": (RECIPE, nothing, "data.csv", ""),
    "empty CSV": (RECIPE, csv(""), "data.csv", "empty"),
    "NaN in the data": (RECIPE, csv(with_cell("nan")), "data.csv", "nan"),
    "text in the data": (RECIPE, csv(with_cell("x3")), "data.csv", "x3"),
    "a class with no example": (
        RECIPE + "  # split\n".replace("  # split\n", ""),
        csv(good_csv().replace("down,f", "other,f")),
        "other",
        "",
    ),
    "window longer than every series": (
        RECIPE.replace("window: 10", "window: 1000"),
        csv(good_csv()),
        "1000",
        "40",
    ),
    "corrupt NPZ": (NPZ, corrupt, "data.npz", ""),
    "NPZ with pickled objects": (NPZ, pickled, "data.npz", "pickle"),
    "an augmentation of a channel that is not there": (
        RECIPE + "train: {augment: {mirror: [c]}}\n",
        csv(good_csv()),
        "train.augment.mirror",
        "c",
    ),
    "more outputs than classes": (
        RECIPE.replace("dense: {}", "dense: {units: 3}"),
        csv(good_csv()),
        "network.layers.1.dense.units",
        "asks for 2",
    ),
    "an impossible target": (
        RECIPE + "targets: {c: {precisions: [float32]}}\n",
        csv(good_csv()),
        "targets.c",
        "int8",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_exit_code_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, make, *wanted = BAD[case]
    make(tmp_path)
    (tmp_path / "recipe.yaml").write_text(recipe)
    if case == "a class with no example":
        wanted_split = "  split: {test: [f], validation: [e]}\n"
        (tmp_path / "recipe.yaml").write_text(recipe.replace("network:", wanted_split + "network:"))
    code = run(monkeypatch, "build", tmp_path / "recipe.yaml", "--out", tmp_path / "out", "--quiet")
    captured = capsys.readouterr()
    assert code == 2, captured.err
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.err.startswith("edgernn: ")
    for word in wanted:
        assert word in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "out" / "cache" / "baseline.json").exists()  # refused before any work


def test_an_unwritable_output_folder_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    csv(good_csv())(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "out").write_text("a file where the folder should be")
    assert run(monkeypatch, "build", tmp_path / "recipe.yaml", "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    csv(good_csv())(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)

    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fdopen(handle: int, *_: object) -> FullDisk:
        os.close(handle)
        return FullDisk()

    monkeypatch.setattr(os, "fdopen", fdopen)
    assert run(monkeypatch, "build", tmp_path / "recipe.yaml", "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".edgernn"]


def test_a_package_whose_hash_differs_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgernn.datasets import catalog

    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    entry = catalog.CATALOG["watch_activity"]
    by_hand = catalog.cached_path(entry).parent / entry.archive
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(b"something else")
    assert run(monkeypatch, "data", "fetch", "watch_activity") == 2
    error = capsys.readouterr().err
    assert "sha256" in error
    assert error.count("\n") == 1
    assert not by_hand.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "missing.yaml"),
        ("build", "."),
        ("verify", "."),
        ("report", "."),
        ("firmware", ".", "--board", "cortex-m4"),
        ("firmware", ".", "--board", "nothing"),
        ("inspect", "missing.tflite"),
        ("compare", ".", "."),
        ("run", ".", "--input", "x.csv"),
        ("run", ".", "--prompt", "A"),
        ("run", "."),
        ("run", ".", "--input", "x.csv", "--prompt", "A"),
        ("run", ".", "--input", "x.csv", "--seed", "3"),
        ("new", "mine", "--task", "fly"),
        ("data", "fetch", "nothing"),
    ],
)
def test_every_verb_refuses_what_is_not_there(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "build", "--prompt", "\udcff"],
        ["run", "build", "--input", "x\udcff.csv"],
        ["build", "recipe.yaml", "--set", "name=\udcff"],
        ["build", "recipe.yaml", "--out", "\udcff"],
    ],
)
def test_an_argument_that_is_not_utf8_is_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python has such bytes as halves of surrogate pairs."""
    assert run(monkeypatch, *arguments) == 2
    fault = f"the argument {arguments[-1]!r} is not UTF-8 text; write it in UTF-8, or rename the file"
    assert capsys.readouterr().err == f"edgernn: {fault}\n"


def test_an_unknown_stage_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    assert run(monkeypatch, "build", tmp_path / "recipe.yaml", "--from", "cook") == 2
    assert "the stages are data, baseline, train" in capsys.readouterr().err


def test_new_writes_a_recipe_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgernn import recipe

    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "new", "mine", "--task", "classify") == 0
    assert recipe.load(tmp_path / "mine.yaml").name == "mine"


def test_doctor_and_data_list_speak_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "doctor", "--json")
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} >= {"litert", "c", "tensorflow"}
    run(monkeypatch, "data", "list", "--json")
    assert "watch_activity" in {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_help_imports_nothing_heavy() -> None:
    heavy = ("numpy", "tensorflow", "matplotlib", "pydantic")
    code = f"import sys, edgernn.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_folder_of_the_users_own_is_not_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    csv(good_csv())(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    assert run(monkeypatch, "build", tmp_path / "recipe.yaml", "--out", tmp_path) == 2
    assert "not empty and no build folder" in capsys.readouterr().err
    assert (tmp_path / "recipe.yaml").read_text() == RECIPE


def test_two_builds_do_not_work_in_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgernn import recipe
    from edgernn.folder import BuildFolder

    csv(good_csv())(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    with BuildFolder(tmp_path / "out").opened(recipe.load(tmp_path / "recipe.yaml")):
        assert run(monkeypatch, "build", tmp_path / "recipe.yaml", "--out", tmp_path / "out") == 2
    assert "another build is at work" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [ValueError("first\nsecond"), EOFError(), KeyError("k"), FileNotFoundError(2, "gone"), MemoryError()]
)
def test_a_bug_is_one_line_with_a_file_that_holds_the_traceback(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(doctor, "checks", broken)
    assert run(monkeypatch, "doctor") == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"edgernn: internal error: {type(error).__name__}: ")
    (kept,) = tmp_path.iterdir()
    assert f"please report it with the traceback in {kept}" in captured.err
    assert kept.read_text().startswith("Traceback (most recent call last)")
    assert "in broken" in kept.read_text()


def test_a_bug_on_a_full_disk_is_still_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    monkeypatch.setattr(doctor, "checks", lambda: 1 / 0)
    assert run(monkeypatch, "doctor") == 4
    error = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero; please report it" in error
    assert error.count("\n") == 1


def test_an_interrupt_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "checks", interrupted)
    assert run(monkeypatch, "doctor") == 130
    assert capsys.readouterr().err == "edgernn: interrupted; run the same command again to go on\n"


@pytest.mark.parametrize("name", ["Bad Name", "../x"])
def test_new_refuses_a_name_that_no_recipe_may_have(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "new", name, "--task", "classify") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx", "folder"])
def test_inspect_refuses_what_is_no_artifact(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.mkdir() if name == "folder" else path.write_bytes(b"\x20\0\0\0TFL3" + b"\xff" * 20)
    assert run(monkeypatch, "inspect", path) == 2
    error = capsys.readouterr().err
    assert name in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["new", "x"], "missing option '--task'; see "),
        (["bild"], "no such command 'bild'. Did you mean 'build'? see "),
        (["data", "lst"], "no such command 'lst'. Did you mean 'list'? see "),
        (["--vers"], "no such option: --vers"),
        (["build", "a", "b"], "unexpected extra argument"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    arguments: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("edgernn: ")
    assert line in told
    assert told.endswith(" --help\n")


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_without_a_verb_the_verbs_are_told(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, *arguments)
    told = capsys.readouterr()
    assert "list" in told.out + told.err if arguments else "build" in told.out + told.err
