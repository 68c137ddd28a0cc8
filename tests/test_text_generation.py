"""A network that writes, from a text file to the report and `edgernn run --prompt`, as a user would have it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RECIPE = """
name: rhyme
data: {source: running_text, path: rhyme.txt, vocabulary: 40, steps: 32}
network: {layers: [embedding: {units: 8}, lstm: {units: 24}, dense: {}]}
train: {epochs: 12, batch_size: 8, learning_rate: 0.02, truncate: 16, dropout: 0, average: 0.9}
decide: {rule: sample, temperature: 0.5, top_k: 5, prompts: ["The ", ""], length: 150, seed: 3}
targets:
  tflite: {forms: [step], precisions: [int8]}
  c: {precisions: [int8]}
verify:
  baseline: kneser_ney
  engines: [litert, c]
  stream: {steps: 50}
  gates: {metric_drop_max: 0.02}
benchmark: {runs: 2}
"""
RHYME = "The cat sat on the mat,\nThe dog sat on the log.\n"


def edgernn(*arguments: object) -> str:
    command = [sys.executable, "-m", "edgernn.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("rhyme")
    (folder / "rhyme.txt").write_text(RHYME * 150)
    (folder / "rhyme.yaml").write_text(RECIPE)
    return json.loads(edgernn("build", folder / "rhyme.yaml", "--out", folder / "out", "--json")), folder / "out"


@pytest.mark.slow
def test_it_learns_the_rhyme(built: tuple[dict[str, Any], Path]) -> None:
    """Which has next to no entropy; n-grams know it, too."""
    metric = built[0]["metric"]
    assert built[0]["passed"]
    assert metric["name"] == "bits per character"
    assert metric["float"] < 0.5
    assert metric["baseline"]["name"] == "kneser_ney"


@pytest.mark.slow
def test_the_report_shows_what_run_writes(built: tuple[dict[str, Any], Path]) -> None:
    report, folder = built
    first, second = report["samples"]["texts"]
    assert "sat on the" in first["written"][1]["text"]
    for sample in (first, second):
        written = {row["artifact"]: row["text"] for row in sample["written"]}
        assert set(written) == {"network", "c/int8"}
        lines = edgernn(
            "run", folder, "--prompt", sample["prompt"], "--length", 150, "--seed", 3, "--json"
        ).splitlines()
        assert "".join(json.loads(line)["text"] for line in lines) == written["c/int8"]
    plain = edgernn("run", folder, "--prompt", "The ", "--length", 150, "--seed", 3)
    assert plain == "The " + first["written"][1]["text"] + "\n"


@pytest.mark.slow
def test_every_file_says_how_tokens_are_drawn(built: tuple[dict[str, Any], Path]) -> None:
    from edgernn.targets.tflite.content import describe

    about = describe(built[1] / "artifacts" / "step.int8.tflite").metadata
    assert about["decide"] == {"rule": "sample", "temperature": 0.5, "top_k": 5}
    assert about["vocabulary"]["case"] == "keep"  # type: ignore[index]
    assert "rhyme_sample" in (built[1] / "artifacts" / "c" / "int8" / "rhyme.h").read_text()
