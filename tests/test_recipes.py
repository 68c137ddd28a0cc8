"""The shipped recipes, built as a user would build them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgernn import recipe

ROOT = Path(__file__).parent.parent
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
WHOLE = ("activity", "sine_forecast")  # built in full; of the others, their profile `smoke` is


def build(path: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "edgernn.cli", "build", str(path), "--out", str(folder / "out"), "--json"]
    ended = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    content: dict[str, Any] = json.loads(ended.stdout)
    assert content["passed"]
    assert {row["status"] for row in content["results"]} <= {"ok", "skipped"}
    return content


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_opens_with_the_command_that_runs_it_and_is_named_as_its_file(path: Path) -> None:
    assert path.read_text().startswith(f"# edgernn build recipes/{path.name}\n")
    assert recipe.load(path).name == path.stem


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_has_a_smoke_profile_that_does_the_same_with_less(path: Path) -> None:
    whole, smoke = recipe.load(path), recipe.load(path, ["profile=smoke"])
    assert smoke.network == whole.network
    longer = {"qat": whole.quantize.qat} if smoke.quantize.qat else {}  # it trains, so it may be shorter
    assert smoke.quantize.model_copy(update=longer) == whole.quantize
    assert {*smoke.artifacts()} <= {*whole.artifacts()}
    assert smoke.train.epochs < whole.train.epochs
    assert smoke.verify.stream.steps < whole.verify.stream.steps
    assert smoke.benchmark.runs < whole.benchmark.runs
    assert {*smoke.verify.gates.model_dump(exclude_none=True)} == {
        *whole.verify.gates.model_dump(exclude_none=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_recipe_passes_its_gates(name: str, tmp_path: Path) -> None:
    path = ROOT / "recipes" / f"{name}.yaml"
    gates = recipe.load(path).verify.gates
    content = build(path, tmp_path)
    lost = max(row["metric_drop"] for row in content["results"] if row.get("precision") == "int8")
    if gates.metric_drop_max is not None:
        assert lost <= gates.metric_drop_max
    if gates.metric_drop_share_max is not None:
        assert lost <= gates.metric_drop_share_max * content["metric"]["float"]


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_smoke_profile_builds_and_passes(path: Path, tmp_path: Path) -> None:
    """It has hardly learnt, which its gates do not ask for."""
    content = build(path, tmp_path, "--set", "profile=smoke")
    assert {"litert", "c"} <= {row["engine"] for row in content["results"] if row["status"] == "ok"}
    resolved = recipe.load(tmp_path / "out" / "recipe.yaml")
    assert resolved == recipe.load(path, ["profile=smoke"])
