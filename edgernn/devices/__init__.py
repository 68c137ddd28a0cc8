"""Where an engine runs. A device is one module with `run(job)`, and one line in `DEVICES`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

from edgernn.network import Form

DEVICES = {"host": "edgernn.devices.host"}


class Job(NamedTuple):
    """One artifact on one engine: its outputs for all frames, or the time that one inference takes.

    `frames` is a .npz file with `x`, raw frames float32 [windows, frames, channels]; `outputs` is where the
    outputs of a `verify` job go, as `y` of a .npz file. `stream` is one with `x`, raw frames of long streams
    [streams, frames, channels], and `at`, the steps after which to record the states; both go to `outputs` too.
    """

    action: Literal["verify", "benchmark"]
    engine: str
    artifact: Path
    form: Form
    frames: Path
    outputs: Path
    threads: int = 1
    runs: int = 0
    warmup: int = 0
    stream: Path | None = None


class Outcome(NamedTuple):
    """How a job ended; `reason` says why it failed, `measured` is what it found."""

    ok: bool
    reason: str
    measured: dict[str, Any]


class Device(Protocol):
    """What a device's module offers."""

    def run(self, job: Job) -> Outcome: ...


def device(name: str) -> Device:
    return cast(Device, import_module(DEVICES[name]))
