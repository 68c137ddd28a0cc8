"""Drift along a long stream: the float network's own course, and how far a step model is from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgernn import reference
from edgernn.engines.trace import Trace
from edgernn.features import normalize, streams
from edgernn.features.streams import Stream
from edgernn.network import Network
from edgernn.targets.c.literals import identifier

NEIGHBOURHOOD = 64  # steps, at most, that an error at a step is taken over
SHARE = 8  # the part of the stream so far that they are spread over: its last eighth
RESETS = 16  # places of the stream at which the warm-up is measured
WATCHED = 2000  # steps, at most, after each of them
TOLERANCE = 0.05  # of the spread of the outputs: closer than this, a network that was reset has warmed up
_MARKS = (10, 15, 20, 30, 50, 70)  # points of a decade, in tenths: close to evenly spaced on a logarithmic axis


@dataclass(frozen=True)
class WarmUp:
    """Steps after a reset until the outputs are, and stay, with those of a network that never was reset.

    `steps` is that of the slowest of the resets, `median` of half of them; None where not within `watched` steps.
    """

    steps: int | None
    median: int | None
    watched: int
    resets: int = RESETS
    tolerance: float = TOLERANCE


@dataclass(frozen=True, eq=False)
class Course:
    """What the float network does along a stream.

    `points` are the steps at which errors are told, `recorded` those whose states that takes. `outputs` float64
    [streams, steps, outputs]; `states` float64 [streams, recorded, size] by state name.
    """

    stream: Stream
    frames_per_step: int
    points: tuple[int, ...]
    recorded: tuple[int, ...]
    outputs: np.ndarray
    states: Mapping[str, np.ndarray]
    warm_up: WarmUp

    @property
    def steps(self) -> int:
        return self.outputs.shape[1]

    def over_windows(self, outputs: np.ndarray, steps: int, lengths: np.ndarray | None = None) -> np.ndarray:
        """Of outputs [streams, steps, outputs], those during each whole window, [ends, steps, outputs].

        Windows have `steps` steps, or `lengths` [ends] of them; what follows has no meaning.
        """
        counts = np.full(len(self.stream.ends), steps) if lengths is None else lengths
        first = self.stream.ends // self.frames_per_step - counts
        places = np.minimum(first[:, None] + np.arange(steps), outputs.shape[1] - 1)
        return outputs[self.stream.streams[:, None], places]


def course(
    network: Network,
    x: np.ndarray,
    steps: int,
    count: int,
    named: Iterable[int] = (),
    lengths: np.ndarray | None = None,
) -> Course:
    """The float network along `count` streams of `steps` steps laid from raw windows x [windows, frames, channels].

    With `lengths` [windows], from the first so many frames of each.

    Errors will be told at points at about even distances on a logarithmic axis, and at the steps `named`.
    """
    stream = streams.lay(x, steps * network.frames_per_step, count, lengths)
    frames = normalize.apply(stream.frames, network.mean, network.std)
    points = tuple(sorted({*marks(steps), *named}))
    recorded = tuple(sorted({step for point in points for step in neighbourhood(point)}))
    seen = _States({state.name: state.next for state in network.program().states}, frozenset(recorded))
    outputs = reference.run_float(network.passes(), network.constants(), frames, seen.observe)
    return Course(
        stream=stream,
        frames_per_step=network.frames_per_step,
        points=points,
        recorded=recorded,
        outputs=outputs,
        states=seen.states(),
        warm_up=warm_up(network, frames, outputs, min(WATCHED, steps // 2)),
    )


def marks(steps: int) -> list[int]:
    """1, 2, 3, 5, 7, 10, 15, 20, 30 and so on up to `steps`, which is the last."""
    decades = (10**k for k in range(len(str(steps))))
    return sorted(
        {mark * decade // 10 for decade in decades for mark in _MARKS if mark * decade <= 10 * steps} | {steps}
    )


def neighbourhood(step: int) -> tuple[int, ...]:
    """The steps that an error at `step` is taken over: the last eighth of those so far, evenly spread, at most 64.

    One step alone would show the frame that it happened to meet rather than how far the stream has drifted.
    `step` itself is the last of them, and up to 8 the only one.
    """
    span = -(-step // SHARE)
    count = min(NEIGHBOURHOOD, span)
    return tuple(step - i * span // count for i in reversed(range(count)))


def warm_up(network: Network, x: np.ndarray, outputs: np.ndarray, watched: int) -> WarmUp:
    """How soon a network forgets that it was reset, at 16 places of the first stream, each watched for some steps.

    `x` are normalised streams [streams, frames, channels], and `outputs` what the network gives. It has warmed up
    once all outputs stay within 5 % of the outputs' standard deviation.
    """
    last, per_step = outputs.shape[1] - watched, network.frames_per_step
    starts = [int(start) for start in np.linspace(last / 2, last, RESETS)]
    cut = np.stack([x[0, start * per_step : (start + watched) * per_step] for start in starts])
    wanted = np.stack([outputs[0, start : start + watched] for start in starts])
    again = reference.float_outputs(network, cut)
    apart = np.abs(again - wanted).max(axis=2) > TOLERANCE * outputs.std()  # [resets, watched]
    counts = sorted(int(np.flatnonzero(row)[-1]) + 1 if row.any() else 0 for row in apart)
    slowest, median = (count if count < watched else None for count in (counts[-1], counts[RESETS // 2]))
    return WarmUp(slowest, median, watched)


def over_windows(y: np.ndarray, wanted: np.ndarray, ends: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Errors at every step of windows, each from a reset; both are outputs [windows, steps, outputs].

    Of windows that are not equally long, those that have step `ends` [windows] behind them no longer count.

    Rows are those of report.json's drift_over_time, but for the artifact and the engine.
    """
    error = np.abs(y - wanted)
    inside = np.ones(error.shape[:2], bool) if ends is None else np.arange(error.shape[1]) < ends[:, None]
    steps = [i for i in range(error.shape[1]) if inside[:, i].any()]
    return [{"over": "windows", "step": i + 1, **_errors(error[inside[:, i], i])} for i in steps]


