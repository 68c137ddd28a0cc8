"""A whole window of values as one tensor, [1, steps, size], and what is done to it outside a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgernn.lowering import QType
from edgernn.targets.tflite.flatbuffer import SubgraphWriter
from edgernn.targets.tflite.plan import Plan


@dataclass(frozen=True)
class Window:
    """A tensor [1, steps, size]; `steps` is 0 for the one result [1, size] of a pass that ends."""

    tensor: int
    steps: int
    size: int
    dtype: str
    qtype: QType | None

    @classmethod
    def of_value(cls, plan: Plan, value: str, tensor: int, steps: int) -> Window:
        return cls(tensor, steps, plan.program.sizes[value], plan.dtype(value), plan.types.get(value))

    @classmethod
    def of_rows(cls, graph: SubgraphWriter, plan: Plan, value: str, rows: int, steps: int) -> Window:
        """The window of a value whose steps are the rows of a tensor [steps, size]."""
        window = cls.of_value(plan, value, rows, steps)
        return replace(window, tensor=reshape(graph, rows, [1, steps, window.size], window))


def reshape(graph: SubgraphWriter, tensor: int, shape: Sequence[int], like: Window) -> int:
    """The elements of a tensor in another shape; its type is that of `like`."""
    return graph.reshape(tensor, graph.tensor("", shape, like.dtype, like.qtype))


def rows(graph: SubgraphWriter, window: Window) -> int:
    """The window as a matrix [steps, size]."""
    return reshape(graph, window.tensor, [window.steps, window.size], window)


def frame(graph: SubgraphWriter, window: Window, step: int) -> int:
    """The values [1, size] of one step."""
    return reshape(graph, _cut(graph, window, step, 1), [1, window.size], window)


def side_by_side(graph: SubgraphWriter, window: Window, frames: int) -> Window:
    """The frames of each step side by side; those that do not fill one are left out."""
    if frames == 1:
        return window
    steps, size, tensor = window.steps // frames, frames * window.size, window.tensor
    if window.steps % frames:
        tensor = _cut(graph, window, 0, steps * frames)
    return replace(window, tensor=reshape(graph, tensor, [1, steps, size], window), steps=steps, size=size)


def joined(graph: SubgraphWriter, results: Sequence[Window]) -> Window:
    """The results of both directions side by side, or the one that there is."""
    if len(results) == 1:
        return results[0]
    first, size = results[0], sum(result.size for result in results)
    shape = [1, first.steps, size] if first.steps else [1, size]
    made = graph.tensor("", shape, first.dtype, first.qtype)
    graph.operator("CONCATENATION", first.dtype, [r.tensor for r in results], [made], axis=len(shape) - 1)
    return replace(first, tensor=made, size=size)


def _cut(graph: SubgraphWriter, window: Window, start: int, steps: int) -> int:
    made = graph.tensor("", [1, steps, window.size], window.dtype, window.qtype)
    begin = graph.constant("", np.array([0, start, 0], np.int32))
    size = graph.constant("", np.array([1, steps, window.size], np.int32))
    graph.operator("SLICE", window.dtype, [window.tensor, begin, size], [made])
    return made
