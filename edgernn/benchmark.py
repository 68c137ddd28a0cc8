"""Latency and memory of every artifact on every engine: one example at a time, as on a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.cases import Case
from edgernn.devices import Job, device
from edgernn.progress import Progress


def run(
    cases: Sequence[Case], frames: Path, runs: int, warmup: int, threads: int, progress: Progress
) -> list[dict[str, Any]]:
    """Latency and memory of each case that can run, one after the other so that none disturbs another.

    Rows have `artifact`, `form` and `engine`, and `latency_us` and `memory` as report.json has them, or
    `reason` when the engine failed.
    """
    runnable = [case for case in cases if not case.skip]
    rows = []
    with progress.bar("benchmark", len(runnable)) as advance:
        for case in runnable:
            rows.append(_measured(case, frames, runs, warmup, threads))
            advance()
    return rows


def _measured(case: Case, frames: Path, runs: int, warmup: int, threads: int) -> dict[str, Any]:
    job = Job("benchmark", case.engine, case.path, case.form, frames, Path(), threads, runs, warmup)
    outcome = device(case.device).run(job)
    row: dict[str, Any] = {"artifact": case.artifact, "form": case.form, "engine": case.engine}
    if not outcome.ok:
        return row | {"reason": outcome.reason}
    latency = summary(outcome.measured["latency_us"], threads, case.form)
    return row | {"latency_us": latency, "memory": outcome.measured["memory"]}


def summary(times: Sequence[float], threads: int, per: str) -> dict[str, Any]:
    """Times of single inferences, in microseconds, as report.json has them."""
    return {
        "median": round(float(np.median(times)), 3),
        "p95": round(float(np.percentile(times, 95)), 3),
        "min": round(float(np.min(times)), 3),
        "runs": len(times),
        "threads": threads,
        "per": per,
    }
