from __future__ import annotations

from pathlib import Path

import numpy as np
from networks import random_frames, random_network

from edgernn import archive
from edgernn.devices import Job, host
from edgernn.quantize import quantize
from edgernn.targets import tflite


def job(tmp_path: Path, action: str = "verify", artifact: Path | None = None, engine: str = "litert") -> Job:
    network = random_network(steps=5)
    frames = random_frames(network, 2)
    archive.save(tmp_path / "frames.npz", {}, {"x": frames})
    made = artifact or tflite.export(network, quantize(network, frames), "sequence", "int8", tmp_path)
    return Job(action, engine, made, "sequence", tmp_path / "frames.npz", tmp_path / "out.npz", 1, 7, 2)  # type: ignore[arg-type]


def test_a_verify_job_writes_its_outputs(tmp_path: Path) -> None:
    outcome = host.run(job(tmp_path))
    assert outcome.ok, outcome.reason
    assert archive.load(tmp_path / "out.npz")[1]["y"].shape == (2, 4)
    assert set(outcome.measured["memory"]) == {"state_bytes", "scratch_bytes", "arena_bytes"}


def test_a_benchmark_job_times_every_run(tmp_path: Path) -> None:
    outcome = host.run(job(tmp_path, "benchmark"))
    assert outcome.ok, outcome.reason
    times = outcome.measured["latency_us"]
    assert len(times) == 7
    assert min(times) > 0
    assert outcome.measured["memory"]["peak_bytes"] >= 0


def test_an_engine_that_refuses_the_file_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\x00" * 64)
    outcome = host.run(job(tmp_path, artifact=broken))
    assert not outcome.ok
    assert outcome.reason


def test_an_engine_that_crashes_is_a_failure_that_names_the_signal(tmp_path: Path, monkeypatch: object) -> None:
    assert host._reason(-11, "") == "the engine crashed with SIGSEGV"
    assert host._reason(1, "Traceback\n\nValueError: bad\n") == "ValueError: bad"


def test_outputs_are_the_same_from_one_window_to_the_next(tmp_path: Path) -> None:
    """A state left over from an earlier window would show."""
    network = random_network(steps=5)
    frames = random_frames(network, 1)
    again = np.concatenate([frames, frames])
    archive.save(tmp_path / "frames.npz", {}, {"x": again})
    for form in ("sequence", "step"):
        made = tflite.export(network, quantize(network, frames), form, "int8", tmp_path)  # type: ignore[arg-type]
        outcome = host.run(Job("verify", "litert", made, form, tmp_path / "frames.npz", tmp_path / "o.npz"))  # type: ignore[arg-type]
        assert outcome.ok, outcome.reason
        y = archive.load(tmp_path / "o.npz")[1]["y"]
        np.testing.assert_array_equal(y[0], y[1])
