"""What the recipe leaves open: the precision of each layer, and the type of the states in TFLite and ONNX."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from edgernn import reference
from edgernn.datasets.splits import Split
from edgernn.engines import engine
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.metric import Judge, decisive
from edgernn.network import IntegerPrecision, QuantizedNetwork, StateType
from edgernn.recipe import Gates
from edgernn.targets import target

WINDOWS = 64  # calibration windows on which a mix is tried
WIDE_COST = 2  # int16 activations are twice the bytes of int8, and take twice the instructions of SIMD


@dataclass(frozen=True)
class Trial:
    """One choice that was tried, what it costs relative to all int8, and what it gave."""

    choice: Mapping[str, str]
    cost: float
    drift: float


def precisions(
    quantized: QuantizedNetwork, streams: np.ndarray, drift_max: float
) -> tuple[QuantizedNetwork, tuple[Trial, ...]]:
    """The cheapest mix found of int8 and int16x8 layers with a drift up to `drift_max`, and all that were tried.

    `streams` are normalised [streams, frames, inputs]; the drift is the mean |integer - float| of the outputs
    after every step, in standard deviations of the float outputs, by the integer reference. Layers become
    int16x8 one by one, always the one that takes away most drift for its cost, until the drift is kept; then
    those that turn out not to be needed become int8 again.

    Raises InputError when even int16x8 throughout drifts more.
    """
    streams = streams[:WINDOWS]
    wanted = reference.float_outputs(quantized.network, streams)
    raw = streams * quantized.network.std + quantized.network.mean
    trials: dict[frozenset[str], Trial] = {}

    def trial(wide: frozenset[str]) -> Trial:
        if wide not in trials:
            mix = _mixed(quantized, wide)
            trials[wide] = Trial(dict(mix.precisions), _cost(mix), _drift(mix, raw, wanted))
        return trials[wide]

    names = frozenset(layer.name for layer in quantized.network.layers if layer.name in _working(quantized))
    if trial(names).drift > drift_max:
        raise InputError(
            f"quantize.drift_max is {drift_max:g}, and int16x8 in every layer drifts {trial(names).drift:.3g}; "
            "allow more, or use weights: row"
        )
    _narrowed(_widened(names, trial, drift_max), trial, drift_max)
    kept = [wide for wide, tried in trials.items() if tried.drift <= drift_max]
    found = min(kept, key=lambda wide: (trials[wide].cost, trials[wide].drift))
    return _mixed(quantized, found), tuple(trials.values())


def _widened(names: frozenset[str], trial: Callable[[frozenset[str]], Trial], drift_max: float) -> frozenset[str]:
    wide: frozenset[str] = frozenset()
    while trial(wide).drift > drift_max:
        now, candidates = trial(wide), [wide | {name} for name in sorted(names - wide)]
        wide = max(candidates, key=lambda c: (now.drift - trial(c).drift) / (trial(c).cost - now.cost))
    return wide


def _narrowed(wide: frozenset[str], trial: Callable[[frozenset[str]], Trial], drift_max: float) -> None:
    for name in sorted(wide, key=lambda n: -trial(wide).cost + trial(wide - {n}).cost):
        if trial(wide - {name}).drift <= drift_max:
            wide = wide - {name}


def _mixed(quantized: QuantizedNetwork, wide: frozenset[str]) -> QuantizedNetwork:
    mix: dict[str, IntegerPrecision] = {
        name: "int16x8" if name in wide else "int8" for name in quantized.precisions
    }
    return replace(quantized, precisions=mix)


def _working(quantized: QuantizedNetwork) -> set[str]:
    """The layers that have constants; a mix costs nothing, and changes nothing, elsewhere."""
    return {layer.name for layer in quantized.network.layers if layer.weights}


def _cost(quantized: QuantizedNetwork) -> float:
    """Parameters, weighted by the bytes of the activations that they multiply, relative to int8 throughout."""
    costs = {layer.name: max(1, layer.parameters) for layer in quantized.network.layers}
    mixed = sum(c * (WIDE_COST if quantized.precisions[n] == "int16x8" else 1) for n, c in costs.items())
    return mixed / sum(costs.values())


def _drift(quantized: QuantizedNetwork, raw: np.ndarray, wanted: np.ndarray) -> float:
    passes = native(quantized)
    integers = reference.run_integer(passes, reference.quantize_input(quantized, raw))
    error = np.abs(passes[-1].output.dequantize(integers) - wanted)
    return float(error.mean() / (wanted.std() or 1.0))


def state(
    quantized: QuantizedNetwork, calibration: Split, gates: Gates, judge: Judge
) -> tuple[StateType, tuple[dict[str, Any], ...]]:
    """int8 where the recipe's gates on drift hold with it on the calibration windows, else int16; and the figures.

    Each type is measured on LiteRT with the sequence model that it gives.
    """
    network = quantized.network
    wanted = reference.float_outputs(network, normalize.apply(calibration.x, network.mean, network.std))
    ends = calibration.ends(network.frames_per_step)
    figures = []
    for choice in get_args(StateType):
        with tempfile.TemporaryDirectory(prefix="edgernn-state-") as folder:
            path = target("tflite").export(
                network, replace(quantized, state=choice), "sequence", "int8", Path(folder)
            )
            outputs = engine("litert").open(path, "sequence", threads=1).outputs(calibration.x)
        found = judge.measure(outputs, wanted, calibration.y, ends, calibration.taken)
        figures.append({"state": choice, **found})
        if _within(found, judge.metric.of(*decisive(wanted, calibration.y, ends, calibration.taken)), gates):
            return choice, tuple(figures)
    return "int16", tuple(figures)


def _within(found: Mapping[str, float], wanted_metric: float, gates: Gates) -> bool:
    drop, share, agreement = gates.metric_drop_max, gates.metric_drop_share_max, gates.agreement_min
    lost, size = found["metric_drop"], abs(wanted_metric)
    kept = (drop is None or lost <= drop) and (share is None or lost <= share * size)
    return kept and (agreement is None or found["agreement"] >= agreement)
