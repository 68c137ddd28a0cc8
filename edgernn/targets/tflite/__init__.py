"""TFLite artifacts, written straight into the flatbuffer: no converter, so nothing is fused, unrolled or lost.

A step model is the step program as operators. A sequence model is a WHILE loop whose body is that same
program: both come from the same tensors.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edgernn import archive
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.program import Program
from edgernn.targets import Combination, Content, artifact_name, metadata, next_name, read_name
from edgernn.targets.tflite.content import METADATA, Description, Port, content, describe
from edgernn.targets.tflite.flatbuffer import ModelWriter, SubgraphWriter
from edgernn.targets.tflite.operators import BOUNDARY, MATRIX_PRODUCTS
from edgernn.targets.tflite.primitives import Plan, emit, plan, value_tensor

__all__ = [
    "BOUNDARY",
    "MATRIX_PRODUCTS",
    "METADATA",
    "SUPPORTED",
    "Content",
    "Description",
    "Port",
    "content",
    "describe",
    "export",
]

SUPPORTED: frozenset[tuple[Form, Precision]] = frozenset(
    {
        ("sequence", "float32"),
        ("sequence", "dynamic"),
        ("sequence", "int8"),
        ("step", "float32"),
        ("step", "int8"),
    }
)


def export(network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> Path:
    """Write one artifact into `folder` and return its path.

    Step form: inputs `input` [1, inputs] and the states, outputs `output` [1, outputs] and the next states.
    Sequence form: input `input` [1, steps, inputs], output `output` [1, outputs].
    """
    writer = ModelWriter()
    what = plan(network, quantized, precision)
    if form == "step":
        _write_step(writer, what)
    else:
        _write_sequence(writer, what, network.steps)
    writer.metadata(METADATA, json.dumps(metadata(network, form, precision), sort_keys=True).encode())
    path = folder / artifact_name(Combination("tflite", form, precision))
    archive.write_bytes(path, writer.to_bytes())
    return path


def _write_step(writer: ModelWriter, plan: Plan) -> None:
    program, graph = plan.program, writer.subgraph("step")
    tensors = {program.input: value_tensor(graph, plan, program.input, "input")}
    tensors |= {state.name: value_tensor(graph, plan, state.name, read_name(state)) for state in program.states}
    inputs = {"input": tensors[program.input]}
    inputs |= {read_name(state): tensors[state.name] for state in program.states}
    emit(graph, plan, program.ops, tensors)
    outputs = {"output": tensors[program.output]}
    outputs |= {next_name(state): tensors[state.next] for state in program.states}
    writer.signature(graph, inputs, outputs)


def _write_sequence(writer: ModelWriter, plan: Plan, steps: int) -> None:
    """A loop over [counter, window, carried values]; the head reads the carried values after the last step."""
    program, main = plan.program, writer.subgraph("main")
    carried = _carried(program)
    window = _window_tensor(main, plan, steps, "input")
    zeros = [_zeros(main, plan, name) for name in carried]
    loop_inputs = [main.constant("", np.array(0, np.int32)), window, *zeros]
    done = [main.tensor("", [], "int32"), _window_tensor(main, plan, steps, "")]
    final = {name: value_tensor(main, plan, name) for name in carried}
    condition, body = writer.subgraph("more_steps"), writer.subgraph("step")
    main.operator(
        "WHILE",
        "",
        loop_inputs,
        [*done, *final.values()],
        condSubgraphIndex=condition.index,
        bodySubgraphIndex=body.index,
    )
    _write_condition(condition, plan, carried, steps)
    _write_body(body, plan, carried, steps)
    emit(main, plan, program.head(), final)
    writer.signature(main, {"input": window}, {"output": final[program.output]})


def _carried(program: Program) -> list[str]:
    """What the loop hands on: the next states, and other values of the step that the head reads."""
    body = {op.output for op in program.body()}
    read = [name for op in program.head() for name in op.inputs if name in body]
    outside = [program.output] if program.output in body else []
    return list(dict.fromkeys([state.next for state in program.states] + read + outside))


def _write_condition(graph: SubgraphWriter, plan: Plan, carried: list[str], steps: int) -> None:
    counter, inputs, _ = _loop_inputs(graph, plan, carried, steps)
    more = graph.tensor("", [], "bool")
    graph.operator("LESS", "int32", [counter, graph.constant("", np.array(steps, np.int32))], [more])
    graph.graph.inputs, graph.graph.outputs = inputs, [more]


def _write_body(graph: SubgraphWriter, plan: Plan, carried: list[str], steps: int) -> None:
    program = plan.program
    counter, inputs, before = _loop_inputs(graph, plan, carried, steps)
    frame = value_tensor(graph, plan, program.input)
    graph.operator("GATHER", plan.dtype(program.input), [inputs[1], counter], [frame], axis=1)
    tensors = {program.input: frame} | {state.name: before[state.next] for state in program.states}
    emit(graph, plan, program.body(), tensors)
    following = graph.tensor("", [], "int32")
    one = graph.constant("", np.array(1, np.int32))
    graph.operator("ADD", "int32", [counter, one], [following], potScaleInt16=False)
    graph.graph.inputs = inputs
    graph.graph.outputs = [following, inputs[1], *(tensors[name] for name in carried)]


def _loop_inputs(
    graph: SubgraphWriter, plan: Plan, carried: list[str], steps: int
) -> tuple[int, list[int], dict[str, int]]:
    """The tensors that a subgraph of the loop receives: the counter, all of them, the carried ones by name."""
    counter = graph.tensor("", [], "int32")
    window = _window_tensor(graph, plan, steps, "")
    values = {name: value_tensor(graph, plan, name) for name in carried}
    return counter, [counter, window, *values.values()], values


def _window_tensor(graph: SubgraphWriter, plan: Plan, steps: int, name: str) -> int:
    value = plan.program.input
    return graph.tensor(name, [1, steps, plan.program.sizes[value]], plan.dtype(value), plan.types.get(value))


def _zeros(graph: SubgraphWriter, plan: Plan, name: str) -> int:
    qtype = plan.types.get(name)
    zero = np.full([1, plan.program.sizes[name]], qtype.zero_point if qtype else 0, plan.dtype(name))
    return graph.constant("", zero, qtype=qtype)
