"""Post-training quantisation: int8 weights, and ranges of all values from whole float streams."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgernn.calibrate import calibrate
from edgernn.errors import ExportError, InputError
from edgernn.lowering import TypedProgram, native, power_of_two_int16
from edgernn.network import (
    Calibration,
    Granularity,
    IntegerPrecision,
    Network,
    QuantizedNetwork,
    StateType,
)
from edgernn.program import State, layer_of, shared_name
from edgernn.reference import input_factor, quantize_input, run_integer

SUM_LIMIT = 2**30 - 1  # a bias may take half of the int32 accumulator, the products have the other half


def quantize(
    network: Network,
    streams: np.ndarray,
    state: StateType = "int16",
    granularity: Granularity = "tensor",
    method: str = "minmax",
    percentile: float = 100.0,
    precisions: Mapping[str, IntegerPrecision] | None = None,
) -> QuantizedNetwork:
    """Quantise to int8 weights with the ranges that `streams` [streams, frames, inputs] (normalised) give.

    `precisions` are those of layers by name; one that is not named is int8.

    Raises InputError when there is no stream to calibrate with, or when its values are so large or so small
    that the integer arithmetic cannot hold them.
    """
    if not len(streams):
        raise InputError("data.split.calibration: no window to calibrate with; ask for at least 1")
    kept = percentile if method == "percentile" else 100.0
    provenance = Calibration(method, kept, *streams.shape[:2])
    ranges = calibrate(network, streams, method, kept)
    weights, scales = quantized_weights(network, ranges, granularity)
    asked: dict[str, IntegerPrecision] = {layer.name: "int8" for layer in network.layers}
    asked |= precisions or {}
    quantized = QuantizedNetwork(network, asked, state, weights, scales, ranges, provenance)
    if not all(_computable(quantized.at(precision)) for precision in ("int8", "int16x8")):
        raise InputError(_out_of_reach(network, streams))
    return quantized


def saturation(quantized: QuantizedNetwork, streams: np.ndarray) -> dict[str, float]:
    """How often the integer states are beyond what holds them, as a share of their values, by state.

    That is their own type, or the int8 in which a matrix product reads them. `streams` are normalised [streams,
    frames, inputs]. States that their cell keeps in bounds cannot saturate and are left out, and so are frames and
    maxima, which are what came in.
    """
    network = quantized.network
    passes = native(quantized)
    limits = {name: pair for one in passes for typed in one.programs for name, pair in _limits(typed).items()}
    beyond: dict[str, list[float]] = {name: [] for name in limits}

    def observe(name: str, value: np.ndarray) -> None:
        if name in limits:
            low, high = limits[name]
            beyond[name].append(float(np.mean((value < low) | (value > high))))

    run_integer(passes, quantize_input(quantized, streams * network.std + network.mean), observe)
    return {name: float(np.mean(shares)) for name, shares in beyond.items()}


def _limits(typed: TypedProgram) -> dict[str, tuple[float, float]]:
    """The integers that a computed state without bounds may have: not the ends of its type or of its copies'."""
    program, found = typed.program, {}
    for state in program.states:
        producer = program.producer(state.next)
        if state.bounds is None and producer is not None and producer.primitive not in ("slice", "max"):
            copies = [op.output for op in program.readers(state.name) if op.primitive == "requantize"]
            ends = [typed.types[copy].dequantize(np.array([-128.5, 127.5])) for copy in copies]
            scale = typed.types[state.name].scale
            lows, highs = zip((-32767.0, 32766.0), *(end / scale for end in ends), strict=True)
            found[state.name] = (max(lows), min(highs))
    return found


def refuse_saturation(quantized: QuantizedNetwork, streams: np.ndarray, limit: float) -> dict[str, float]:
    """`saturation`, if no state is at its end more often than `limit`.

    Raises InputError that names the layer and says how often.
    """
    found = saturation(quantized, streams)
    worst = max(found, key=lambda name: found[name], default="")
    if worst and found[worst] > limit:
        raise InputError(
            f"quantize: the state {worst} of layer {layer_of(worst)} saturates in {found[worst]:.1%} of its values "
            f"on the calibration windows (quantize.saturation_max: {limit:g}); use calibration: minmax or a higher "
            "percentile"
        )
    return found


def quantized_weights(
    network: Network, ranges: Mapping[str, tuple[float, float]], granularity: Granularity
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """int8 matrices and tables, and their scales float64 [rows]; a table has one scale."""
    constants, programs = network.constants(), network.programs()
    products = {op.weight: op for program in programs for op in program.ops if op.primitive == "matvec"}
    states = {state.name: state for program in programs for state in program.states}
    weights, scales = {}, {}
    for name, op in products.items():
        weight, source = constants[name], op.inputs[0]
        bias = constants[op.bias] if op.bias else np.zeros(len(weight))
        finest = _finest_scale(source, states.get(source), ranges)
        scales[name] = weight_scales(weight, bias, finest, granularity)
        weights[name] = quantize_rows(weight, scales[name])
    for name in network.tables():
        scales[name] = weight_scales(constants[name], np.zeros(len(constants[name])), 1.0, "tensor")
        weights[name] = quantize_rows(constants[name], scales[name])
    return weights, scales


def weight_scales(weight: np.ndarray, bias: np.ndarray, input_scale: float, granularity: Granularity) -> np.ndarray:
    """Symmetric int8 scales, float64 [rows]: the largest weight of a row, or of the matrix, becomes 127.

    `input_scale` is the finest in which the product reads its input, that of int16. A row of zeros, or of
    weights tiny beside its bias, gets the scale at which its bias, in units of both scales, is below 2**30; and
    one of so many large weights that their sum times 2**15 is 2**30, the scale at which it is below.
    """
    wide = np.abs(weight.astype(np.float64))
    for_bias = np.abs(bias.astype(np.float64)) / (SUM_LIMIT * input_scale)
    for_sum = wide.sum(axis=1) * 2.0**15 / (SUM_LIMIT - 2**15 * weight.shape[1] / 2)  # rounding adds half a step
    rows = np.maximum.reduce([wide.max(axis=1) / 127, for_bias, for_sum, np.full(len(wide), 2.0**-40)])
    return np.full_like(rows, rows.max()) if granularity == "tensor" else rows


def quantize_rows(weight: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Weights [rows, inputs] as int8, rounded half up."""
    integers = np.floor(weight.astype(np.float64) / scales[:, None] + 0.5)
    return np.clip(integers, -127, 127).astype(np.int8)


def _finest_scale(source: str, state: State | None, ranges: Mapping[str, tuple[float, float]]) -> float:
    """The scale in which an int16x8 product reads a value, or a finer one."""
    low, high = state.bounds if state is not None and state.bounds else ranges[shared_name(source)]
    return min(power_of_two_int16(low, high, least=2.0**-60).scale, 2.0**-15 if state is not None else 1.0)


def _computable(quantized: QuantizedNetwork) -> bool:
    """Whether the integer reference has a factor or a shift for every op, and the input a float32 factor."""
    frame = np.zeros((1, quantized.network.frames_per_step, quantized.network.inputs), np.int8)
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
