"""From a graph to a checked file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import __version__, archive
from edgernn.errors import ExportError
from edgernn.targets.onnx._graph import OPSET, OPSET_INT16, Graph, Node, Port

# The IR version is that of the onnx release that introduced the opset, so that old readers take the file.
IR_VERSIONS = {OPSET: 7, OPSET_INT16: 10}
CONTRIBUTED = {"DynamicQuantizeLSTM": "com.microsoft"}  # operators of onnxruntime's own; all others are ONNX's

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

    domains = sorted({CONTRIBUTED[node.operator] for node in graph.nodes if node.operator in CONTRIBUTED})
    versions = [helper.make_opsetid("", graph.opset), *(helper.make_opsetid(name, 1) for name in domains)]
    model = helper.make_model(
        _graph(graph),
        opset_imports=versions,
        ir_version=IR_VERSIONS[graph.opset],
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
    domain = CONTRIBUTED.get(node.operator)
    return helper.make_node(node.operator, node.inputs, node.outputs, domain=domain, **attributes)


def _port(port: Port) -> Any:
    from onnx import helper

    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
    return helper.make_tensor_value_info(port.name, dtype, port.shape, doc_string=port.about)
