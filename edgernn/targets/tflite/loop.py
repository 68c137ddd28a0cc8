"""A WHILE loop whose body is one step of a program, or of both programs of a bidirectional layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.program import Op
from edgernn.targets.tflite.flatbuffer import SubgraphWriter
from edgernn.targets.tflite.plan import Plan, Scope, value_tensor
from edgernn.targets.tflite.primitives import emit
from edgernn.targets.tflite.window import Window, reshape, side_by_side

COLLECTED = ""  # stands among a direction's values for the tensor [steps, size] that it fills with its outputs


@dataclass(frozen=True, eq=False)
class Way:
    """One direction of a loop: `ops` at every step, on the values that it reads from `windows`, by name.

    `starts` are the tensors that its values start as, by name: those that it hands on from step to step, and
    `COLLECTED` when all its outputs are wanted.
    """

    plan: Plan
    ops: Sequence[Op]
    windows: Mapping[str, Window]
    backward: bool
    starts: Mapping[str, int]


def steps_of_a_turn(ways: Sequence[Way], steps: int) -> int:
    """How many steps one turn of the loop makes.

    A turn has a cost of its own, a quarter of a step of 128 units in int8: with two steps a turn a GRU of that size
    takes 9 % less, for 1 kB more of file and 2 kB more of TFLM's arena. In float its copy of the weights makes it
    slower, and where states are int16 a turn is a small part of a step.
    """
    frames = all(window.dtype == "int8" for way in ways for window in way.windows.values())
    states = all(way.plan.dtype(state.name) == "int8" for way in ways for state in way.plan.program.states)
    return 2 if frames and states and steps % 2 == 0 else 1


def collecting(graph: SubgraphWriter, plan: Plan, turns: int, at_once: int) -> int:
    """A tensor [turns, at_once * size] for all outputs of a direction."""
    output = plan.program.output
    return graph.tensor(
        "", [turns, at_once * plan.program.sizes[output]], plan.dtype(output), plan.types.get(output)
    )


def write_loop(main: SubgraphWriter, ways: Sequence[Way], steps: int, at_once: int) -> list[dict[str, int]]:
    """Append a loop over all steps, `at_once` of them a turn; returns what each direction's values end as, by name.

    What goes around is copied at every turn: nothing does that could be made before the loop or after it.
    """
    windows = list(dict.fromkeys(window for way in ways for window in way.windows.values()))
    turned = {window: side_by_side(main, window, at_once) for window in windows}
    loop = _Loop(steps // at_once, at_once, ways, turned)
    zero = main.constant("", np.array(0, np.int32))
    starts = _LoopTensors(zero, [w.tensor for w in turned.values()], [dict(way.starts) for way in ways])
    ends = loop.tensors(main)
    condition, body = main.writer.subgraph("more_steps"), main.writer.subgraph("step")
    subgraphs = {"condSubgraphIndex": condition.index, "bodySubgraphIndex": body.index}
    main.operator("WHILE", "", starts.all, ends.all, **subgraphs)
    _write_condition(condition, loop)
    _write_body(body, loop)
    return ends.values


@dataclass(frozen=True, eq=False)
class _LoopTensors:
    """The tensors that go around, as one subgraph sees them: `all` in order, `values` of each direction by name."""

    counter: int
    windows: list[int]
    values: list[dict[str, int]]

    @property
    def all(self) -> list[int]:
        return [self.counter, *self.windows, *(tensor for way in self.values for tensor in way.values())]


@dataclass(frozen=True, eq=False)
class _Loop:
    """`windows` has for every window that one with the frames of a turn side by side."""

    turns: int
    at_once: int
    ways: Sequence[Way]
    windows: Mapping[Window, Window]

    def tensors(self, graph: SubgraphWriter) -> _LoopTensors:
        """New tensors for all that goes around."""
        counter = graph.tensor("", [], "int32")
        windows = [graph.tensor("", [1, w.steps, w.size], w.dtype, w.qtype) for w in self.windows.values()]
        return _LoopTensors(counter, windows, [self._values(graph, way) for way in self.ways])

    def _values(self, graph: SubgraphWriter, way: Way) -> dict[str, int]:
        return {
            name: collecting(graph, way.plan, self.turns, self.at_once)
            if name == COLLECTED
            else value_tensor(graph, way.plan, name)
            for name in way.starts
        }


def _write_condition(graph: SubgraphWriter, loop: _Loop) -> None:
    tensors, more = loop.tensors(graph), graph.tensor("", [], "bool")
    graph.operator("LESS", "int32", [tensors.counter, graph.constant("", np.array(loop.turns, np.int32))], [more])
    graph.graph.inputs, graph.graph.outputs = tensors.all, [more]


def _write_body(graph: SubgraphWriter, loop: _Loop) -> None:
    before = loop.tensors(graph)
    windows = dict(zip(loop.windows, before.windows, strict=True))
    following = [
        _turn(graph, loop, way, _frames(graph, loop, way, windows, before.counter), before.counter, values)
        for way, values in zip(loop.ways, before.values, strict=True)
    ]
    counter = _arithmetic(graph, "ADD", before.counter, 1, [])
    graph.graph.inputs = before.all
    graph.graph.outputs = _LoopTensors(counter, before.windows, following).all


def _turn(
    graph: SubgraphWriter,
    loop: _Loop,
    way: Way,
    frames: Sequence[Mapping[str, int]],
    counter: int,
    before: Mapping[str, int],
) -> dict[str, int]:
    """The steps of a turn in one direction, on what it reads in each: the values that it hands on."""
    program, values, steps = way.plan.program, dict(before), []
    for frame in frames:
        tensors = {**frame} | {state.name: values[state.next] for state in program.states}
        emit(Scope(graph, way.plan, way.ops, tensors))
        values |= {name: tensors[name] for name in way.starts if name != COLLECTED}
        steps.append(tensors)
    if COLLECTED in way.starts:
        outputs, index = [tensors[program.output] for tensors in steps], _index(graph, loop, way, counter)
        values[COLLECTED] = _collected(graph, loop, way, before[COLLECTED], outputs, index)
    return values


def _index(graph: SubgraphWriter, loop: _Loop, way: Way, counter: int) -> int:
    """The place of a turn in the windows."""
    return _arithmetic(graph, "SUB", counter, loop.turns - 1, []) if way.backward else counter


def _frames(
    graph: SubgraphWriter, loop: _Loop, way: Way, windows: Mapping[Window, int], counter: int
) -> list[dict[str, int]]:
    """What each step of a turn reads, by name, in the order of the direction."""
    index = _index(graph, loop, way, counter)
    parts = {
        name: _parts(graph, window, _gathered(graph, loop.windows[window], windows[window], index), loop.at_once)
        for name, window in way.windows.items()
    }
    frames = [{name: part[number] for name, part in parts.items()} for number in range(loop.at_once)]
    return frames[::-1] if way.backward else frames


def _parts(graph: SubgraphWriter, window: Window, tensor: int, count: int) -> list[int]:
    """The frames [1, size] of a turn."""
    if count == 1:
        return [tensor]
    parts = [graph.tensor("", [1, window.size], window.dtype, window.qtype) for _ in range(count)]
    axis = graph.constant("", np.array(1, np.int32))
    graph.operator("SPLIT", window.dtype, [axis, tensor], parts, numSplits=count)
    return parts


def _gathered(graph: SubgraphWriter, window: Window, tensor: int, index: int) -> int:
    """The values [1, size] of a turn. TFLM does not gather int16, but cuts at a place that is computed."""
    if window.dtype != "int16":
        frame = graph.tensor("", [1, window.size], window.dtype, window.qtype)
        graph.operator("GATHER", window.dtype, [tensor, index], [frame], axis=1)
        return frame
    place = _arithmetic(graph, "MUL", index, [0, 1, 0], [3])
    size = graph.constant("", np.array([1, 1, window.size], np.int32))
    cut = graph.tensor("", [1, 1, window.size], window.dtype, window.qtype)
    graph.operator("SLICE", window.dtype, [tensor, place, size], [cut])
    return reshape(graph, cut, [1, window.size], window)


def _collected(
    graph: SubgraphWriter, loop: _Loop, way: Way, before: int, outputs: Sequence[int], index: int
) -> int:
    """The outputs so far with those of this turn in its row."""
    filled, turn = collecting(graph, way.plan, loop.turns, loop.at_once), outputs[0]
    if len(outputs) > 1:
        turn = collecting(graph, way.plan, 1, loop.at_once)
        ordered = outputs[::-1] if way.backward else outputs
        graph.operator("CONCATENATION", way.plan.dtype(way.plan.program.output), ordered, [turn], axis=1)
    place = _arithmetic(graph, "MUL", index, [1, 0], [2])
    graph.operator("DYNAMIC_UPDATE_SLICE", "", [before, turn, place], [filled])
    return filled


def _arithmetic(graph: SubgraphWriter, name: str, index: int, constant: int | list[int], shape: list[int]) -> int:
    """index + constant, constant - index or index * constant, in int32."""
    made, other = graph.tensor("", shape, "int32"), graph.constant("", np.array(constant, np.int32))
    if name == "MUL":
        graph.operator("MUL", "int32", [index, other], [made])
    elif name == "SUB":
        graph.operator("SUB", "int32", [other, index], [made], potScaleInt16=False)
    else:
        graph.operator("ADD", "int32", [index, other], [made], potScaleInt16=False)
    return made
