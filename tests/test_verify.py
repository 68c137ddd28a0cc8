from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import verify
from edgernn.cases import cases
from edgernn.datasets.splits import Split
from edgernn.metric import METRICS, Judge, accuracy
from edgernn.progress import Progress
from edgernn.quantize import quantize
from edgernn.recipe import Gates, StreamSection, VerifySection
from edgernn.targets import Combination, tflite


def test_every_case_has_a_result_and_what_cannot_run_says_why(tmp_path: Path) -> None:
    network = random_network(steps=6)
    frames = random_frames(network, 5)
    quantized = quantize(network, (frames - network.mean) / network.std)
    test = Split(frames, np.array([0, 1, 2, 3, 0]), np.array(["a"] * 5))
    combinations = [Combination("tflite", form, "int8") for form in ("sequence", "step")]
    for combination in combinations:
        tflite.export(network, quantized, combination.form, combination.precision, tmp_path)
    work = cases(combinations, ["litert", "litert-ref"], tmp_path)
    wanted = verify.expected(network, quantized, test, work, Judge(METRICS["accuracy"]))
    broken = [dataclasses.replace(c, path=tmp_path / "gone.tflite") for c in work if c.engine == "litert-ref"]
    kept = [c for c in work if c.engine != "litert-ref"] + broken
    section = VerifySection(
        stream=StreamSection(steps=40), gates=Gates(max_state_error_at={11: 1.0}, max_output_error_at={13: 1.0})
    )
    course = verify.course(network, test, section, kept)
    found = verify.run(kept, test, wanted, tmp_path / "cache", Progress(quiet=True), course)

    by_status = {(row["engine"], row["form"]): row for row in found["results"]}
    assert by_status["litert", "sequence"]["status"] == "ok"
    assert by_status["litert", "step"]["equals_sequence"] == 1.0
    assert by_status["tflm", "step"]["status"] == "skipped"
    assert "verify.engines does not name tflm" in by_status["tflm", "step"]["reason"]
    assert by_status["litert-ref", "step"]["status"] == "failed"
    assert "Could not open" in by_status["litert-ref", "step"]["reason"]
    assert {row["engine"] for row in found["drift_over_time"]} == {"litert"}
    over_time = [row for row in found["drift_over_time"] if row["over"] == "windows"]
    assert [row["step"] for row in over_time] == list(range(1, 7))
    step_row = by_status["litert", "step"]
    assert step_row["max_abs_error"] == max(row["max_abs_error"] for row in over_time)

    along = [row for row in found["drift_over_time"] if row["over"] == "stream"]
    assert [row["step"] for row in along] == [1, 2, 3, 5, 7, 10, 11, 13, 15, 20, 30, 40]
    assert all(0 < row["states"]["gru_0/h"]["mean_abs_error"] < 0.1 for row in along)
    streaming = found["streaming"]
    assert (streaming["steps"], streaming["streams"], streaming["windows"]) == (40, 1, 6)
    assert [(row["artifact"], row["engine"]) for row in streaming["artifacts"]] == [("step.int8.tflite", "litert")]
    assert set(streaming["float"]) == {"windowed", "streaming"}
    assert course is not None
    assert streaming["float"]["windowed"] == accuracy(
        wanted.outputs[course.stream.windows, -1], test.y[course.stream.windows]
    )


def test_without_a_quantised_step_model_there_is_no_stream(tmp_path: Path) -> None:
    network = random_network(steps=6)
    test = Split(random_frames(network, 2), np.array([0, 1]), np.array(["a"] * 2))
    some = [Combination("tflite", "step", "float32"), Combination("tflite", "sequence", "int8")]
    assert verify.course(network, test, VerifySection(), cases(some, ["litert"], tmp_path)) is None
    step = [Combination("tflite", "step", "int8")]
    assert verify.course(network, test, VerifySection(), cases(step, ["c"], tmp_path)) is None


def test_nothing_that_is_told_of_outputs_depends_on_padding() -> None:
    """Metric, drift and spread are those of the examples cut to their own steps, one by one."""
    rng = np.random.default_rng(0)
    outputs, other = rng.normal(size=(2, 3, 5, 2))
    ends, y = np.array([1, 3, 5]), np.array([0, 1, 1])
    for filler in (0.0, 1e6):
        padding = np.arange(5) >= ends[:, None]
        outputs[padding], other[padding] = filler, -filler
        wanted = verify.Expected(outputs, {}, y, Judge(METRICS["accuracy"]), ends)
        real = [outputs[i, :end] for i, end in enumerate(ends)]
        error = np.concatenate([abs(other[i, :end] - real[i]) for i, end in enumerate(ends)])
        assert verify.float_network(wanted)["output_spread"] == pytest.approx(np.concatenate(real).std(), rel=1e-12)
        found = wanted.drift(other)
        decided = np.array([other[i, end - 1].argmax() for i, end in enumerate(ends)])
        assert found["metric"] == np.mean(decided == y)
        assert (found["max_abs_error"], found["mean_abs_error"]) == (error.max(), pytest.approx(error.mean()))
