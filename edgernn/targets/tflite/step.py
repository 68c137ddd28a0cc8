"""Step models: the step program as operators, its states among the inputs and outputs."""

from __future__ import annotations

from edgernn.targets import next_name, read_name
from edgernn.targets.tflite.flatbuffer import ModelWriter
from edgernn.targets.tflite.plan import Plan, Scope, value_tensor
from edgernn.targets.tflite.primitives import emit


def write_step(writer: ModelWriter, plan: Plan) -> None:
    """Inputs `input` [1, size] and the states, outputs `output` [1, size] and the next states."""
    program, graph = plan.program, writer.subgraph("step")
    tensors = {program.input: value_tensor(graph, plan, program.input, "input")}
    tensors |= {state.name: value_tensor(graph, plan, state.name, read_name(state)) for state in program.states}
    inputs = {"input": tensors[program.input]}
    inputs |= {read_name(state): tensors[state.name] for state in program.states}
    emit(Scope(graph, plan, program.ops, tensors))
    outputs = {"output": tensors[program.output]}
    outputs |= {next_name(state): tensors[state.next] for state in program.states}
    writer.signature(graph, inputs, outputs)
