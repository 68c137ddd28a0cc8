"""Whole builds of a small recipe; the same code as the real ones, on windows that are quickly learnt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn import recipe
from edgernn.pipeline import STAGES
from edgernn.targets import artifact_name, audit

ROOT = Path(__file__).parent.parent
RECIPE = """
name: tiny
data:
  source: npz
  path: waves.npz
  split: {test: [c], validation: [b], calibration: 32}
network:
  layers:
    - gru: {units: 8}
    - dense: {}
train: {epochs: 4, batch_size: 16, learning_rate: 0.02}
targets: {tflite: {}, onnx: {}, c: {precisions: [int8], board: {name: host, flash_max: 100000}}}
prune: {sparsity: 0.5, layers: [gru], epochs: 3, learning_rate: 0.01}
verify: {baseline: majority, gates: {metric_above_baseline: true, metric_drop_max: 0.1}}
benchmark: {runs: 3, warmup: 1}
"""


def waves(path: Path, seed: int = 0) -> None:
    """Slow or fast waves, two channels and noise; people a, b and c."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 180)
    phase = rng.uniform(0, 6, (180, 1)) + np.arange(16) * np.where(y, 1.2, 0.4)[:, None]
    x = np.stack([np.sin(phase), np.cos(phase)], axis=2) + rng.normal(0, 0.1, (180, 16, 2))
    np.savez(path, x=x.astype(np.float32), y=y, group=np.array(["a", "b", "c"])[np.arange(180) % 3])


def build(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "edgernn.cli",
        "build",
        str(folder / "tiny.yaml"),
        "--out",
        str(folder / "out"),
        "--json",
    ]
    ended = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    content: dict[str, Any] = json.loads(ended.stdout)
    return content


def ran(folder: Path) -> set[str]:
    """The stages whose records were written by the last build, by their time."""
    records = {path.stem: path.stat().st_mtime_ns for path in (folder / "out" / "cache" / "stages").glob("*.json")}
    started = (folder / "out" / "recipe.yaml").stat().st_mtime_ns
    return {stage for stage, moment in records.items() if moment > started}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    waves(folder / "waves.npz")
    (folder / "tiny.yaml").write_text(RECIPE)
    build(folder)
    return folder


pytestmark = pytest.mark.slow


def test_a_build_makes_all_that_its_contract_names(built: Path) -> None:
    out = built / "out"
    names = (
        "recipe.yaml",
        "network.npz",
        "quantized.npz",
        "report.json",
        "report.html",
        "report.md",
        "manifest.json",
    )
    assert all((out / name).is_file() for name in names)
    for combination in recipe.load(out / "recipe.yaml").artifacts():
        audit(combination, out / "artifacts" / artifact_name(combination))
    manifest = json.loads((out / "manifest.json").read_text())
    assert "artifacts/model.int8.tflite" in manifest["files"]
    assert manifest["files"]["report.html"]["bytes"] == (out / "report.html").stat().st_size


def test_its_report_passes_and_covers_every_engine(built: Path) -> None:
    content = json.loads((built / "out" / "report.json").read_text())
    assert content["passed"]
    assert content["keras"]["max_abs_error"] < 1e-5
    assert content["data"]["splits"][2]["examples"] == content["metric"]["test_examples"]
    assert {row["engine"] for row in content["results"]} == {
        "numpy", "keras", "litert", "litert-ref", "tflm", "onnxruntime", "c",
    }  # fmt: skip
    assert {row["status"] for row in content["results"]} == {"ok", "skipped"}
    assert all(row["sparsity"] == 0.5 for row in content["network"]["layers"] if row["kind"] == "gru")


def test_nothing_changed_means_nothing_done(built: Path) -> None:
    time.sleep(0.01)
    build(built)
    assert ran(built) == set()


def test_another_quantisation_trains_nothing(built: Path) -> None:
    time.sleep(0.01)
    build(built, "--set", "quantize.state=int8")
    assert ran(built) == set(STAGES[STAGES.index("quantize") :])


