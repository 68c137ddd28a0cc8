"""How far every artifact drifts from the float network, on every engine, on the whole test split."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from edgernn import archive, drift, reference
from edgernn.cases import Case
from edgernn.datasets.splits import Split
from edgernn.devices import Job, Outcome, device
from edgernn.drift import Course
from edgernn.engines.trace import Trace
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.metric import Judge, confusion_matrix, decisive
from edgernn.network import IntegerPrecision, Network, Precision, QuantizedNetwork
from edgernn.progress import Progress
from edgernn.recipe import VerifySection


@dataclass(frozen=True, eq=False)
class Expected:
    """What the references say of the test split: float outputs after every step, [windows, steps, outputs].

    `integer` are those of the integer reference, in real units, by the precision of the C that must equal it. `y`
    is the truth, `judge` what holds outputs to it.
    """

    outputs: np.ndarray
    integer: Mapping[Precision, np.ndarray]
    y: np.ndarray
    judge: Judge
    ends: np.ndarray | None = None  # the steps of each example where they differ
    taken: np.ndarray | None = None  # of what comes once: the classes that examples have, [examples, steps]

    @property
    def classes(self) -> bool:
        """Whether outputs decide for a class."""
        return self.judge.metric.task == "classify"

    @property
    def real(self) -> np.ndarray:
        """The float outputs after all steps but those of padding, [steps of all examples, outputs]."""
        steps = np.arange(self.outputs.shape[1])
        inside = steps < (len(steps) if self.ends is None else self.ends[:, None])
        return self.outputs[np.broadcast_to(inside, self.outputs.shape[:2])]

    def drift(self, y: np.ndarray) -> dict[str, float]:
        """What the judge says of outputs."""
        return self.judge.measure(y, self.outputs, self.y, self.ends, self.taken)


def expected(
    network: Network, quantized: QuantizedNetwork, test: Split, cases: Sequence[Case], judge: Judge
) -> Expected:
    """What `cases` are held to; the integer reference runs for those that must equal it bit for bit."""
    normalised = normalize.apply(test.x, network.mean, network.std)
    exact = dict.fromkeys(case.precision for case in cases if case.engine == "c" and not case.skip)
    integer = {precision: _integer(quantized.at(precision), test.x) for precision in exact}
    ends = test.ends(network.frames_per_step)
    return Expected(reference.float_outputs(network, normalised), integer, test.y, judge, ends, test.taken)


def run(
    cases: Sequence[Case],
    test: Split,
    target: Expected,
    cache: Path,
    progress: Progress,
    along: Course | None = None,
) -> dict[str, Any]:
    """Results, drift over time and confusion matrices of all cases, as report.json has them.

    Every quantised step model also runs along the stream of a course: more rows of drift over time, and
    `streaming`, which is None without one.
    """
    frames = cache / "frames.npz"
    archive.save(frames, {}, {"x": test.x})
    found = _outcomes(cases, frames, _stream(along, cache), cache, progress)
    arrays = {case: archive.load(_outputs(case, cache))[1] for case in cases if _ran(found, case)}
    outputs = {case: kept["y"] for case, kept in arrays.items()}
    traces = {case: trace for case, kept in arrays.items() if (trace := Trace.of(kept))}
    steps = [(case, y) for case, y in outputs.items() if case.form == "step"]
    rows = [row for case, y in steps for row in _place(case, drift.over_windows(y, target.outputs, target.ends))]
    if along:
        rows += [row for case, trace in traces.items() for row in _place(case, drift.over_stream(trace, along))]
    return {
        "results": [_result(case, found.get(case), outputs, target) for case in cases],
        "drift_over_time": rows,
        "confusion": [
            _confusion(case, y, target)
            for case, y in outputs.items()
            if target.classes and case.precision in get_args(IntegerPrecision)
        ],
        "streaming": _streaming(outputs, traces, along, target) if along else None,
    }


def course(network: Network, test: Split, section: VerifySection, cases: Sequence[Case]) -> Course | None:
    """The float network along the recipe's long stream; None when there is no step model to hold to it."""
    if not network.streams or not any(map(_streams, cases)):
        return None
    gates = section.gates
    named = {*(gates.max_state_error_at or {}), *(gates.max_output_error_at or {})}
    stream = section.stream
    return drift.course(network, test.x, stream.steps, stream.streams, named, test.lengths)


def float_network(wanted: Expected) -> dict[str, Any]:
    """The float network's own row of the report, its confusion matrix and the spread of its outputs."""
    last, answers = decisive(wanted.outputs, wanted.y, wanted.ends)
    row = {"artifact": "network", "engine": "numpy", "device": "host", "form": "sequence", "status": "ok"}
    return {
        "float": row | wanted.drift(wanted.outputs),
        "float_confusion": confusion_matrix(last, answers) if wanted.classes else None,
        "test_examples": len(wanted.y),
        "output_spread": float(wanted.real.std()),
    }


