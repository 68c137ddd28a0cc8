"""A network of parallel text, from a CSV file to the report and answers, as a user would have it."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

RECIPE = """
name: backwards
data: {source: parallel_text, path: pairs.csv, text: word, becomes: turned, steps: 7}
network: {layers: [embedding: {units: 12}, gru: {units: 48}, dense: {}]}
train: {epochs: 60, batch_size: 16, learning_rate: 0.01, dropout: 0}
decide: {rule: sample, top_k: 1, prompts: [abc], length: 10}
targets: {c: {precisions: [int8]}}
verify: {engines: [c], stream: {steps: 50}, gates: {metric_drop_max: 0.05}}
benchmark: {runs: 2}
"""
WORDS = ["".join(letters) for letters in product("abcdefg", repeat=3)]


def edgernn(*arguments: object) -> str:
    command = [sys.executable, "-m", "edgernn.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("backwards")
    rows = [f"{word},{word[::-1].upper()}\n" for word in WORDS]
    (folder / "pairs.csv").write_text("".join(["word,turned\n", *rows]))
    (folder / "r.yaml").write_text(RECIPE)
    return json.loads(edgernn("build", folder / "r.yaml", "--out", folder / "out", "--json")), folder / "out"


@pytest.mark.slow
def test_it_learns_to_turn_words_that_it_never_saw(built: tuple[dict[str, Any], Path]) -> None:
    metric = built[0]["metric"]
    assert built[0]["passed"]
    assert metric["float"] < 0.1
    assert metric["baseline"]["name"] == "kneser_ney"
    assert metric["baseline"]["value"] > 0.5


@pytest.mark.slow
def test_the_c_answers_and_stops(built: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    report, folder = built
    (sample,) = report["samples"]["texts"]
    assert sample["prompt"] == "abc → "
    assert {row["text"] for row in sample["written"]} == {"CBA"}
    assert edgernn("run", folder, "--prompt", "gab") == "gab → BAG\n"
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    lines = [
        json.loads(line)
        for line in edgernn("run", folder, "--input", tmp_path / "words.txt", "--json").splitlines()
    ]
    right = [one["text"] == word[::-1].upper() for one, word in zip(lines, WORDS, strict=True)]
    assert sum(right) >= 0.95 * len(WORDS)
