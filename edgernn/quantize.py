"""Post-training quantisation: int8 weights, and ranges of all values from whole float streams."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from edgernn.errors import InputError
from edgernn.lowering import expand_blend
from edgernn.network import Calibration, Granularity, Network, QuantizedNetwork, StateType
from edgernn.reference import run_float

BIAS_LIMIT = 2**30  # a bias may take half of the int32 accumulator, the products have the other half
SMALLEST_INPUT_SCALE = 1 / 256


def quantize(
    network: Network,
    streams: np.ndarray,
    state: StateType = "int16",
    granularity: Granularity = "tensor",
    method: str = "minmax",
    percentile: float = 100.0,
) -> QuantizedNetwork:
    """Quantise to int8 with the ranges that `streams` [streams, steps, inputs] (normalised) give.

    Raises InputError when there is no stream to calibrate with.
    """
    if not len(streams):
        raise InputError("data.split.calibration: no window to calibrate with; ask for at least 1")
    constants = network.constants()
    weights, scales = {}, {}
    for op in network.program().ops:
        if op.primitive == "matvec":
            bias = constants[op.bias] if op.bias else np.zeros(len(constants[op.weight]))
            scales[op.weight] = weight_scales(constants[op.weight], bias, granularity)
            weights[op.weight] = quantize_rows(constants[op.weight], scales[op.weight])
    kept = 100.0 if method == "minmax" else percentile
    provenance = Calibration(method, kept, *streams.shape[:2])
    ranges = calibrate(network, streams, kept)
    return QuantizedNetwork(network, "int8", state, weights, scales, ranges, provenance)


def weight_scales(weight: np.ndarray, bias: np.ndarray, granularity: Granularity) -> np.ndarray:
    """Symmetric int8 scales, float64 [rows]: the largest weight of a row, or of the matrix, becomes 127.

    A row of zeros, or of weights tiny beside its bias, gets the scale at which its bias still fits an int32.
    """
    largest = np.abs(weight.astype(np.float64)).max(axis=1) / 127
    for_bias = np.abs(bias.astype(np.float64)) / (BIAS_LIMIT * SMALLEST_INPUT_SCALE)
    rows = np.maximum(np.maximum(largest, for_bias), 2.0**-40)
    return np.full_like(rows, rows.max()) if granularity == "tensor" else rows


def quantize_rows(weight: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Weights [rows, inputs] as int8, rounded half up."""
    integers = np.floor(weight.astype(np.float64) / scales[:, None] + 0.5)
    return np.clip(integers, -127, 127).astype(np.int8)


def calibrate(network: Network, streams: np.ndarray, percentile: float) -> dict[str, tuple[float, float]]:
    """The range of every value over all streams and steps.

    A percentile below 100 leaves out that share of the values, half of it at either end.
    """
    seen: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    program = expand_blend(network.program())
    run_float(
        program, network.constants(), streams, lambda name, value: seen[name].append(value.astype(np.float32))
    )
    tail = (100.0 - percentile) / 2
    ranges = {}
    for name, values in seen.items():
        low, high = np.percentile(np.stack(values), [tail, 100 - tail])
        ranges[name] = (float(low), float(high))
    return ranges