def against_keras(
    network: Network, test: Split, outputs: np.ndarray, latency: Mapping[str, Any], judge: Judge
) -> dict[str, Any]:
    """The float network held to the Keras model's outputs [windows, outputs], and Keras's row of the report."""
    wanted = reference.float_outputs(network, normalize.apply(test.x, network.mean, network.std))
    drift = judge.measure(outputs, wanted, test.y, test.ends(network.frames_per_step), test.taken)
    row = {"artifact": "network", "form": "sequence", "engine": "keras", "device": "host", "status": "ok"}
    return {
        "difference": {"max_abs_error": drift["max_abs_error"], "test_examples": len(test)},
        "result": row | drift | {"latency_us": dict(latency)},
    }


def _outcomes(
    cases: Sequence[Case], frames: Path, stream: Path | None, cache: Path, progress: Progress
) -> dict[Case, Outcome]:
    """Every case that can run, run: as many at a time as there are cores."""
    runnable = [case for case in cases if not case.skip]
    jobs = [
        Job(
            "verify",
            case.engine,
            case.path,
            case.form,
            frames,
            _outputs(case, cache),
            stream=stream if _streams(case) else None,
        )
        for case in runnable
    ]
    with progress.bar("verify", len(jobs)) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:

        def work(pair: tuple[Case, Job]) -> tuple[Case, Outcome]:
            outcome = device(pair[0].device).run(pair[1])
            advance()
            return pair[0], outcome

        return dict(pool.map(work, zip(runnable, jobs, strict=True)))


def _integer(quantized: QuantizedNetwork, x: np.ndarray) -> np.ndarray:
    """The integer reference's outputs for raw windows, in real units."""
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, x))
    return native(quantized)[-1].output.dequantize(integers)


def _streams(case: Case) -> bool:
    """Whether a case runs along a long stream: a quantised step model, on an engine that can run it."""
    return case.form == "step" and case.precision != "float32" and not case.skip


def _stream(along: Course | None, cache: Path) -> Path | None:
    """The file that tells an engine what to stream and which states to record."""
    if along is None:
        return None
    path = cache / "stream.npz"
    archive.save(path, {}, {"x": along.stream.frames, "at": np.array(along.recorded, np.int64)})
    return path


def _outputs(case: Case, cache: Path) -> Path:
    return cache / "outputs" / f"{case.key}.npz"


def _ran(outcomes: dict[Case, Outcome], case: Case) -> bool:
    return case in outcomes and outcomes[case].ok


def _result(
    case: Case, outcome: Outcome | None, outputs: dict[Case, np.ndarray], target: Expected
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "artifact": case.artifact,
        "form": case.form,
        "precision": case.precision,
        "engine": case.engine,
        "engine_version": case.engine_version,
        "device": case.device,
    }
    if outcome is None:
        return row | {"status": "skipped", "reason": case.skip}
    if not outcome.ok:
        return row | {"status": "failed", "reason": outcome.reason}
    checks = _identities(case, outputs, target)
    drift = target.drift(outputs[case])
    return row | {"status": "ok", "reason": ""} | drift | checks | {"memory": outcome.measured["memory"]}


def _identities(case: Case, outputs: dict[Case, np.ndarray], target: Expected) -> dict[str, float]:
    """Where bits must be equal, the share of outputs that are.

    C against the integer reference; LiteRT's step, fed back, against its sequence model.
    """
    y = outputs[case]
    if case.engine == "c":
        integer = target.integer[case.precision]
        wanted = integer if y.ndim == 3 else integer[:, -1]
        return {"equals_reference": float(np.mean(y == wanted.astype(np.float32)))}
    pairs = [
        other
        for other in outputs
        if other.form == "sequence" and (other.engine, other.precision) == (case.engine, case.precision)
    ]
    if case.engine == "litert" and case.form == "step" and pairs:
        sequence = outputs[pairs[0]]
        return {"equals_sequence": float(np.mean((y if sequence.ndim == 3 else y[:, -1]) == sequence))}
    return {}


def _place(case: Case, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"artifact": case.artifact, "engine": case.engine, **row} for row in rows]


def _streaming(
    outputs: Mapping[Case, np.ndarray], traces: Mapping[Case, Trace], along: Course, target: Expected
) -> dict[str, Any]:
    """Warm-up, and the metric of the stream's windows: with a reset at each, and without any."""
    index = along.stream.windows
    y, value = target.y[index], target.judge.metric.of
    ends, taken = (None if one is None else one[index] for one in (target.ends, target.taken))

    def metrics(windowed: np.ndarray, stream: np.ndarray) -> dict[str, float | None]:
        whole = windowed[index]
        found = {"windowed": whole, "streaming": along.over_windows(stream, target.outputs.shape[1], ends)}
        told = {name: decisive(outputs, y, ends, taken) for name, outputs in found.items()}
        return {name: value(*pair) if len(pair[1]) else None for name, pair in told.items()}

    rows = [
        {"artifact": case.artifact, "engine": case.engine} | metrics(outputs[case], trace.outputs)
        for case, trace in traces.items()
    ]
    return {
        "steps": along.steps,
        "streams": len(along.stream.frames),
        "windows": len(y),
        "warm_up": asdict(along.warm_up),
        "float": metrics(target.outputs, along.outputs),
        "artifacts": rows,
    }


def _confusion(case: Case, y: np.ndarray, target: Expected) -> dict[str, Any]:
    return {
        "artifact": case.artifact,
        "form": case.form,
        "engine": case.engine,
        "matrix": confusion_matrix(*decisive(y, target.y, target.ends)),
    }
