"""Post-training quantisation: int8 weights, and ranges of all values from whole float streams."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgernn.errors import ExportError, InputError
from edgernn.lowering import expand_blend, native, product_input
from edgernn.network import Calibration, Granularity, Network, QuantizedNetwork, StateType
from edgernn.reference import input_factor, run_float, run_integer

BIAS_LIMIT = 2**30 - 1  # a bias may take half of the int32 accumulator, the products have the other half
BINS = 2**15  # of a histogram between the smallest and the largest value


def quantize(
    network: Network,
    streams: np.ndarray,
    state: StateType = "int16",
    granularity: Granularity = "tensor",
    method: str = "minmax",
    percentile: float = 100.0,
) -> QuantizedNetwork:
    """Quantise to int8 with the ranges that `streams` [streams, steps, inputs] (normalised) give.

    Raises InputError when there is no stream to calibrate with, or when its values are so large or so small
    that the integer arithmetic cannot hold them.
    """
    if not len(streams):
        raise InputError("data.split.calibration: no window to calibrate with; ask for at least 1")
    kept = 100.0 if method == "minmax" else percentile
    provenance = Calibration(method, kept, *streams.shape[:2])
    ranges = calibrate(network, streams, kept)
    program, constants = network.program(), network.constants()
    weights, scales = {}, {}
    for op in program.ops:
        if op.primitive == "matvec":
            weight = constants[op.weight]
            bias = constants[op.bias] if op.bias else np.zeros(len(weight))
            input_scale = product_input(op.inputs[0], program, ranges).scale
            scales[op.weight] = weight_scales(weight, bias, input_scale, granularity)
            weights[op.weight] = quantize_rows(weight, scales[op.weight])
    quantized = QuantizedNetwork(network, "int8", state, weights, scales, ranges, provenance)
    if not _computable(quantized):
        raise InputError(_out_of_reach(network, streams))
    return quantized


def weight_scales(weight: np.ndarray, bias: np.ndarray, input_scale: float, granularity: Granularity) -> np.ndarray:
    """Symmetric int8 scales, float64 [rows]: the largest weight of a row, or of the matrix, becomes 127.

    A row of zeros, or of weights tiny beside its bias, gets the scale at which its bias, in units of the
    input's scale and its own, is below 2**30.
    """
    largest = np.abs(weight.astype(np.float64)).max(axis=1) / 127
    for_bias = np.abs(bias.astype(np.float64)) / (BIAS_LIMIT * input_scale)
    rows = np.maximum(np.maximum(largest, for_bias), 2.0**-40)
    return np.full_like(rows, rows.max()) if granularity == "tensor" else rows


def quantize_rows(weight: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Weights [rows, inputs] as int8, rounded half up."""
    integers = np.floor(weight.astype(np.float64) / scales[:, None] + 0.5)
    return np.clip(integers, -127, 127).astype(np.int8)


def calibrate(network: Network, streams: np.ndarray, percentile: float) -> dict[str, tuple[float, float]]:
    """The range of every value over all streams and steps.

    A percentile below 100 leaves out the rest, half of it at either end: at 99.9 the lowest and the highest
    0.05 % of the values. It is read off a histogram, so it is exact to 1/32768 of the whole range, and the
    memory it takes does not grow with the number of steps.
    """
    program, constants = expand_blend(network.program()), network.constants()
    whole = Extremes()
    run_float(program, constants, streams, whole.observe)
    if percentile == 100:
        return whole.ranges
    histograms = Histograms(whole.ranges)
    run_float(program, constants, streams, histograms.observe)
    tail = (100.0 - percentile) / 2
    return {
        name: (histograms.percentile(name, tail), histograms.percentile(name, 100.0 - tail))
        for name in whole.ranges
    }


@dataclass
class Extremes:
    """The smallest and the largest of what was observed of every value."""

    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def observe(self, name: str, value: np.ndarray) -> None:
        low, high = self.ranges.get(name, (np.inf, -np.inf))
        self.ranges[name] = (min(low, float(value.min())), max(high, float(value.max())))


@dataclass
class Histograms:
    """How often every value was observed in each of `BINS` equal parts of its range."""

    ranges: dict[str, tuple[float, float]]
    counts: dict[str, np.ndarray] = field(default_factory=dict)  # int64 [BINS]

    def observe(self, name: str, value: np.ndarray) -> None:
        low, high = self.ranges[name]
        position = (value.ravel() - low) * (BINS / ((high - low) or 1.0))
        bins = np.minimum(position.astype(np.int64), BINS - 1)
        self.counts[name] = self.counts.get(name, 0) + np.bincount(bins, minlength=BINS)

    def percentile(self, name: str, percent: float) -> float:
        """`np.percentile` to within a bin: between the two observations that are next to that rank."""
        last = int(self.counts[name].sum()) - 1
        rank = last * percent / 100
        below = int(rank)
        left, right = self._ranked(name, below), self._ranked(name, min(below + 1, last))
        return left + (right - left) * (rank - below)

    def _ranked(self, name: str, rank: int) -> float:
        """The observation of that rank, from 0, as if those of its bin were evenly spread in it."""
        low, high = self.ranges[name]
        total = self.counts[name].cumsum()
        index = int(np.searchsorted(total, rank, side="right"))
        count = int(self.counts[name][index])
        inside = (rank - (int(total[index]) - count) + 0.5) / count
        return low + (high - low) * (index + inside) / BINS


def _computable(quantized: QuantizedNetwork) -> bool:
    """Whether the integer reference has a factor or a shift for every op, and the input a float32 factor."""
    frame = np.zeros((1, 1, quantized.network.inputs), np.int8)
    factor = input_factor(quantized)
    try:
        run_integer(native(quantized), frame)
    except (ValueError, ExportError):
        return False
    return bool((np.isfinite(factor) & (factor > 0)).all())


def _out_of_reach(network: Network, streams: np.ndarray) -> str:
    low, high = streams.min(axis=(0, 1)), streams.max(axis=(0, 1))
    widest = int(np.argmax(high - low))
    name = network.channels[widest] if network.channels else str(widest)
    return (
        f"quantize: channel {name} goes from {low[widest]:.3g} to {high[widest]:.3g}, which the integer "
        "arithmetic cannot hold; set features.normalize: standard, or look for outliers in the data"
    )
