"""How far every artifact drifts from the float network, on every engine, on the whole test split."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import archive, reference
from edgernn.cases import Case
from edgernn.datasets.splits import Split
from edgernn.devices import Job, Outcome, device
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import Network, QuantizedNetwork
from edgernn.progress import Progress


@dataclass(frozen=True, eq=False)
class Expected:
    """What the references say of the test split: outputs after every step, [windows, steps, outputs].

    `integer` are those of the integer reference, in real units.
    """

    float: np.ndarray
    integer: np.ndarray
    y: np.ndarray


def expected(network: Network, quantized: QuantizedNetwork, test: Split) -> Expected:
    normalised = normalize.apply(test.x, network.mean, network.std)
    typed = native(quantized)
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, test.x))
    output_type = typed.types[typed.program.output]
    return Expected(reference.float_outputs(network, normalised), output_type.dequantize(integers), test.y)


def run(cases: Sequence[Case], test: Split, target: Expected, cache: Path, progress: Progress) -> dict[str, Any]:
    """Results, drift over time and confusion matrices of all cases, as report.json has them."""
    frames = cache / "frames.npz"
    archive.save(frames, {}, {"x": test.x})
    outcomes = _outcomes(cases, frames, cache, progress)
    outputs = {case: archive.load(_outputs(case, cache))[1]["y"] for case in cases if _ran(outcomes, case)}
    results = [_result(case, outcomes.get(case), outputs, target) for case in cases]
    ran = [(case, outputs[case]) for case in cases if case in outputs]
    return {
        "results": results,
        "drift_over_time": [row for case, y in ran if case.form == "step" for row in _over_time(case, y, target)],
        "confusion": [_confusion(case, y, target) for case, y in ran if case.precision == "int8"],
    }


def float_network(wanted: Expected) -> dict[str, Any]:
    """The float network's own row of the report, its confusion matrix and the spread of its outputs."""
    last = wanted.float[:, -1]
    row = {"artifact": "network", "engine": "numpy", "device": "host", "form": "sequence", "status": "ok"}
    return {
        "float": row | measure(last, wanted.float, wanted.y),
        "float_confusion": confusion_matrix(last, wanted.y),
        "test_examples": len(wanted.y),
        "output_spread": float(wanted.float.std()),
    }


def against_keras(network: Network, test: Split, outputs: np.ndarray, latency: Mapping[str, Any]) -> dict[str, Any]:
    """The float network held to the Keras model's outputs [windows, outputs], and Keras's row of the report."""
    wanted = reference.float_outputs(network, normalize.apply(test.x, network.mean, network.std))
    drift = measure(outputs, wanted, test.y)
    row = {"artifact": "network", "form": "sequence", "engine": "keras", "device": "host", "status": "ok"}
    return {
        "difference": {"max_abs_error": drift["max_abs_error"], "test_examples": len(test)},
        "result": row | drift | {"latency_us": dict(latency)},
    }


def accuracy(outputs: np.ndarray, y: np.ndarray) -> float:
    """The share of windows whose largest output is the labelled class; outputs [windows, classes]."""
    return float(np.mean(outputs.argmax(axis=1) == y))


def confusion_matrix(outputs: np.ndarray, y: np.ndarray) -> list[list[int]]:
    """Windows by [true class][decided class]."""
    classes = outputs.shape[1]
    counts = np.bincount(y * classes + outputs.argmax(axis=1), minlength=classes * classes)
    return [[int(n) for n in row] for row in counts.reshape(classes, classes)]


def _outcomes(cases: Sequence[Case], frames: Path, cache: Path, progress: Progress) -> dict[Case, Outcome]:
    """Every case that can run, run: as many at a time as there are cores."""
    runnable = [case for case in cases if not case.skip]
    jobs = [Job("verify", case.engine, case.path, case.form, frames, _outputs(case, cache)) for case in runnable]
    with progress.bar("verify", len(jobs)) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:

        def work(pair: tuple[Case, Job]) -> tuple[Case, Outcome]:
            outcome = device(pair[0].device).run(pair[1])
            advance()
            return pair[0], outcome

        return dict(pool.map(work, zip(runnable, jobs, strict=True)))


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
    drift = measure(outputs[case], target.float, target.y)
    return row | {"status": "ok", "reason": ""} | drift | checks | {"memory": outcome.measured["memory"]}


def measure(y: np.ndarray, wanted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Metric, drop, agreement and errors of outputs [windows, outputs] or [windows, steps, outputs].

    `wanted` are the float network's outputs after every step; windows are decided by their last step.
    """
    last = y if y.ndim == 2 else y[:, -1]
    float_last = wanted[:, -1]
    error = np.abs(y - (float_last if y.ndim == 2 else wanted))
    metric = accuracy(last, labels)
    return {
        "metric": metric,
        "metric_drop": accuracy(float_last, labels) - metric,
        "agreement": float(np.mean(last.argmax(axis=1) == float_last.argmax(axis=1))),
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
    }


def _identities(case: Case, outputs: dict[Case, np.ndarray], target: Expected) -> dict[str, float]:
    """Where bits must be equal, the share of outputs that are.

    C against the integer reference; LiteRT's step, fed back, against its sequence model.
    """
    y = outputs[case]
    if case.engine == "c":
        wanted = target.integer if case.form == "step" else target.integer[:, -1]
        return {"equals_reference": float(np.mean(y == wanted.astype(np.float32)))}
    pairs = [
        other
        for other in outputs
        if other.form == "sequence" and (other.engine, other.precision) == (case.engine, case.precision)
    ]
    if case.engine == "litert" and case.form == "step" and pairs:
        return {"equals_sequence": float(np.mean(y[:, -1] == outputs[pairs[0]]))}
    return {}


def _over_time(case: Case, y: np.ndarray, target: Expected) -> list[dict[str, Any]]:
    error = np.abs(y - target.float)  # [windows, steps, outputs]
    mean, largest = error.mean(axis=(0, 2)), error.max(axis=(0, 2))
    return [
        {
            "artifact": case.artifact,
            "engine": case.engine,
            "step": step + 1,
            "mean_abs_error": float(mean[step]),
            "max_abs_error": float(largest[step]),
        }
        for step in range(len(mean))
    ]


def _confusion(case: Case, y: np.ndarray, target: Expected) -> dict[str, Any]:
    last = y if y.ndim == 2 else y[:, -1]
    return {
        "artifact": case.artifact,
        "form": case.form,
        "engine": case.engine,
        "matrix": confusion_matrix(last, target.y),
    }
