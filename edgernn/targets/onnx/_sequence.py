"""Sequence models: a window of any length in, the result after its last step or after every step out.

In float a layer works on all steps at once (see `_layers`); in integers each pass of the network is a Scan over
its typed step program.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgernn.lowering import TypedPass
from edgernn.network import POOLS, Layer, Network, QuantizedNetwork
from edgernn.program import layer_of
from edgernn.targets.onnx._graph import Constants, Graph, Port
from edgernn.targets.onnx._integer import described, opset
from edgernn.targets.onnx._layers import emit_layer
from edgernn.targets.onnx._scan import typed_scan
from edgernn.targets.onnx._step import frame


def float_sequence(network: Network) -> Graph:
    """All weights float32."""
    return _sequence(network, Constants(network.constants(), {}, {}))


def dynamic_sequence(quantized: QuantizedNetwork) -> Graph:
    """Matrices int8 with their scales; biases float32, activations float32 outside the nodes."""
    network = quantized.network
    return _sequence(network, Constants(network.constants(), quantized.weights, quantized.scales))


def integer_sequence(passes: Sequence[TypedPass], network: Network) -> Graph:
    """The typed programs in QDQ form, each in a loop; `input` and `output` are the integers themselves."""
    graph = Graph(network.name, opset=opset([typed for one in passes for typed in one.programs]))
    source = passes[0].forward
    _declare_ports(graph, network, source.types[source.program.input].dtype, passes[-1].output.dtype)
    value = "input"
    for number, one in enumerate(passes, 1):
        value = _pass(graph, one, value, f"pass_{number}")
    if network.every_step:
        graph.reshape(value, (1, -1, network.outputs), "output")
    else:
        graph.emit("Squeeze", (graph.row(value, -1, "output.last"), graph.index(0)), "output")
    return graph


def quantization(passes: Sequence[TypedPass]) -> dict[str, dict[str, object]]:
    """Scale and zero point of the two ports: real = (integer - zero_point) * scale."""
    source = passes[0].forward
    return {"input": described(source.types[source.program.input]), "output": described(passes[-1].output)}


def _declare_ports(graph: Graph, network: Network, taken: str, given: str) -> None:
    integers = "" if given == "float32" else ", quantised"
    steps, what = (
        ((1, "steps"), "results of all steps") if network.every_step else ((1,), "result of the last step")
    )
    graph.inputs = [Port("input", taken, (1, "frames", network.inputs), f"{frame(network)}{integers}")]
    graph.outputs = [Port("output", given, (*steps, network.outputs), what)]


def _sequence(network: Network, constants: Constants) -> Graph:
    graph = Graph(network.name)
    _declare_ports(graph, network, "int32" if network.tokens else "float32", "float32")
    value = graph.emit("Squeeze", ("input", graph.index(0)), "input.frames")
    ending = _ending(network)
    if not ending and not network.every_step:
        value = graph.row(value, -1, "input.last")
    for layer in network.layers:
        final = layer is network.layers[-1] and not network.every_step
        output = "output" if final else f"{layer.name}.result"
        value = emit_layer(graph, layer, constants, value, output, layer.name in ending)
    if network.every_step:
        graph.emit("Unsqueeze", (value, graph.index(0)), "output")
    return graph


def _ending(network: Network) -> set[str]:
    """The layers of whose results only that after the last frame is read."""
    if network.every_step:
        return set()
    remembering = [layer.name for layer in network.layers if _remembers(layer)]
    return {layer_of(one.forward.output) for one in network.passes() if one.ends} | set(remembering[-1:])


def _remembers(layer: Layer) -> bool:
    """Whether its result depends on more than the frame of its step."""
    return layer.recurrent or layer.kind == "conv" or layer.kind in POOLS


def _pass(graph: Graph, one: TypedPass, value: str, name: str) -> str:
    """Add a pass over `value` [..., size]; returns its result [steps, 1, size], or [1, 1, size] where it ends."""
    program = one.forward.program
    frames = graph.reshape(value, (-1, 1, program.sizes[program.input]), f"{name}.frames")
    results = []
    for typed, way in zip(one.programs, ("forward", "backward"), strict=False):
        scope, back = f"{name}.{way}", way == "backward"
        result = typed_scan(graph, scope, typed, frames, f"{scope}.steps", back)
        results.append(graph.row(result, 0 if back else -1, f"{scope}.end") if one.ends else result)
    return results[0] if len(results) == 1 else graph.emit("Concat", results, f"{name}.result", axis=2)
