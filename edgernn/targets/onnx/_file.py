"""From a graph to a checked file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import __version__, archive
from edgernn.errors import ExportError
from edgernn.targets.onnx._graph import Graph, Node, Port

# Opset 13 is the lowest with DequantizeLinear by axis, 21 the lowest with int16 in it; the IR version is that
# of the onnx release that introduced the opset, so that old readers take the file.
OPSET, IR_VERSION = 13, 7
OPSET_INT16, IR_VERSION_INT16 = 21, 10

METADATA_KEY = "edgernn"


def write(graph: Graph, about: Mapping[str, object], path: Path) -> None:
    """Write a graph, with `about` as JSON in its metadata, to `path`.

    Raises ExportError when onnx's checker or its strict shape inference refuses the model, and InputError
    when the file cannot be written.
    """
    import onnx

    model = _model(graph, about)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(
            f"{path.name} is not valid ONNX ({' '.join(str(error).split())}); please report this"
        ) from error
    archive.write_bytes(path, model.SerializeToString(deterministic=True))


def _model(graph: Graph, about: Mapping[str, object]) -> Any:
    from onnx import helper

    int16 = any(port.dtype == "int16" for port in graph.inputs) or any(
        value.dtype == np.int16 for value in graph.constants.values()
    )
    model = helper.make_model(
        _graph(graph),
        opset_imports=[helper.make_opsetid("", OPSET_INT16 if int16 else OPSET)],
        ir_version=IR_VERSION_INT16 if int16 else IR_VERSION,
        producer_name="edgernn",
        producer_version=__version__,
        doc_string=f'Labels and preprocessing: metadata_props["{METADATA_KEY}"], JSON.',
    )
    helper.set_model_props(model, {METADATA_KEY: json.dumps(about, ensure_ascii=False, separators=(",", ":"))})
    return model


def _graph(graph: Graph) -> Any:
    from onnx import helper, numpy_helper

    return helper.make_graph(
        [_node(node) for node in graph.nodes],
        graph.name,
        [_port(port) for port in graph.inputs],
        [_port(port) for port in graph.outputs],
        [numpy_helper.from_array(np.asarray(value, order="C"), name) for name, value in graph.constants.items()],
    )


def _node(node: Node) -> Any:
    from onnx import helper

    attributes = {k: _graph(v) if isinstance(v, Graph) else v for k, v in sorted(node.attributes.items())}
    return helper.make_node(node.operator, node.inputs, node.outputs, **attributes)


def _port(port: Port) -> Any:
    from onnx import helper

    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
    return helper.make_tensor_value_info(port.name, dtype, port.shape, doc_string=port.about)
