"""The shipped recipes, built as a user would build them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgernn import recipe

ROOT = Path(__file__).parent.parent
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_opens_with_the_command_that_runs_it_and_is_named_as_its_file(path: Path) -> None:
    assert path.read_text().startswith(f"# edgernn build recipes/{path.name}\n")
    assert recipe.load(path).name == path.stem


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_passes_its_gates(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgernn.cli", "build", str(path), "--out", str(tmp_path / "out"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    content = json.loads(ended.stdout)
    assert {row["status"] for row in content["results"]} <= {"ok", "skipped"}
    lost_max = 0.01 * max(1, content["metric"]["float"])  # a point, or of quantities a hundredth
    assert all(row["metric_drop"] <= lost_max for row in content["results"] if row.get("precision") == "int8")
