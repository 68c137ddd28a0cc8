"""The ONNX target: sequence models around ONNX's own recurrent nodes, step models from the step program.

Everything is written node by node from the network; no converter is involved. The files name their tensors
`input`, `output`, and for every state its value name with "/" as "." (`gru.h`) and `<that>.next`.
"""

from __future__ import annotations

from pathlib import Path

from edgernn.errors import ExportError
from edgernn.lowering import operators
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.targets import Combination, artifact_name, metadata
from edgernn.targets.onnx._content import BOUNDARY, MATRIX_PRODUCTS, content
from edgernn.targets.onnx._file import write
from edgernn.targets.onnx._sequence import dynamic_sequence, float_sequence
from edgernn.targets.onnx._step import float_step, integer_step, quantization

SUPPORTED: frozenset[tuple[Form, Precision]] = frozenset(
    {("sequence", "float32"), ("sequence", "dynamic"), ("step", "float32"), ("step", "int8")}
)

__all__ = ["BOUNDARY", "MATRIX_PRODUCTS", "SUPPORTED", "content", "export"]


def export(network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> Path:
    """Write one artifact below `folder` and return its path; the same network gives the same bytes.

    Raises ExportError when the combination is not supported or the written model is not valid ONNX.
    """
    about = metadata(network, form, precision)
    match form, precision:
        case "sequence", "float32":
            graph = float_sequence(network)
        case "sequence", "dynamic":
            graph = dynamic_sequence(quantized)
        case "step", "float32":
            graph = float_step(network)
        case "step", "int8":
            typed = operators(quantized)
            graph = integer_step(typed, network.name)
            about |= {"quantization": quantization(typed)}
        case _:
            raise ExportError(f"onnx has no {precision} artifact in {form} form; please report this")
    path = folder / artifact_name(Combination("onnx", form, precision))
    write(graph, about, path)
    return path
