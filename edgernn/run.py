"""Streaming inference with the integer step model of a build: one decision a frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import network as networks
from edgernn.cases import Case, cases
from edgernn.datasets import csv_windows
from edgernn.engines import engine
from edgernn.errors import InputError, MissingToolError
from edgernn.folder import BuildFolder
from edgernn.targets import artifact_name, supported


def decisions(folder: Path, frames: Path) -> Iterator[dict[str, Any]]:
    """The label and the largest output after every step of a CSV file with the network's channels as columns.

    A step is a frame, or as many as the network's strides make of it; what is left at the end is too few for one.

    Raises InputError for a bad file or a network without a step form, MissingToolError when no engine can run the
    build's int8 step model.
    """
    paths = BuildFolder(folder)
    network = networks.load(paths.network)
    if not network.streams:
        raise InputError(f"{folder}: a bidirectional network decides whole windows, it cannot run frame by frame")
    x = read_frames(frames, network.channels)
    x = x[: len(x) - len(x) % network.frames_per_step]
    case = _case(paths)
    session = engine(case.engine).open(case.path, "step", threads=1)
    for step, output in enumerate(session.outputs(x[None])[0], start=1):
        best = int(output.argmax())
        yield {"step": step, "label": network.labels[best], "output": float(output[best])}


def read_frames(path: Path, channels: tuple[str, ...]) -> np.ndarray:
    """Raw frames, float32 [frames, channels], from the columns of a CSV file that are named as the channels.

    Raises InputError for a missing column, and with the row (the header is row 1) for one that is too short or
    too long and for a value that is not a finite 32-bit number.
    """
    return csv_windows.read(path, channels, ())[0]


def _case(paths: BuildFolder) -> Case:
    """The first int8 step model of the build that an installed engine runs, C before the others."""
    present = [
        combination
        for combination in sorted(supported())
        if combination.form == "step"
        and combination.precision == "int8"
        and (paths.artifacts / artifact_name(combination)).exists()
    ]
    found = cases(present, "all", paths.artifacts)
    steps = [case for case in found if case.form == "step" and not case.skip]
    if not steps:
        raise MissingToolError(f"no engine here runs an int8 step model of {paths.root}; see `edgernn doctor`")
    return steps[0]
