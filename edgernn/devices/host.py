"""This machine. Every job is a process of its own, so that an engine that crashes takes nothing with it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from edgernn.devices import Job, Outcome
from edgernn.engines.worker import INPUT_ERROR
from edgernn.errors import InputError

TIMEOUT_S = 1800


def run(job: Job) -> Outcome:
    """Run a job in a child process; a crash or an error of the engine is a failed outcome, not an exception.

    Raises InputError when not the engine is at fault but the disk or a file.
    """
    command = [sys.executable, "-m", "edgernn.engines.worker"]
    request = json.dumps(job._asdict(), default=str)
    try:
        child = subprocess.run(
            command, input=request, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"no answer within {TIMEOUT_S} s", {})
    if child.returncode == INPUT_ERROR:
        raise InputError(child.stdout.strip())
    if child.returncode:
        return Outcome(False, _reason(child.returncode, child.stderr), {})
    return Outcome(True, "", json.loads(child.stdout.strip().splitlines()[-1]))


def _reason(code: int, errors: str) -> str:
    if code < 0:
        return f"the engine crashed with {signal.Signals(-code).name}"
    lines = [line for line in errors.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else f"the engine ended with exit code {code}"
