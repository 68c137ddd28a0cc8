"""The child process that runs one artifact on one engine: a job as JSON on stdin, what it found on stdout."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import archive, engines
from edgernn.errors import InputError

INPUT_ERROR = 2  # exit code: not the engine failed but the disk, or a file; the message is on stdout


def main() -> None:
    job = json.load(sys.stdin)
    try:
        _, arrays = archive.load(Path(job["frames"]))
        found = {"verify": verify, "benchmark": benchmark}[job["action"]](job, arrays["x"])
    except InputError as error:
        print(error)
        sys.exit(INPUT_ERROR)
    print(json.dumps(found))


def verify(job: dict[str, Any], frames: np.ndarray) -> dict[str, Any]:
    """All outputs, written to the job's `outputs`, and the memory that the engine knows of.

    With a `stream`, what the model does along it too.
    """
    session = _open(job)
    found = {"y": session.outputs(frames)}
    if job["stream"]:
        _, arrays = archive.load(Path(job["stream"]))
        found |= session.trace(arrays["x"], [int(step) for step in arrays["at"]]).arrays()
    archive.save(Path(job["outputs"]), {}, found)
    return {"memory": session.memory}


def benchmark(job: dict[str, Any], frames: np.ndarray) -> dict[str, Any]:
    """Microseconds of each inference, and the peak memory of a load beside an earlier one.

    The first load brings the engine's library, which a process pays once; it stays, so that the second one
    cannot live in memory that the first has left.
    """
    first = _open(job)
    first.outputs(frames[:1])
    before = _reset_peak()
    session = _open(job)
    session.prepare(frames[0])
    for _ in range(job["warmup"]):
        session.invoke()
    times = [_timed(session) for _ in range(job["runs"])]
    peak = _status("VmHWM")
    peak_bytes = peak - before if before is not None and peak is not None else None
    return {"latency_us": times, "memory": {**session.memory, "peak_bytes": peak_bytes}}


def _open(job: dict[str, Any]) -> engines.Session:
    return engines.engine(job["engine"]).open(Path(job["artifact"]), job["form"], job["threads"])


def _timed(session: engines.Session) -> float:
    started = time.perf_counter_ns()
    session.invoke()
    return (time.perf_counter_ns() - started) / 1e3 / session.per_invoke


def _reset_peak() -> int | None:
    """Forget the process's peak memory; returns the bytes resident now, None where Linux's /proc is not."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _status("VmRSS")


def _status(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":")), None)


if __name__ == "__main__":
    main()
