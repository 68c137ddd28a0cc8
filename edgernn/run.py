"""Streaming inference with the integer step model of a build: one decision a step, or one a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import network as networks
from edgernn.cases import Case, cases
from edgernn.datasets import csv_windows, text_files
from edgernn.decide import AlarmRule, alarm
from edgernn.engines import c_model, engine
from edgernn.errors import InputError, MissingToolError
from edgernn.features import tokens
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.network import Network, Vocabulary
from edgernn.targets import artifact_name, supported


def decisions(folder: Path, source: Path) -> Iterator[dict[str, Any]]:
    """The label and the largest output, or all quantities of a regression, after every step of `source`.

    Of a network with a rule for alarms it is how far the last frames are from their forecasts, and `alarm`.

    Each is given as soon as its frames are there.

    `source` is a CSV file with the network's channels as columns, or `-` for standard input. A step is a frame, or
    as many as the network's strides make of it; what is left at the end is too few for one. Where C cannot run,
    another engine decides, when it has all frames. For a network that reads texts it is plain UTF-8, and each line
    that is not blank gets one decision.

    Raises InputError for a network without a step form, and for a bad row, when the rows before it are decided;
    MissingToolError when no engine can run the build's int8 step model.
    """
    paths = BuildFolder(folder)
    network = networks.load(paths.network)
    if not network.streams:
        raise InputError(f"{folder}: a bidirectional network decides whole windows, it cannot run frame by frame")
    if network.vocabulary:
        with closing(text_files.lines(source)) as lines:
            yield from _of_texts(paths, network, network.vocabulary, lines)
        return
    with closing(csv_windows.frames(source, network.channels)) as frames:
        if isinstance(network.decide, AlarmRule):
            yield from _alarms(paths, network, network.decide, frames)
            return
        for step, output in enumerate(_outputs(paths, frames, network.frames_per_step), start=1):
            yield {"step": step} | _told(network, output)


def line(decision: Mapping[str, Any]) -> str:
    """A decision as a person reads it."""
    (_, step), *others = decision.items()  # or the line of a text
    told = [(name if value else "") if isinstance(value, bool) else value for name, value in others]
    shown = (value if isinstance(value, str) else f"{value:.4g}" for value in told)
    return "  ".join([f"{step:6d}", *shown]).rstrip()


def _alarms(
    paths: BuildFolder, network: Network, rule: AlarmRule, frames: Iterator[np.ndarray]
) -> Iterator[dict[str, Any]]:
    """The mean distance of the last frames from their forecasts after each step, and whether that is an alarm."""
    qtype = native(networks.load_quantized(paths.quantized))[-1].output
    alarms = alarm.Alarms(network.outputs, qtype.scale, rule)
    unit = qtype.scale / (rule.smooth * network.outputs)
    read, kept = tee(frames)
    outputs = _outputs(paths, read, network.frames_per_step)
    for step, (output, frame) in enumerate(zip(outputs, kept, strict=False), 1):
        value = int(alarm.integers(frame[[rule.channel]], qtype.scale)[0])
        total, given = alarms.push(value, qtype.quantize(output))
        yield {"step": step, "distance": total * unit, "alarm": given}


def _told(network: Network, output: np.ndarray) -> dict[str, Any]:
    """What an output means: a class and its score, or of a regression every quantity by its name."""
    if network.task == "regress":
        return {label: float(value) for label, value in zip(network.labels, output, strict=True)}
    best = int(output.argmax())
    return {"label": network.labels[best], "output": float(output[best])}


def _of_texts(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, lines: Iterator[tuple[int, str]]
) -> Iterator[dict[str, Any]]:
    """A decision a line, given with its number: that after the last step of the text."""
    run = _whole(paths)
    for number, text in lines:
        words = tokens.split(text, vocabulary.kind)
        if not words:
            raise InputError(f"line {number}: the text has no word; remove the line")
        read = tokens.encode(vocabulary, words, network.steps).astype(np.float32)[:, None]
        whole = len(read) // network.frames_per_step * network.frames_per_step
        missing = 0 if whole else network.frames_per_step - len(read)
        frames = np.pad(read, ((0, missing), (0, 0))) if missing else read[:whole]
        yield {"line": number} | _told(network, run(frames))


def _whole(paths: BuildFolder) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the output [outputs] after a whole stream of frames [frames, inputs]."""
    if (paths.artifacts / "c" / "int8").is_dir():
        try:
            model = c_model.load(paths.root, "int8", streams=1)
            return lambda frames: np.atleast_2d(model.sequence(frames))[-1]
        except MissingToolError:
            pass
    case = _case(paths)
    session = engine(case.engine).open(case.path, "step", threads=1)
    return lambda frames: session.outputs(frames[None])[0, -1]


def _outputs(paths: BuildFolder, frames: Iterator[np.ndarray], frames_per_step: int) -> Iterator[np.ndarray]:
    """Real outputs, float32 [outputs], after every step."""
    steps = (np.stack(some) for some in zip(*[frames] * frames_per_step, strict=False))
    if not (paths.artifacts / "c" / "int8").is_dir():
        return _at_the_end(_case(paths), steps)
    try:
        model = c_model.load(paths.root, "int8", streams=1)
    except MissingToolError:
        return _at_the_end(_case(paths), steps)
    return (model.step(step.squeeze(0) if frames_per_step == 1 else step) for step in steps)


def _at_the_end(case: Case, steps: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """What an engine says that takes whole streams only; a fault in them is told after the frames before it."""
    session = engine(case.engine).open(case.path, "step", threads=1)
    fault: InputError | None = None
    read: list[np.ndarray] = []
    try:
        read.extend(steps)
    except InputError as error:
        fault = error
    if read:
        yield from session.outputs(np.concatenate(read)[None])[0]
    if fault:
        raise fault


def _case(paths: BuildFolder) -> Case:
    """The first int8 step model of the build that an installed engine runs."""
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