def test_from_a_stage_runs_it_and_what_follows(built: Path) -> None:
    build(built)
    time.sleep(0.01)
    build(built, "--from", "benchmark")
    assert ran(built) == {"benchmark", "firmware", "report"}


def test_other_data_changes_everything(built: Path, tmp_path: Path) -> None:
    waves(tmp_path / "waves.npz", seed=1)
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    build(tmp_path)
    time.sleep(0.01)
    waves(tmp_path / "waves.npz", seed=2)
    build(tmp_path)
    assert ran(tmp_path) == set(STAGES)


def test_a_failed_gate_ends_with_1_and_writes_the_report(built: Path) -> None:
    content = build(built, "--set", "verify.gates.parameters_max=10", code=1)
    assert not content["passed"]
    assert [gate["name"] for gate in content["gates"] if not gate["passed"]] == ["parameters_max"]


def test_verify_bench_and_report_work_on_a_build_folder_alone(built: Path) -> None:
    build(built)
    for verb in ("verify", "bench", "report"):
        command = [sys.executable, "-m", "edgernn.cli", verb, str(built / "out"), "--quiet"]
        assert subprocess.run(command, check=False, cwd="/").returncode == 0


def test_the_board_of_a_recipe_is_in_its_report(built: Path) -> None:
    content = build(built)
    rows = [row for row in content["results"] if row["device"] == "host" and "optimisation" in row]
    assert [(row["optimisation"], row["status"], row["equals_reference"]) for row in rows] == [
        ("size", "ok", 1.0),
        ("speed", "ok", 1.0),
    ]
    manifest = json.loads((built / "out" / "manifest.json").read_text())
    assert all(row["image"] in manifest["files"] for row in rows)
    assert "firmware" in [stage["name"] for stage in content["provenance"]["stages"]]


def test_a_limit_of_a_board_is_judged_without_building_the_image_again(built: Path) -> None:
    build(built)
    time.sleep(0.01)
    content = build(built, "--set", "targets.c.board.flash_max=100", code=1)
    assert ran(built) == {"report"}
    (failed,) = (gate for gate in content["gates"] if not gate["passed"])
    assert failed["name"] == "flash_max"
    assert "code" in failed["where"]


def test_a_recipe_without_a_board_has_no_firmware(built: Path) -> None:
    content = build(built, "--set", "targets.c.board=null")
    assert "firmware" not in [stage["name"] for stage in content["provenance"]["stages"]]
    assert not [row for row in content["results"] if "optimisation" in row]


def test_what_the_verb_found_is_kept_until_the_c_changes(built: Path) -> None:
    def speeds(content: dict[str, Any]) -> list[str]:
        return [row["optimisation"] for row in content["results"] if "optimisation" in row]

    build(built, "--set", "targets.c.board=null")
    command = [sys.executable, "-m", "edgernn.cli", "firmware", str(built / "out"), "--board", "host", "--run"]
    ended = subprocess.run([*command, "--optimise", "speed", "--json"], capture_output=True, check=True, cwd="/")
    found = json.loads(ended.stdout)
    assert found["passed"]
    assert (built / "out" / found["results"][0]["image"]).is_file()
    for verb in ("verify", "bench", "report"):
        again = [sys.executable, "-m", "edgernn.cli", verb, str(built / "out"), "--json"]
        assert speeds(json.loads(subprocess.run(again, capture_output=True, check=True).stdout)) == ["speed"]
    assert speeds(build(built, "--set", "targets.c.board=null", "--set", "quantize.weights=row")) == []
    assert not (built / "out" / "firmware").exists()


def test_a_build_that_is_killed_ends_with_the_same_bytes(built: Path) -> None:
    command = [sys.executable, "benchmarks/kills.py", "--recipe", str(built / "tiny.yaml"), "--kills", "4"]
    command += ["--folder", str(built / "kills")]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.rstrip().endswith("0 differ: none")
