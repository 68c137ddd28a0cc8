"""The step programs of a network's layers, and the way of the data through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from edgernn.network.layer import KINDS, Layer
from edgernn.program import Builder, Program, Value

POOLS = ("pool", "attention")  # what makes one frame of all, at every step of those so far


@dataclass(frozen=True)
class Pass:
    """One way of the data through time: a step program that runs over all frames.

    `backward` is the second program of a bidirectional layer, which reads them from the last to the first; the
    results of both stand side by side. `frames` is how many frames one step takes, side by side in its input.
    After a pass that `ends` there is one frame: what each program gives after its last step.
    """

    forward: Program
    backward: Program | None
    frames: int
    ends: bool

    @property
    def programs(self) -> tuple[Program, ...]:
        return (self.forward,) if self.backward is None else (self.forward, self.backward)

    def mapped(self, change: Callable[[Program], Program]) -> Pass:
        """The pass with its programs changed."""
        return replace(self, forward=change(self.forward), backward=self.backward and change(self.backward))


def passes(layers: Sequence[Layer], every_step: bool) -> tuple[Pass, ...]:
    """What runs over the frames, one after the other; a single pass for layers that all stream."""
    last = max((i for i, layer in enumerate(layers) if layer.recurrent), default=-1)
    goes_on = any(layer.kind in (*POOLS, "conv") for layer in layers[last + 1 :]) or every_step
    found: list[Pass] = []
    for group in _grouped(layers):
        number = len(found)
        if group[0].bidirectional:
            forward, backward = (_program(group, number, way) for way in group[0].directions)
            found.append(Pass(forward, backward, 1, group[0] is layers[last] and not goes_on))
        else:
            found.append(Pass(_program(group, number), None, prod(layer.stride for layer in group), False))
    return tuple(found)


def _grouped(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Bidirectional layers by themselves, the others between them together."""
    groups: list[list[Layer]] = []
    for layer in layers:
        if not groups or layer.bidirectional or groups[-1][0].bidirectional:
            groups.append([])
        groups[-1].append(layer)
    return groups


def _program(layers: Sequence[Layer], number: int, direction: str = "") -> Program:
    """The step program of layers that run together; the input of the first pass is `input`, then `input_2`, ..."""
    builder = Builder()
    count = prod(layer.stride for layer in layers)
    width = layers[0].inputs
    name = f"input_{number + 1}" if number else "input"
    whole = builder.input(count * width, name)
    frames = builder.split(whole, count)
    for layer in layers:
        frames = _through(builder, layer, frames, f"{layer.name}/{direction}" if direction else layer.name)
    return replace(builder.finish(frames[0]), input=name)


def _through(builder: Builder, layer: Layer, frames: Sequence[Value], scope: str) -> list[Value]:
    """The frames that a layer gives for those of one step; its states go from one frame to the next."""
    kind, results = KINDS[layer.kind], []
    sizes = kind.states(layer.inputs, layer.options)
    states = tuple(builder.within(scope).state(size.name, size.size) for size in sizes)
    kept = states
    for index in range(len(frames) // layer.stride):
        taken = frames[index * layer.stride : (index + 1) * layer.stride]
        own = builder.within(scope, index)
        result, kept = kind.step(own, own.concat(taken, name="frame"), kept, layer.options)
        results.append(result)
    for size, state, value in zip(sizes, states, kept, strict=True):
        builder.next(state, value, size.initial, size.bounds)
    return results