def over_stream(trace: Trace, wanted: Course) -> list[dict[str, Any]]:
    """Errors of outputs and states at each point of a course, in rows as those of `over_windows`."""
    outputs = np.abs(trace.outputs - wanted.outputs)
    states = {name: np.abs(_state(trace, name) - real) for name, real in wanted.states.items()}
    place = {step: index for index, step in enumerate(wanted.recorded)}
    rows = []
    for point in wanted.points:
        near = np.array(neighbourhood(point))
        recorded = [place[step] for step in near]
        row = {"over": "stream", "step": point, **_errors(outputs[:, near - 1])}
        rows.append(row | {"states": {name: _errors(error[:, recorded]) for name, error in states.items()}})
    return rows


def _state(trace: Trace, name: str) -> np.ndarray:
    """The state of that name, however the artifact spells it."""
    return next(values for own, values in trace.states.items() if identifier(own) == identifier(name))


def _errors(error: np.ndarray) -> dict[str, float]:
    return {"mean_abs_error": float(error.mean()), "max_abs_error": float(error.max())}


@dataclass
class _States:
    """Keeps what the reference shows of the states after the recorded steps; `nexts` are by state name."""

    nexts: Mapping[str, str]
    recorded: frozenset[int]
    steps: dict[str, int] = field(default_factory=dict)
    kept: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = dict.fromkeys(self.nexts.values(), 0)
        self.kept = {name: [] for name in self.steps}

    def observe(self, name: str, value: np.ndarray) -> None:
        if name in self.steps:
            self.steps[name] += 1
            if self.steps[name] in self.recorded:
                self.kept[name].append(value.copy())

    def states(self) -> dict[str, np.ndarray]:
        """By state name, [streams, recorded, size]."""
        return {state: np.stack(self.kept[name], axis=1) for state, name in self.nexts.items()}
