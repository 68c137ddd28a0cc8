"""The ONNX target: sequence models around ONNX's own recurrent nodes, step models from the step program.

An integer sequence is a loop around the QDQ step: exact, and slow in onnxruntime.

Everything is written node by node from the network; no converter is involved. The files name their tensors
`input`, `output`, and for every state its value name with "/" as "." (`gru.h`) and `<that>.next`.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from edgernn.errors import ExportError
from edgernn.lowering import operators
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.targets import Combination, artifact_name, metadata
from edgernn.targets.onnx import _sequence, _step
from edgernn.targets.onnx._content import BOUNDARY, MATRIX_PRODUCTS, content
from edgernn.targets.onnx._file import write
from edgernn.targets.onnx._graph import Graph

SUPPORTED: frozenset[tuple[Form, Precision]] = frozenset(
    (form, precision) for form in get_args(Form) for precision in get_args(Precision)
)

__all__ = ["BOUNDARY", "MATRIX_PRODUCTS", "SUPPORTED", "content", "export"]


def export(network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> Path:
    """Write one artifact below `folder` and return its path; the same network gives the same bytes.

    Raises ExportError when the combination is not supported or the written model is not valid ONNX.
    """
    if (form, precision) not in SUPPORTED:
        raise ExportError(f"onnx has no {precision} artifact in {form} form; please report this")
    graph, about = _graph(network, quantized, form, precision)
    path = folder / artifact_name(Combination("onnx", form, precision))
    write(graph, about, path)
    return path


def _graph(
    network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision
) -> tuple[Graph, dict[str, object]]:
    """The model and its metadata."""
    match form, precision:
        case "sequence", "float32":
            return _sequence.float_sequence(network), metadata(network, form, precision)
        case "sequence", "dynamic":
            return _sequence.dynamic_sequence(quantized), metadata(network, form, precision)
        case "step", "float32":
            return _step.float_step(network), metadata(network, form, precision)
        case "step", "dynamic":
            return _step.dynamic_step(quantized), metadata(network, form, precision)
    passes = operators(quantized.at(precision))
    if form == "sequence":
        about = metadata(network, form, precision) | {"quantization": _sequence.quantization(passes)}
        return _sequence.integer_sequence(passes, network), about
    typed = passes[0].forward
    about = metadata(network, form, precision, typed) | {"quantization": _step.quantization(typed)}
    return _step.integer_step(typed, network), about
