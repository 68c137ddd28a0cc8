"""What a model's functions are, and how a whole window goes through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgernn.lowering import QType, TypedPass, TypedProgram
from edgernn.network import Network
from edgernn.targets.c.constants import Constants
from edgernn.targets.c.order import BYTES
from edgernn.targets.c.plan import Plan, Slot, plan, slot
from edgernn.targets.c.scratch import Layout, Lifetime, allocate


@dataclass(frozen=True, eq=False)
class Unit:
    """A step program as two functions, `body<suffix>` and `head<suffix>`."""

    suffix: str
    typed: TypedProgram
    plan: Plan

    @property
    def input(self) -> QType:
        return self.typed.types[self.typed.program.input]

    @property
    def output(self) -> QType:
        return self.typed.types[self.typed.program.output]


@dataclass(frozen=True)
class Run:
    """A unit over `count` steps; step t reads `source` + t * `stride`.

    With `every` it gives a result at each, to `target` + t * `width`, otherwise one after the last, to `target`.
    """

    suffix: str
    backward: bool
    count: int
    source: str
    stride: int
    every: bool
    target: str
    width: int


@dataclass(frozen=True)
class Window:
    """The runs of a network that needs whole windows, and the frames between its passes in one area."""

    runs: tuple[Run, ...]
    frames: tuple[Slot, ...]
    frames_bytes: int
    results: int  # that it gives


def units(passes: Sequence[TypedPass], constants: Constants, streams: bool) -> tuple[Unit, ...]:
    """One for a network that streams; otherwise one a pass, or two where it is bidirectional."""
    found = []
    for number, one in enumerate(passes, 1):
        for typed, way in zip(one.programs, _ways(one), strict=True):
            suffix = "" if streams else f"_{number}{way}"
            found.append(Unit(suffix, typed, plan(typed, constants, batched=streams)))
    return tuple(found)


def window(network: Network, passes: Sequence[TypedPass]) -> Window:
    """How a window of `network.steps` frames goes through all passes."""
    counts = _counts(network.steps, passes)
    layout = allocate(_frames(passes, counts))
    runs: list[Run] = []
    source = "x"
    for number, one in enumerate(passes, 1):
        last = number == len(passes)
        target = "y" if last else f"frames_{number}"
        runs += _runs(
            one, number, counts[number - 1], source, target, not one.ends and (not last or network.every_step)
        )
        source = target
    return Window(
        runs=tuple(runs),
        frames=tuple(_slots(passes, counts, layout)),
        frames_bytes=layout.size,
        results=1 if passes[-1].ends or not network.every_step else counts[-1],
    )


def _ways(one: TypedPass) -> tuple[str, ...]:
    return ("",) if one.backward is None else ("_forward", "_backward")


def _counts(frames: int, passes: Sequence[TypedPass]) -> list[int]:
    """The steps of every pass."""
    counts = []
    for one in passes:
        counts.append(frames // one.frames)
        frames = 1 if one.ends else counts[-1]
    return counts


def _runs(one: TypedPass, number: int, count: int, source: str, target: str, every: bool) -> Iterator[Run]:
    start, width = 0, _width(one)
    for typed, way in zip(one.programs, _ways(one), strict=True):
        sizes, program = typed.program.sizes, typed.program
        place = f"{target} + {start}" if start else target
        backward = way == "_backward"
        yield Run(f"_{number}{way}", backward, count, source, sizes[program.input], every, place, width)
        start += sizes[program.output]


def _width(one: TypedPass) -> int:
    """The elements of a frame that a pass gives."""
    return sum(typed.program.sizes[typed.program.output] for typed in one.programs)


def _given(one: TypedPass, count: int) -> int:
    """All elements that a pass gives."""
    return _width(one) * (1 if one.ends else count)


def _frames(passes: Sequence[TypedPass], counts: Sequence[int]) -> Iterator[Lifetime]:
    """What each pass but the last gives: needed while it runs and while the next one does."""
    for number, (one, count) in enumerate(zip(passes[:-1], counts, strict=False), 1):
        yield Lifetime(f"frames_{number}", _given(one, count) * BYTES[one.output.dtype], number, number + 1)


def _slots(passes: Sequence[TypedPass], counts: Sequence[int], layout: Layout) -> Iterator[Slot]:
    for number, (one, count) in enumerate(zip(passes[:-1], counts, strict=False), 1):
        name = f"frames_{number}"
        yield slot(name, one.output, layout.offsets[name], _given(one, count))
