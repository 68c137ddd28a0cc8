"""What only the data can tell about a recipe is told before any training."""

from __future__ import annotations

from pathlib import Path

import pytest
from event_files import GOOD

from edgernn import recipe
from edgernn.build import Build
from edgernn.datasets import splits
from edgernn.errors import InputError
from edgernn.folder import BuildFolder
from edgernn.progress import Progress

RECIPE = """
name: tiny
data: {source: events, path: e.csv, entity: who, time: when, columns: [heat], target: TARGET, predict: class,
       answer: event, steps: 4}
network: {layers: [LAYERS, dense: {}]}
verify: {metric: METRIC}
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
