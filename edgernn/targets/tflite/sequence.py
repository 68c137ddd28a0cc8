"""Sequence models: every pass over the window is a loop around its step program.

What needs no loop has none: a pass without states works on all steps at once, the rows of a table are gathered
before the loop, and what only the last result needs comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgernn.program import Op, Program
from edgernn.targets.tflite.flatbuffer import ModelWriter, SubgraphWriter
from edgernn.targets.tflite.loop import COLLECTED, Way, collecting, steps_of_a_turn, write_loop
from edgernn.targets.tflite.plan import Plan, PlannedPass, Scope
from edgernn.targets.tflite.primitives import emit
from edgernn.targets.tflite.window import Window, frame, joined, rows, side_by_side


def write_sequence(writer: ModelWriter, passes: Sequence[PlannedPass], frames: int, every_step: bool) -> None:
    """Input `input` [1, frames, inputs], output `output` [1, outputs] or [1, steps, outputs]."""
    main, plan = writer.subgraph("main"), passes[0].plans[0]
    name = plan.program.input
    width = plan.program.sizes[name] // passes[0].frames
    source = main.tensor("input", [1, frames, width], plan.dtype(name), plan.types.get(name))
    window = replace(Window.of_value(plan, name, source, frames), size=width)
    for number, one in enumerate(passes):
        last = one.ends or (number + 1 == len(passes) and not every_step)
        window = _pass(main, one, window, last)
    main.graph.tensors[window.tensor].name = "output"
    writer.signature(main, {"input": source}, {"output": window.tensor})


def _pass(main: SubgraphWriter, one: PlannedPass, window: Window, last: bool) -> Window:
    """The window that a pass makes of another; with `last` its last result alone."""
    plan = one.plans[0]
    if not window.steps:
        return _once(main, plan, window.tensor)
    window = side_by_side(main, window, one.frames)
    if plan.program.states:
        return _looped(main, one, window, last)
    return _once(main, plan, frame(main, window, window.steps - 1)) if last else _at_once(main, plan, window)


def _once(main: SubgraphWriter, plan: Plan, values: int) -> Window:
    """One step on the values [1, size], from the initial states."""
    program = plan.program
    tensors = {program.input: values} | {
        s.name: _start(main, plan, s.name, plan.initial(s)) for s in program.states
    }
    emit(Scope(main, plan, program.ops, tensors))
    return Window.of_value(plan, program.output, tensors[program.output], 0)


def _at_once(main: SubgraphWriter, plan: Plan, window: Window) -> Window:
    """All steps of a program without states, as the rows of one matrix."""
    program = plan.program
    tensors = {program.input: rows(main, window)}
    emit(Scope(main, plan, program.ops, tensors, window.steps))
    return Window.of_rows(main, plan, program.output, tensors[program.output], window.steps)


def _looped(main: SubgraphWriter, one: PlannedPass, window: Window, last: bool) -> Window:
    """The loop of a pass and what comes after it."""
    ways = [_way(main, plan, window, bool(number), last) for number, plan in enumerate(one.plans)]
    at_once = steps_of_a_turn(ways, window.steps)
    if not last:
        ways = [_collecting(main, way, window.steps, at_once) for way in ways]
    ends = write_loop(main, ways, window.steps, at_once)
    results = [_after(main, way, values, window.steps) for way, values in zip(ways, ends, strict=True)]
    return joined(main, results)


def _way(main: SubgraphWriter, plan: Plan, window: Window, backward: bool, last: bool) -> Way:
    program = plan.program
    windows, before = _read(main, plan, window)
    ops = [op for op in (program.body() if last else program.ops) if op not in before]
    initial = {state.next: plan.initial(state) for state in program.states}
    starts = {name: _start(main, plan, name, initial.get(name, 0)) for name in _carried(program, last)}
    return Way(plan, ops, windows, backward, starts)


def _collecting(main: SubgraphWriter, way: Way, steps: int, at_once: int) -> Way:
    """The same direction, all of whose outputs are wanted."""
    return replace(way, starts={**way.starts, COLLECTED: _blank(main, way.plan, steps // at_once, at_once)})


def _read(main: SubgraphWriter, plan: Plan, window: Window) -> tuple[dict[str, Window], list[Op]]:
    """What the loop reads frame by frame, and the ops that are done before it: lookups, for all steps at once."""
    program = plan.program
    lookups = [op for op in program.ops if op.primitive == "lookup"]
    if not lookups:
        return {program.input: window}, []
    index = {name for op in lookups for name in op.inputs}
    before = [op for op in program.ops if op.output in index or op in lookups]
    tensors = {program.input: rows(main, window)}
    emit(Scope(main, plan, before, tensors, window.steps))
    names = [op.output for op in lookups]
    return {name: Window.of_rows(main, plan, name, tensors[name], window.steps) for name in names}, before


def _carried(program: Program, last: bool) -> list[str]:
    """What the loop hands on: the next states, and other values of the last step that what comes after it reads."""
    states = [state.next for state in program.states]
    if not last:
        return list(dict.fromkeys(states))
    body = {op.output for op in program.body()}
    read = [name for op in program.head() for name in op.inputs if name in body]
    outside = [program.output] if program.output in body else []
    return list(dict.fromkeys(states + read + outside))


def _after(main: SubgraphWriter, way: Way, values: dict[str, int], steps: int) -> Window:
    """The result of a direction: what it collected, or what its head makes of the last step."""
    plan, program = way.plan, way.plan.program
    if COLLECTED in values:
        return Window.of_rows(main, plan, program.output, values[COLLECTED], steps)
    emit(Scope(main, plan, program.head(), values))
    return Window.of_value(plan, program.output, values[program.output], 0)


def _start(main: SubgraphWriter, plan: Plan, name: str, value: float) -> int:
    start = np.full([1, plan.program.sizes[name]], value, plan.dtype(name))
    return main.constant("", start, qtype=plan.types.get(name))


def _blank(main: SubgraphWriter, plan: Plan, turns: int, at_once: int) -> int:
    """Zeros for the outputs to come, made when the model runs: in the file they would take room.

    TFLM fills no int16: zeros of int8 become such.
    """
    output, blank = plan.program.output, collecting(main, plan, turns, at_once)
    dtype, qtype, filled = plan.dtype(output), plan.types.get(output), blank
    shape = [turns, at_once * plan.program.sizes[output]]
    if dtype == "int16" and qtype:
        dtype, qtype = "int8", replace(qtype, dtype="int8")
        filled = main.tensor("", shape, dtype, qtype)
    zero = main.constant("", np.array(0, dtype), qtype=qtype)
    main.operator("FILL", dtype, [main.constant("", np.array(shape, np.int32)), zero], [filled])
    if filled != blank:
        main.operator("QUANTIZE", plan.dtype(output), [filled], [blank])
    return blank
