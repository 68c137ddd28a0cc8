from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import verify
from edgernn.cases import cases
from edgernn.datasets.splits import Split
from edgernn.progress import Progress
from edgernn.quantize import quantize
from edgernn.targets import Combination, tflite


def test_measures_are_those_of_their_names() -> None:
    wanted = np.array([[[0.0, 1.0], [2.0, 1.0]], [[0.0, 3.0], [0.0, 1.0]]])  # decides 0, then 1
    got = np.array([[1.0, 1.5], [0.0, 0.5]])  # decides 1, then 1
    found = verify.measure(got, wanted, np.array([0, 1]))
    assert found == {
        "metric": 0.5,
        "metric_drop": 0.5,
        "agreement": 0.5,
        "max_abs_error": 1.0,
        "mean_abs_error": pytest.approx((1.0 + 0.5 + 0.0 + 0.5) / 4),
    }


def test_a_step_model_is_held_to_every_step() -> None:
    wanted = np.zeros((1, 3, 2))
    got = wanted.copy()
    got[0, 0, 0] = 7.0  # an early error that the last step no longer shows
    assert verify.measure(got, wanted, np.array([0]))["max_abs_error"] == 7.0
    assert verify.measure(got[:, -1], wanted, np.array([0]))["max_abs_error"] == 0.0


def test_confusion_counts_true_by_decided() -> None:
    outputs = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert verify.confusion_matrix(outputs, np.array([0, 1, 1])) == [[1, 0], [1, 1]]


def test_every_case_has_a_result_and_what_cannot_run_says_why(tmp_path: Path) -> None:
    network = random_network(steps=6)
    frames = random_frames(network, 5)
    quantized = quantize(network, (frames - network.mean) / network.std)
    test = Split(frames, np.array([0, 1, 2, 3, 0]), np.array(["a"] * 5))
    wanted = verify.expected(network, quantized, test)
    combinations = [Combination("tflite", form, "int8") for form in ("sequence", "step")]
    for combination in combinations:
        tflite.export(network, quantized, combination.form, combination.precision, tmp_path)
    work = cases(combinations, ["litert", "litert-ref"], tmp_path)
    broken = [dataclasses.replace(c, path=tmp_path / "gone.tflite") for c in work if c.engine == "litert-ref"]
    kept = [c for c in work if c.engine != "litert-ref"] + broken
    found = verify.run(kept, test, wanted, tmp_path / "cache", Progress(quiet=True))

    by_status = {(row["engine"], row["form"]): row for row in found["results"]}
    assert by_status["litert", "sequence"]["status"] == "ok"
    assert by_status["litert", "step"]["equals_sequence"] == 1.0
    assert by_status["tflm", "step"]["status"] == "skipped"
    assert "verify.engines does not name tflm" in by_status["tflm", "step"]["reason"]
    assert by_status["litert-ref", "step"]["status"] == "failed"
    assert "Could not open" in by_status["litert-ref", "step"]["reason"]
    over_time = [row for row in found["drift_over_time"] if row["engine"] == "litert"]
    assert [row["step"] for row in over_time] == list(range(1, 7))
    step_row = by_status["litert", "step"]
    assert step_row["max_abs_error"] == max(row["max_abs_error"] for row in over_time)
