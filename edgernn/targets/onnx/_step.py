"""Step models: the frames of one step and the states in, the result and the next states out."""

from __future__ import annotations

from collections.abc import Callable

from edgernn.expand import expand
from edgernn.lowering import TypedProgram
from edgernn.network import Network, QuantizedNetwork
from edgernn.program import Program
from edgernn.targets import next_name, read_name
from edgernn.targets.onnx._graph import Constants, Graph, Port, tensor_name
from edgernn.targets.onnx._integer import described, emit_typed, opset
from edgernn.targets.onnx._primitives import emit_constants, emit_ops


def float_step(network: Network) -> Graph:
    """The step program as float operators."""
    return _step(network, Constants(network.constants(), {}, {}))


def dynamic_step(quantized: QuantizedNetwork) -> Graph:
    """The same with int8 matrices, dequantised when the model runs."""
    network = quantized.network
    return _step(network, Constants(network.constants(), quantized.weights, quantized.scales))


def integer_step(typed: TypedProgram, network: Network) -> Graph:
    """The typed program in QDQ form; `input`, `output` and the states are the integers themselves."""
    program = typed.program
    graph = Graph(network.name, opset=opset([typed]))
    _declare_ports(graph, program, lambda value: typed.types[value].dtype, f"{frame(network)}, quantised")
    emit_typed(graph, typed, _output_names(program))
    _copy_shared_outputs(graph, program)
    return graph


def quantization(typed: TypedProgram) -> dict[str, dict[str, object]]:
    """Scale and zero point of every port: real = (integer - zero_point) * scale."""
    return {port: described(typed.types[value]) for port, value in _ports(typed.program)}


def frame(network: Network) -> str:
    """What the input holds."""
    return "tokens" if network.tokens else "normalised frames, (raw - mean) / std by channel"


def _step(network: Network, constants: Constants) -> Graph:
    program = expand(network.program())
    graph = Graph(network.name)
    _declare_ports(graph, program, _float_ports(network, program), frame(network))
    emit_constants(graph, program.ops, constants)
    emit_ops(graph, program.ops, program.sizes, _output_names(program))
    _copy_shared_outputs(graph, program)
    return graph


def _float_ports(network: Network, program: Program) -> Callable[[str], str]:
    return lambda value: "int32" if network.tokens and value == program.input else "float32"


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
    about |= {read_name(s): "state; the metadata say what it is at the start" for s in program.states}
    about |= {next_name(s): "state to feed back at the next step" for s in program.states}
    ports = [Port(t, dtype(v), (1, program.sizes[v]), about[t]) for t, v in _ports(program)]
    inputs = 1 + len(program.states)
    graph.inputs, graph.outputs = ports[:inputs], ports[inputs:]
