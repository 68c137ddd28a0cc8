"""What the modules of cells and layers are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Protocol

import numpy as np
from pydantic import Field

from edgernn.program import Builder, Value
from edgernn.section import Flag, Section, Whole

Start = Literal["glorot_uniform", "orthogonal", "uniform", "zeros", "ones", "forget_one"]
Activation = Literal["linear", "relu", "sigmoid", "tanh", "softmax"]
MOST_UNITS = 4096
Units = Annotated[Whole, Field(gt=0, le=MOST_UNITS)]


class Weight(NamedTuple):
    """One weight in Keras's layout; `start` names how training begins with it.

    `forget_one` is zeros with ones in the second quarter, the forget gate's bias of an LSTM.
    """

    name: str
    shape: tuple[int, ...]
    start: Start


class StateSize(NamedTuple):
    """A state of a layer; see `program.State`."""

    name: str
    size: int
    initial: float = 0.0
    bounds: tuple[float, float] | None = None


class CellOptions(Section):
    """Options of a recurrent layer."""

    units: Units
    bias: Flag = True
    bidirectional: Flag = False  # a second copy reads the window backwards; the results stand side by side


class Kind(Protocol):
    """What a module of a cell or a layer offers; see `edgernn.cells`."""

    KERAS: str
    GATES: tuple[str, ...]
    Options: type[Section]

    def outputs(self, inputs: int, options: Any) -> int: ...

    def weights(self, inputs: int, options: Any) -> tuple[Weight, ...]: ...

    def keras_options(self, options: Any) -> dict[str, Any]: ...

    def constants(self, weights: Any, options: Any, xp: Any = np) -> dict[str, Any]: ...

    def states(self, inputs: int, options: Any) -> tuple[StateSize, ...]: ...

    def step(
        self, builder: Builder, x: Value, states: tuple[Value, ...], options: Any
    ) -> tuple[Value, tuple[Value, ...]]: ...


def activate(builder: Builder, x: Value, activation: Activation, name: str = "") -> Value:
    """The activation of `x`, which is `x` itself where it is linear."""
    return x if activation == "linear" else getattr(builder, activation)(x, name=name)
