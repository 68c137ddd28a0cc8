"""Sequence models: a window in, the result of its last step out. The window may have any length.

A recurrent layer is ONNX's own node where it has one (`WHOLE_CELLS`), else a Scan over its step program.
Between layers values are [steps, size].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgernn.network import KINDS, Layer, Network, QuantizedNetwork
from edgernn.program import Builder, Program
from edgernn.targets import next_name, read_name
from edgernn.targets.onnx._graph import Constants, Graph, Port, tensor_name
from edgernn.targets.onnx._primitives import emit_constants, emit_ops

# graph, layer, constants, input [steps, 1, inputs], output name -> adds the output [steps, 1, units]
WholeCell = Callable[[Graph, Layer, Constants, str, str], None]


def float_sequence(network: Network) -> Graph:
    """All weights float32."""
    return _sequence(network, Constants(network.constants(), {}, {}))


def dynamic_sequence(quantized: QuantizedNetwork) -> Graph:
    """Matrices int8 with their scales, dequantised when the model runs; biases and activations float32."""
    network = quantized.network
    return _sequence(network, Constants(network.constants(), quantized.weights, quantized.scales))


def _sequence(network: Network, constants: Constants) -> Graph:
    graph = Graph(network.name)
    about = "normalised frames, (raw - mean) / std by channel"
    graph.inputs = [Port("input", "float32", (1, "steps", network.inputs), about)]
    graph.outputs = [Port("output", "float32", (1, network.outputs), "result of the last step")]
    value = graph.emit("Squeeze", ("input", graph.index(0)), "input.steps")
    last = max((i for i, layer in enumerate(network.layers) if layer.recurrent), default=-1)
    if last < 0:
        value = graph.emit("Gather", (value, graph.index(-1)), "input.last", axis=0)
    for i, layer in enumerate(network.layers):
        output = "output" if layer is network.layers[-1] else f"{layer.name}.result"
        if i == last:
            steps = _layer(graph, layer, constants, value, f"{layer.name}.steps")
            value = graph.emit("Gather", (steps, graph.index(-1)), output, axis=0)
        else:
            value = _layer(graph, layer, constants, value, output)
    return graph


def _layer(graph: Graph, layer: Layer, constants: Constants, value: str, output: str) -> str:
    """Add a layer from `value` [steps, inputs] to `output` [steps, units]; returns `output`."""
    program = _program(layer)
    if not layer.recurrent:
        emit_constants(graph, program, constants)
        emit_ops(graph, program, {program.input: value, program.output: output})
        return output
    frames = graph.emit("Unsqueeze", (value, graph.index(1)), f"{layer.name}.frames")
    if layer.kind in WHOLE_CELLS:
        WHOLE_CELLS[layer.kind](graph, layer, constants, frames, f"{output}.batch")
    else:
        emit_constants(graph, program, constants)
        _scan(graph, layer.name, program, frames, f"{output}.batch")
    return graph.emit("Squeeze", (f"{output}.batch", graph.index(1)), output)


def _program(layer: Layer) -> Program:
    builder = Builder()
    x = builder.input(layer.inputs)
    return builder.finish(KINDS[layer.kind].step(builder.within(layer.name), x, layer.units))


def _gru(graph: Graph, layer: Layer, constants: Constants, frames: str, output: str) -> None:
    """ONNX's GRU with `linear_before_reset`; its gates have Keras's order (update, reset, new)."""
    matrices = [constants.emit(graph, f"{layer.name}/{name}", leading=1) for name in ("kernel", "recurrent_kernel")]
    biases = [constants.real[f"{layer.name}/{name}"] for name in ("bias", "recurrent_bias")]
    bias = graph.constant(f"{layer.name}.biases", np.concatenate(biases)[np.newaxis])  # [1, 6 units]
    directions = graph.emit(
        "GRU",
        (frames, *matrices, bias),
        f"{output}.directions",
        hidden_size=layer.units,
        linear_before_reset=1,
    )  # [steps, 1 direction, 1, units]
    graph.emit("Squeeze", (directions, graph.index(1)), output)


WHOLE_CELLS: Mapping[str, WholeCell] = {"gru": _gru}


def _scan(graph: Graph, name: str, program: Program, frames: str, output: str) -> None:
    """A loop around the step program; its constants live in the graph outside."""
    body = Graph(f"{name}.step", scope=f"{name}.")
    frame, result, sizes = f"{name}.frame", f"{name}.frame.result", program.sizes
    body.inputs = [Port(read_name(s), "float32", (1, sizes[s.name])) for s in program.states]
    body.inputs.append(Port(frame, "float32", (1, sizes[program.input])))
    body.outputs = [Port(next_name(s), "float32", (1, sizes[s.name])) for s in program.states]
    body.outputs.append(Port(result, "float32", (1, sizes[program.output])))
    emit_ops(body, program, {program.input: frame})
    for state in program.states:
        body.emit("Identity", (tensor_name(state.next),), next_name(state))
    body.emit("Identity", (tensor_name(program.output),), result)
    zeros = [
        graph.constant(f"{read_name(s)}.zero", np.zeros((1, sizes[s.name]), np.float32)) for s in program.states
    ]
    last = [f"{read_name(s)}.last" for s in program.states]
    graph.emit_many("Scan", (*zeros, frames), (*last, output), body=body, num_scan_inputs=1)
