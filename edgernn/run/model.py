"""The integer step model of a build, run frame by frame: C where it can be compiled, else another engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgernn import generation
from edgernn import network as networks
from edgernn.cases import Case, cases
from edgernn.decide import sample, words
from edgernn.engines import c_model, engine
from edgernn.errors import InputError, MissingToolError
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.network import Form
from edgernn.targets import artifact_name, supported

BITS = 10  # fraction bits of outputs of engines that give real numbers: scores up to 32


def whole(paths: BuildFolder, form: Form = "step") -> Callable[[np.ndarray], np.ndarray]:
    """What gives the output [outputs] after a stream of frames [frames, inputs]; of form `sequence`, a window."""
    if (paths.artifacts / "c" / "int8").is_dir():
        try:
            model = c_model.load(paths.root, "int8", streams=1)
            return lambda frames: np.atleast_2d(model.sequence(frames))[-1]
        except MissingToolError:
            pass
    case = _case(paths, form)
    session = engine(case.engine).open(case.path, form, threads=1)
    return lambda frames: np.atleast_2d(session.outputs(frames[None])[0])[-1]


def outputs(paths: BuildFolder, frames: Iterator[np.ndarray], frames_per_step: int) -> Iterator[np.ndarray]:
    """Real outputs, float32 [outputs], after every step."""
    return streams(paths, frames_per_step)(frames)


def streams(paths: BuildFolder, frames_per_step: int) -> Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]:
    """What gives the outputs along a stream of frames, as `outputs` does. A new stream ends the one before."""
    if (paths.artifacts / "c" / "int8").is_dir():
        try:
            model = c_model.load(paths.root, "int8", streams=1)
            return lambda frames: _live(model, _steps(frames, frames_per_step))
        except MissingToolError:
            pass
    case = _case(paths)
    return lambda frames: _at_the_end(case, _steps(frames, frames_per_step))


def _steps(frames: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """The frames of each step, [count, channels]."""
    return (np.stack(some) for some in zip(*[frames] * count, strict=False))


def _live(model: c_model.Model, steps: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    model.reset()
    for step in steps:
        yield model.step(step.squeeze(0) if len(step) == 1 else step)


def token_stream(paths: BuildFolder) -> tuple[Callable[[], generation.Step], int]:
    """What begins a stream, whose steps read a token and give outputs, and the fraction bits of these.

    There is one stream at a time: a new one ends the one before.
    """
    if (paths.artifacts / "c" / "int8").is_dir():
        try:
            model = c_model.load(paths.root, "int8", streams=1)
            bits = words.fraction_bits(native(networks.load_quantized(paths.quantized))[-1].output.scale)
            return lambda: generation.c_step(model, bits), bits
        except MissingToolError:
            pass
    case = _case(paths)
    return lambda: _from_the_start(case), BITS


def _from_the_start(case: Case) -> generation.Step:
    """An engine that takes whole streams only reads all tokens again for every one."""
    session = engine(case.engine).open(case.path, "step", threads=1)
    read: list[float] = []

    def step(token: int) -> np.ndarray:
        read.append(token)
        return sample.integers(session.outputs(np.array(read, np.float32)[None, :, None])[0, -1], BITS)

    return step


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


def _case(paths: BuildFolder, form: Form = "step") -> Case:
    """The first int8 model of the build that an installed engine runs."""
    present = [
        combination
        for combination in sorted(supported())
        if combination.form == form
        and combination.precision == "int8"
        and (paths.artifacts / artifact_name(combination)).exists()
    ]
    found = cases(present, "all", paths.artifacts)
    steps = [case for case in found if case.form == form and not case.skip]
    if not steps:
        raise MissingToolError(f"no engine here runs an int8 {form} model of {paths.root}; see `edgernn doctor`")
    return steps[0]
