"""The recipe for anomalies: what it refuses, and a build on a series of one's own, with labels and without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn import recipe
from edgernn.errors import InputError

RECIPE = Path(__file__).parent.parent / "recipes" / "ecg_anomaly.yaml"


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("decide.smooth=0", "decide.smooth must be greater than 0, not 0"),
        ("decide.threshold=-1", "decide.threshold"),
        ("decide.margin=0.5", "decide.margin must be at least 1, not 0.5"),
        ("decide.minutes=3", "decide.minutes is not a known key"),
        ("decide.rule=alarms", "decide has the rule 'alarms', which is not known; did you mean alarm?"),
        ("decide.rule=words", "decide.margin is not a known key"),
        ("decide.smooth=10000", "has decide.smooth 10000 and data.horizon 10, whose product is above 65535; lower"),
        ("decide=null", "which is of alarms; add decide: {rule: alarm}"),
        (
            "network.layers=[{conv: {units: 4, kernel: 2, stride: 2}}, {gru: {units: 4}}, {dense: {}}]",
            "after every frame, and conv has a",
        ),
        (
            "network.layers=[{gru: {units: 4, bidirectional: true}}, {dense: {}}]",
            "a bidirectional layer, which has no",
        ),
        ("data.source=electricity", "has split.by: given, and electricity names no test frames; use time"),
        ("data.split.by=shares", "data.split.by must be 'time' or 'given', not 'shares'"),
    ],
)
def test_faults(override: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        recipe.load(RECIPE, [override])
    assert str(caught.value).startswith(f"{RECIPE}: ")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


WHERE = "source: series, path: s.csv, columns: [v], forecast: v, anomaly: odd"
OWN = f"{{{WHERE}, window: 20, horizon: 4, hop: 10, train_hop: 3, season: 16}}"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("anomaly: odd, ", ""), "no labels; name their column as data.anomaly"),
        (("anomaly: odd", "anomaly: v"), "has the column v as anomaly and in columns; no device can read labels"),
        (("window", "split: {by: given}, window"), "has split.by: given, which only data of the catalog can have"),
    ],
)
def test_faults_of_a_series_of_ones_own(change: tuple[str, str], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        recipe.load(RECIPE, [f"data={OWN.replace(*change)}"])


def test_alarms_need_a_series() -> None:
    with pytest.raises(InputError, match=r"has decide\.rule: alarm, which needs forecasts of a series; remove it"):
        recipe.load(RECIPE.with_name("activity.yaml"), ["decide.rule=alarm"])


@pytest.mark.filterwarnings("error")
def test_a_resolved_recipe_reads_back_as_it_was(tmp_path: Path) -> None:
    wanted = recipe.load(RECIPE)
    (tmp_path / "again.yaml").write_text(recipe.dump(wanted))
    assert recipe.load(tmp_path / "again.yaml") == wanted


def series(folder: Path, labels: bool) -> None:
    """A period of 16 frames, and in the last third one that is half as long."""
    time = np.arange(3000)
    value = np.sin(2 * np.pi * time / 16) + 0.02 * np.random.default_rng(0).normal(size=3000)
    odd = (time >= 2600) & (time < 2660)
    value[odd] = np.sin(2 * np.pi * time[odd] / 8)
    rows = [f"{v:.5f},{int(one)}" if labels else f"{v:.5f}" for v, one in zip(value, odd, strict=True)]
    (folder / "s.csv").write_text("\n".join(["v,odd" if labels else "v", *rows]))


def built(folder: Path, *changes: str) -> dict[str, Any]:
    (folder / "r.yaml").write_text(RECIPE.read_text())
    own = ("verify.engines=[litert, c]", "verify.stream.steps=200", "benchmark.runs=2", "train.epochs=6", *changes)
    command = [sys.executable, "-m", "edgernn.cli", "build", str(folder / "r.yaml"), "--out", str(folder / "out")]
    options = [part for change in own for part in ("--set", change)]
    ended = subprocess.run([*command, "--json", *options], capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr[-2000:]
    content: dict[str, Any] = json.loads(ended.stdout)
    return content


@pytest.mark.slow
def test_a_series_of_ones_own_is_searched(tmp_path: Path) -> None:
    series(tmp_path, labels=True)
    found = built(tmp_path, f"data={OWN[:-1]}, split: {{validation: 0.15, test: 0.35}}}}", "decide.smooth=16")
    rows = found["detection"]["results"]
    assert {(row["artifact"], row["engine"]) for row in rows} >= {("network", "numpy"), ("c/int8", "c")}
    for row in rows:
        assert (row["anomalies"], row["found"], row["top"]) == (1, 1, True)
        assert row["auc"] > 0.95
    assert [row["name"] for row in found["detection"]["baselines"]] == ["discord", "discord_of_shape"]
    assert not [g for g in found["gates"] if g["name"].startswith("detection") and g["value"] is None]


@pytest.mark.slow
def test_without_labels_alarms_are_counted(tmp_path: Path) -> None:
    series(tmp_path, labels=False)
    data = f"data={OWN[:-1].replace('anomaly: odd, ', '')}, split: {{validation: 0.15, test: 0.35}}}}"
    found = built(tmp_path, data, "decide.smooth=16", "verify.gates={agreement_min: 0.5}")
    for row in found["detection"]["results"]:
        assert (row["auc"], row["top"], row["found"]) == (None, None, None)
        assert row["alarms"] >= 1


@pytest.mark.slow
def test_noise_has_no_anomalies_to_be_found(tmp_path: Path) -> None:
    """Labels that nothing in the series tells of: a score above chance would know them from somewhere else."""
    rng = np.random.default_rng(0)
    odd = np.zeros(4000, bool)
    odd[3000:] = np.repeat(rng.permutation(100) < 30, 10)
    rows = [f"{v:.5f},{int(one)}" for v, one in zip(rng.normal(size=4000), odd, strict=True)]
    (tmp_path / "s.csv").write_text("\n".join(["v,odd", *rows]))
    data = f"data={OWN[:-1]}, split: {{validation: 0.15, test: 0.3}}}}"
    found = built(tmp_path, data, "decide.smooth=4", "verify.engines=[c]", "verify.gates={agreement_min: 0.2}")
    for row in found["detection"]["results"]:
        assert row["auc"] == pytest.approx(0.5, abs=0.1)
