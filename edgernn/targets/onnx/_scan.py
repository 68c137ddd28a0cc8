"""Loops: a step program, float or typed, in a Scan over all steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgernn.lowering import TypedProgram
from edgernn.program import Program, State
from edgernn.targets import next_name, read_name
from edgernn.targets.onnx._graph import Constants, Graph, Port, tensor_name
from edgernn.targets.onnx._integer import emit_typed
from edgernn.targets.onnx._primitives import emit_constants, emit_ops


def float_scan(
    graph: Graph,
    scope: str,
    program: Program,
    constants: Constants,
    frames: str,
    output: str,
    backward: bool = False,
) -> str:
    """Add `output` [steps, 1, size] from `frames` [steps, 1, inputs]; the constants live in the graph outside.

    `backward` goes from the last step to the first; the results are in the order of the frames all the same.
    """
    emit_constants(graph, program.ops, constants)
    body = _body(graph, scope, program, lambda value: "float32")
    emit_ops(body, program.ops, program.sizes, {program.input: body.inputs[-1].name})
    return _loop(graph, body, program, frames, output, lambda s: np.float32(s.initial), backward)


def typed_scan(
    graph: Graph, scope: str, typed: TypedProgram, frames: str, output: str, backward: bool = False
) -> str:
    """The same for a typed program; its constants are inside the loop, where the integer operators are made."""
    program = typed.program
    body = _body(graph, scope, program, lambda value: typed.types[value].dtype)
    emit_typed(body, typed, {program.input: body.inputs[-1].name})

    def initial(state: State) -> np.generic:
        return np.dtype(typed.types[state.name].dtype).type(typed.initial(state))

    return _loop(graph, body, program, frames, output, initial, backward)


def _body(graph: Graph, scope: str, program: Program, dtype: Callable[[str], str]) -> Graph:
    """A graph with the ports of a loop's body: the states, then the frames of a step and its result."""
    sizes = program.sizes
    body = Graph(f"{scope}.step", scope=f"{scope}.", opset=graph.opset)
    body.inputs = [Port(read_name(s), dtype(s.name), (1, sizes[s.name])) for s in program.states]
    body.inputs.append(Port(f"{scope}.frame", dtype(program.input), (1, sizes[program.input])))
    body.outputs = [Port(next_name(s), dtype(s.name), (1, sizes[s.name])) for s in program.states]
    body.outputs.append(Port(f"{scope}.frame.result", dtype(program.output), (1, sizes[program.output])))
    return body


def _loop(
    graph: Graph,
    body: Graph,
    program: Program,
    frames: str,
    output: str,
    initial: Callable[[State], np.generic],
    backward: bool,
) -> str:
    names: Mapping[str, str] = {program.input: body.inputs[-1].name}
    results = [*(state.next for state in program.states), program.output]
    for value, port in zip(results, body.outputs, strict=True):
        body.emit("Identity", (names.get(value, tensor_name(value)),), port.name)
    starts = [
        graph.constant(f"{read_name(s)}.initial", np.full((1, program.sizes[s.name]), initial(s)))
        for s in program.states
    ]
    ends = [f"{read_name(s)}.last" for s in program.states]
    ways = {"scan_input_directions": (1,), "scan_output_directions": (1,)} if backward else {}
    graph.emit_many("Scan", (*starts, frames), (*ends, output), body=body, num_scan_inputs=1, **ways)
    return output
