"""Step models: one frame and the states in, the result and the next states out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgernn.lowering import QType, TypedProgram
from edgernn.network import Network
from edgernn.program import Op, Program
from edgernn.targets import next_name, read_name
from edgernn.targets.onnx._graph import Constants, Graph, Port, tensor_name
from edgernn.targets.onnx._primitives import FLOAT, emit_constants, emit_ops

NORMALISED = "normalised frame, (raw - mean) / std by channel"


def float_step(network: Network) -> Graph:
    """The step program as float operators."""
    program = network.program()
    graph = Graph(network.name)
    _declare_ports(graph, program, lambda value: "float32", NORMALISED)
    emit_constants(graph, program, Constants(network.constants(), {}, {}))
    emit_ops(graph, program, _output_names(program))
    _copy_shared_outputs(graph, program)
    return graph


def integer_step(typed: TypedProgram, name: str) -> Graph:
    """The typed program in QDQ form: every operator stands between DequantizeLinear and QuantizeLinear.

    The boundary is integer: `input`, `output` and the states are the integers themselves.
    """
    program = typed.program
    graph = Graph(name)
    _declare_ports(graph, program, lambda value: typed.types[value].dtype, f"{NORMALISED}, quantised")
    emit_constants(graph, program, _integer_constants(typed))
    names = _output_names(program)
    for op in program.ops:
        (_emit_slice if op.primitive == "slice" else _emit_quantized)(graph, op, typed, names)
    _copy_shared_outputs(graph, program)
    return graph


def quantization(typed: TypedProgram) -> dict[str, dict[str, object]]:
    """Scale and zero point of every port: real = (integer - zero_point) * scale."""
    return {
        port: {"dtype": qtype.dtype, "scale": float(np.float32(qtype.scale)), "zero_point": qtype.zero_point}
        for port, qtype in ((port, typed.types[value]) for port, value in _ports(typed.program))
    }


def _ports(program: Program) -> list[tuple[str, str]]:
    """The tensor and the value of every input and output of a step model."""
    inputs = [("input", program.input)] + [(read_name(s), s.name) for s in program.states]
    return inputs + _outputs(program)


def _outputs(program: Program) -> list[tuple[str, str]]:
    nexts = [(next_name(state), state.next) for state in program.states]
    return [("output", program.output), *nexts]


def _output_names(program: Program) -> dict[str, str]:
    """The tensor of every computed value that is an output; where two outputs share it, the later one."""
    return {value: tensor for tensor, value in _outputs(program) if program.producer(value)}


def _copy_shared_outputs(graph: Graph, program: Program) -> None:
    names = _output_names(program)
    for tensor, value in _outputs(program):
        source = names.get(value, tensor_name(value))
        if source != tensor:
            graph.emit("Identity", (source,), tensor)


def _declare_ports(graph: Graph, program: Program, dtype: Callable[[str], str], frame: str) -> None:
    about = {"input": frame, "output": "result of this step"}
    about |= {read_name(s): "state, 0 at the start" for s in program.states}
    about |= {next_name(s): "state to feed back at the next step" for s in program.states}
    ports = [Port(t, dtype(v), (1, program.sizes[v]), about[t]) for t, v in _ports(program)]
    inputs = 1 + len(program.states)
    graph.inputs, graph.outputs = ports[:inputs], ports[inputs:]


def _integer_constants(typed: TypedProgram) -> Constants:
    products = [op for op in typed.program.ops if op.bias]
    scales = {op.bias: typed.types[op.inputs[0]].scale * typed.scales[op.weight] for op in products}
    return Constants({}, {**typed.weights, **typed.biases}, {**typed.scales, **scales})


def _emit_slice(graph: Graph, op: Op, typed: TypedProgram, names: Mapping[str, str]) -> None:
    """A slice moves integers; its two sides have the same type."""
    source, target = (names.get(name, tensor_name(name)) for name in (op.inputs[0], op.output))
    FLOAT["slice"](graph, op, [source], target, typed.program.sizes[op.output])


def _emit_quantized(graph: Graph, op: Op, typed: TypedProgram, names: Mapping[str, str]) -> None:
    """The float operator on dequantised inputs, its result quantised; a requantisation is just those two."""
    inputs = [_dequantized(graph, name, typed, names) for name in op.inputs]
    target = names.get(op.output, tensor_name(op.output))
    result = inputs[0]
    if op.primitive != "requantize":
        result = f"{target}.exact"
        FLOAT[op.primitive](graph, op, inputs, result, typed.program.sizes[op.output])
    graph.emit("QuantizeLinear", (result, *_parameters(graph, typed, op.output)), target)


def _dequantized(graph: Graph, value: str, typed: TypedProgram, names: Mapping[str, str]) -> str:
    source = names.get(value, tensor_name(value))
    real = f"{source}.real"
    if graph.defines(real):
        return real
    return graph.emit("DequantizeLinear", (source, *_parameters(graph, typed, value)), real)


def _parameters(graph: Graph, typed: TypedProgram, value: str) -> tuple[str, str]:
    """Scale and zero point of a value's type, stored once under the first value that has the type."""
    qtype: QType = typed.types[value]
    owner = tensor_name(next(name for name, other in typed.types.items() if other == qtype))
    scale = graph.constant(f"{owner}.scale", np.array(qtype.scale, np.float32))
    return scale, graph.constant(f"{owner}.zero_point", np.array(qtype.zero_point, qtype.dtype))
