"""Whole builds of a small forecast, plain, pruned and with training in fake quantisation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error

from edgernn import datasets, recipe, reference
from edgernn import network as networks
from edgernn.datasets import Splits
from edgernn.features import normalize
from edgernn.report.files import fault

RECIPE = """
name: tiny
data: {source: sine, frames: 1500, window: 16, horizon: 2, hop: 3, train_hop: 2, season: 15}
network:
  layers:
    - gru: {units: 8}
    - dense: {}
train: {epochs: 8, batch_size: 16, learning_rate: 0.02, dropout: 0}
targets: {tflite: {}, onnx: {}, c: {precisions: [int8]}}
verify:
  metric: mae
  tolerance: 0.2
  baseline: [mean, persistence, seasonal_naive]
  stream: {steps: 300}
  gates: {metric_above_baseline: true, metric_drop_share_max: 0.9, agreement_min: 0.9}
benchmark: {runs: 3, warmup: 1}
"""
CHANGES = {
    "plain": [],
    "pruned": ["prune={sparsity: 0.5, layers: [gru], epochs: 4, learning_rate: 0.01}"],
    "qat": ["quantize.qat={epochs: 2, learning_rate: 0.003}"],
}

pytestmark = pytest.mark.slow


class Built(NamedTuple):
    name: str
    out: Path
    report: dict[str, Any]

    def split(self) -> Splits:
        """The splits, made again from the resolved recipe."""
        resolved = recipe.load(self.out / "recipe.yaml")
        return datasets.load(resolved.data, self.out, resolved.seed)


@pytest.fixture(scope="module", params=CHANGES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.yaml").write_text(RECIPE)
    command = [sys.executable, "-m", "edgernn.cli", "build", str(folder / "tiny.yaml"), "--json"]
    command += ["--out", str(folder / "out")]
    for change in CHANGES[request.param]:
        command += ["--set", change]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return Built(request.param, folder / "out", json.loads(ended.stdout))


def of_network(out: Path, x: np.ndarray) -> np.ndarray:
    """What the float network of a build forecasts."""
    net = networks.load(out / "network.npz")
    return reference.float_outputs(net, normalize.apply(x, net.mean, net.std))[:, -1]


def test_every_engine_ran_and_every_gate_passed(built: Built) -> None:
    assert built.report["passed"]
    assert {row["engine"] for row in built.report["results"] if row["status"] == "ok"} == {
        "numpy", "keras", "litert", "litert-ref", "tflm", "onnxruntime", "c",
    }  # fmt: skip
    assert {row["status"] for row in built.report["results"]} == {"ok", "skipped"}


def test_the_metric_is_the_error_in_units_that_scikit_learn_finds(built: Built) -> None:
    metric, test = built.report["metric"], built.split().test
    assert (metric["name"], metric["unit"], metric["higher_is_better"]) == ("MAE", "", False)
    assert metric["float"] == pytest.approx(mean_absolute_error(test.y, of_network(built.out, test.x)), rel=1e-9)
    assert metric["test_examples"] == len(test)
    for row in built.report["results"]:
        if row["status"] == "ok":
            assert row["metric_drop"] == pytest.approx(row["metric"] - metric["float"], abs=1e-12)


def test_baselines_are_there_the_best_first(built: Built) -> None:
    test = built.split().test
    guesses = {
        "persistence": np.repeat(test.x[:, -1:, 0], 2, axis=1),
        "seasonal_naive": test.x[:, [1, 2], 0],  # 15 frames before those after the window of 16
    }
    found = {one["name"]: one["value"] for one in built.report["metric"]["baselines"]}
    for name, guess in guesses.items():
        assert found[name] == pytest.approx(mean_absolute_error(test.y, guess), rel=1e-6)
    assert list(found) == sorted(found, key=found.__getitem__)
    assert {*found} == {"mean", "persistence", "seasonal_naive"}
    assert built.report["metric"]["baseline"] == built.report["metric"]["baselines"][0]


def test_gates_are_judged_as_errors(built: Built) -> None:
    metric = built.report["metric"]
    gates = {gate["name"]: gate for gate in built.report["gates"]}
    above, share = gates["metric_above_baseline"], gates["metric_drop_share_max"]
    assert (above["value"], above["limit"]) == (metric["float"], min(one["value"] for one in metric["baselines"]))
    assert above["value"] < above["limit"]
    rows = [row for row in built.report["results"] if row.get("precision") in ("int8", "dynamic")]
    worst = max(row["metric"] for row in rows if row["status"] == "ok")
    assert share["value"] == pytest.approx((worst - metric["float"]) / metric["float"], abs=1e-9)


def test_there_is_no_confusion_and_the_report_is_written(built: Built) -> None:
    metric = built.report["metric"]
    assert (metric["float_confusion"], metric["confusion"], metric["labels"]) == (None, [], [])
    assert fault(built.report) is None
    for name in ("report.html", "report.md"):
        text = (built.out / name).read_text()
        assert "MAE" in text
        assert '<h2 id="confusion">' not in text
        assert "## Confusion" not in text
        assert "seasonal" in text


def test_it_is_a_regression_to_whoever_gets_it(built: Built) -> None:
    net = networks.load(built.out / "network.npz")
    assert (net.task, net.labels, net.channels) == ("regress", ("sine +1", "sine +2"), ("sine",))
    (built.out / "x.csv").write_text("sine\n" + "".join(f"{np.sin(n / 5)}\n" for n in range(20)))
    command = [sys.executable, "-m", "edgernn.cli", "run", str(built.out), "--input", str(built.out / "x.csv")]
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["step"] for line in lines] == [*range(1, 21)]
    forecast = np.array([[line["sine +1"], line["sine +2"]] for line in lines])
    truth = np.sin(np.array([[n + 1, n + 2] for n in range(20)]) / 5)
    assert mean_absolute_error(truth[10:], forecast[10:]) < 0.5


def test_what_was_asked_for_happened_to_the_weights(built: Built) -> None:
    net = networks.load(built.out / "network.npz")
    tuned = networks.load_quantized(built.out / "quantized.npz").network
    kernel, recurrent = net.layers[0].weights[:2]
    shares = [float(np.mean(weight == 0)) for weight in (kernel, recurrent)]
    assert shares == ([0.5, 0.5] if built.name == "pruned" else [0, 0])
    moved = [not np.array_equal(*pair) for pair in zip(net.layers[0].weights, tuned.layers[0].weights, strict=True)]
    assert moved == [built.name == "qat"] * 3
    for one, other in zip(net.layers[-1].weights, tuned.layers[-1].weights, strict=True):
        np.testing.assert_array_equal(one, other)  # the last layer has the units of the data
