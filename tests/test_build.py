"""What only the data can tell about a recipe is told before any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from event_files import GOOD

from edgernn import detection, recipe
from edgernn import network as networks
from edgernn.build import Build
from edgernn.datasets import scene, splits
from edgernn.errors import InputError
from edgernn.folder import BuildFolder
from edgernn.progress import Progress

ALARMS = """
name: tiny
data: {source: series, path: s.csv, columns: [v], forecast: v, window: 12, horizon: 2, hop: 4}
network: {layers: [gru: {units: 2}, dense: {}]}
train: {epochs: 2, refit: true}
decide: {rule: alarm, smooth: 3}
verify: {engines: [c]}
"""

RECIPE = """
name: tiny
data: {source: events, path: e.csv, entity: who, time: when, columns: [heat], target: TARGET, predict: class,
       answer: event, steps: 4}
network: {layers: [LAYERS, dense: {}]}
verify: {metric: METRIC}
"""


TEXTS = """
name: tiny
data: {source: text, path: t.csv, text: t, label: l, steps: STEPS, empty: skip}
network: {layers: [embedding: {units: 2}, gru: {units: 2}, dense: {}]}
"""


def data(folder: Path, layers: str = "gru: {units: 2}", target: str = "state", metric: str = "auc") -> Path:
    """The splits of a build of events, of 1 to 4 steps each."""
    (folder / "e.csv").write_text(GOOD)
    text = RECIPE.replace("LAYERS", layers).replace("TARGET", target).replace("METRIC", metric)
    (folder / "tiny.yaml").write_text(text)
    build = Build(recipe.load(folder / "tiny.yaml"), folder, BuildFolder(folder / "out"), Progress(True))
    build.data()
    return build.folder.splits


def test_sequences_of_different_lengths_keep_them(tmp_path: Path) -> None:
    found = splits.load(data(tmp_path))
    assert set(found.train.real) == {1, 2, 3, 4}
    assert found.encoding[0].name == "heat"


@pytest.mark.parametrize(
    ("steps", "last", "told"),
    [
        (2, "...,x\n", ["1 texts left out (no word); 40 texts cut (more than 2 words)"]),
        (3, "", []),
    ],
)
def test_what_the_data_leaves_out_is_said_in_one_line(
    steps: int, last: str, told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"w{i} b c,{'xy'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"t,l\n{rows}{last}")
    (tmp_path / "tiny.yaml").write_text(TEXTS.replace("STEPS", str(steps)))
    plan = recipe.load(tmp_path / "tiny.yaml")
    Build(plan, tmp_path, BuildFolder(tmp_path / "out"), Progress()).data()
    assert [line.partition("]   ")[2] for line in capsys.readouterr().err.splitlines()] == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"layers": "gru: {units: 2, bidirectional: true}"},
            r"network\.layers: gru is bidirectional, and sequences",
        ),
        (
            {"layers": "conv: {units: 2, kernel: 2, stride: 2}, gru: {units: 2}"},
            r"a step takes 2 frames, and the shortest sequence has 1",
        ),
        (
            {"target": "kind", "metric": "auc"},
            r"^verify\.metric: AUC is of two classes, and the data has 3; use acc",
        ),
        ({"target": "kind", "metric": "average_precision"}, r"average precision is of two classes"),
    ],
)
def test_a_recipe_that_does_not_fit_the_data_is_refused(changes: dict[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        data(tmp_path, **changes)
    assert not (tmp_path / "out" / "cache" / "splits.npz").exists()


def test_a_threshold_is_chosen_by_the_network_that_has_not_seen_validation(tmp_path: Path) -> None:
    values = np.sin(np.arange(400) / 3) + np.random.default_rng(0).normal(0, 0.1, 400)
    (tmp_path / "s.csv").write_text("v\n" + "\n".join(f"{value:.4f}" for value in values) + "\n")
    (tmp_path / "tiny.yaml").write_text(ALARMS)
    build = Build(recipe.load(tmp_path / "tiny.yaml"), tmp_path, BuildFolder(tmp_path / "out"), Progress(True))

    build.data()
    build.train()
    build.prune()

    scenes = scene.load(build.folder.scenes)
    shipped, validated = networks.load(build.folder.trained), networks.load(build.folder.validated)
    rules = [detection.rule(build.recipe.decide, one, scenes) for one in (shipped, validated)]  # type: ignore[arg-type]
    assert rules[0] != rules[1]
    assert build.network.decide == rules[1]
    for layer, expected in zip(build.network.layers, shipped.layers, strict=True):
        for weight, own in zip(layer.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(weight, own)


def test_no_pruned_network_could_choose_a_threshold_before_a_refit(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(ALARMS + "prune: {sparsity: 0.5}\n")
    with pytest.raises(InputError, match=r"has prune, train\.refit and decide\.threshold: auto; .* or give the"):
        recipe.load(tmp_path / "tiny.yaml")
    recipe.load(tmp_path / "tiny.yaml", ["decide.threshold=1"])
