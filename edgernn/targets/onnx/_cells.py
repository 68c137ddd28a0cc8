"""Recurrent layers as ONNX's own nodes, which run over all steps at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgernn.lowering import QType
from edgernn.network import KINDS, Layer
from edgernn.targets.onnx._graph import Attribute, Constants, Graph, tensor_name

KERNELS = ("kernel", "recurrent_kernel")


@dataclass(frozen=True)
class WholeCell:
    """A recurrent node for one direction: what it reads after the frames, and its attributes."""

    operator: str
    operands: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


def units(layer: Layer) -> int:
    """The elements that one direction gives."""
    return KINDS[layer.kind].outputs(layer.inputs, layer.options)


def _gru(graph: Graph, layer: Layer, scope: str, constants: Constants) -> WholeCell:
    """ONNX's gates have Keras's order: update, reset, new. z and r have one bias, g has two with reset_after."""
    size = units(layer)
    rows = np.arange(3 * size)
    own = _rows(constants.real, scope, "bias", ("zr", "g"), rows)
    recurrent = np.zeros(3 * size)
    recurrent[2 * size :] = constants.real.get(f"{scope}/recurrent_bias_g", 0)
    operands = [_matrix(graph, scope, name, constants, ("zr", "g"), rows) for name in KERNELS]
    after = getattr(layer.options, "reset_after", True)
    return WholeCell(
        "GRU", (*operands, *_biases(graph, scope, own, recurrent)), {"linear_before_reset": int(after)}
    )


def _lstm(graph: Graph, layer: Layer, scope: str, constants: Constants) -> WholeCell:
    """ONNX's gates are input, output, forget, cell; those of the constants i, f, o and g.

    With int8 matrices it is onnxruntime's own DynamicQuantizeLSTM, which quantises frames and states on the fly.
    """
    i, f, o, g = np.arange(4 * units(layer)).reshape(4, -1)
    rows = np.concatenate([i, o, f, g])
    own = _rows(constants.real, scope, "bias", ("ifo", "g"), rows)
    bias = _biases(graph, scope, own, np.zeros(len(rows)))
    if f"{scope}/kernel_ifo" not in constants.integers:
        operands = [_matrix(graph, scope, name, constants, ("ifo", "g"), rows) for name in KERNELS]
        return WholeCell("LSTM", (*operands, *bias))
    stored = [_columns(graph, scope, name, constants, rows) for name in KERNELS]
    weights, scales = [integers for integers, *_ in stored], [name for _, *pair in stored for name in pair]
    unused = ("",) * (5 - len(bias))  # lengths, first states and peepholes; the bias too where there is none
    return WholeCell("DynamicQuantizeLSTM", (*weights, *bias, *unused, *scales))


def _simple_rnn(graph: Graph, layer: Layer, scope: str, constants: Constants) -> WholeCell:
    own = constants.real.get(f"{scope}/bias")
    operands = [constants.emit(graph, f"{scope}/{name}", _one_direction, 1) for name in KERNELS]
    activation = getattr(layer.options, "activation", "tanh").capitalize()
    bias = _biases(graph, scope, own, np.zeros(units(layer)))
    return WholeCell("RNN", (*operands, *bias), {"activations": (activation,)})


# graph, layer, scope of the direction, constants of the network
WHOLE_CELLS: Mapping[str, Callable[[Graph, Layer, str, Constants], WholeCell]] = {
    "gru": _gru,
    "lstm": _lstm,
    "simple_rnn": _simple_rnn,
}


def _one_direction(array: np.ndarray) -> np.ndarray:
    return array[np.newaxis]


def _rows(
    arrays: Mapping[str, np.ndarray], scope: str, name: str, parts: Sequence[str], rows: np.ndarray
) -> np.ndarray | None:
    """`rows` of the parts of a constant on top of each other; None where the layer has no such constant."""
    own = [arrays[f"{scope}/{name}_{part}"] for part in parts if f"{scope}/{name}_{part}" in arrays]
    return np.concatenate(own)[rows] if own else None


def _joined(scope: str, name: str, constants: Constants, parts: Sequence[str], rows: np.ndarray) -> Constants:
    """The one matrix that ONNX has where a cell's program has several products."""
    found = [
        _rows(arrays, scope, name, parts, rows) for arrays in (constants.real, constants.integers, constants.scales)
    ]
    real, integers, scales = ({} if array is None else {f"{scope}/{name}": array} for array in found)
    return Constants(real, integers, scales)


def _matrix(
    graph: Graph, scope: str, name: str, constants: Constants, parts: Sequence[str], rows: np.ndarray
) -> str:
    """Add a matrix [1 direction, rows, inputs]."""
    return _joined(scope, name, constants, parts, rows).emit(graph, f"{scope}/{name}", _one_direction, 1)


def _columns(graph: Graph, scope: str, name: str, constants: Constants, rows: np.ndarray) -> tuple[str, str, str]:
    """Add a matrix of 8 bits [1 direction, inputs, rows] with scales [1] or [1, rows] and zero points of 128.

    Where each part has one scale, the whole takes the largest: one scale runs faster than one for each row.
    The int8 weights are stored as uint8: onnxruntime quantises what it multiplies them by to uint8, and where an
    x86 processor has no VNNI, its product of uint8 and int8 saturates sums of two in 16 bits.
    """
    parts = ("ifo", "g")
    joined = _joined(scope, name, constants, parts, rows)
    own = f"{scope}/{name}"
    scales = joined.scales[own]
    if all(np.ptp(constants.scales[f"{own}_{part}"]) == 0 for part in parts):
        largest = QType("int8", float(scales.max()))
        joined = Constants(
            {}, {own: largest.quantize(joined.real[own])}, {own: np.full_like(scales, largest.scale)}
        )
    integers, scale, zero = joined.store(graph, own, lambda a: np.ascontiguousarray(a.T)[np.newaxis])
    for constant in (integers, zero):
        graph.constants[constant] = (graph.constants[constant].astype(np.int16) + 128).astype(np.uint8)
    for constant in (scale, zero):
        graph.constants[constant] = graph.constants[constant][np.newaxis]
    return integers, scale, zero


def _biases(graph: Graph, scope: str, own: np.ndarray | None, recurrent: np.ndarray) -> tuple[str, ...]:
    """Add the biases [1 direction, 2 rows]; nothing for a layer without."""
    if own is None:
        return ()
    both = np.concatenate([own, recurrent]).astype(np.float32)
    return (graph.constant(tensor_name(f"{scope}/biases"), both[np.newaxis]),)
