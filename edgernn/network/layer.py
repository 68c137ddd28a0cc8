"""One layer of a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from edgernn.cells import CELLS
from edgernn.kinds import Kind
from edgernn.layers import LAYERS
from edgernn.section import Section

KINDS: Mapping[str, Kind] = cast(Mapping[str, Kind], {**CELLS, **LAYERS})


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; `weights` are float32 in Keras's order and layout.

    Those of a bidirectional layer are the forward ones and then the backward ones.
    """

    name: str
    kind: str
    inputs: int
    options: Section
    weights: tuple[np.ndarray, ...]

    @property
    def recurrent(self) -> bool:
        return self.kind in CELLS

    @property
    def bidirectional(self) -> bool:
        return bool(getattr(self.options, "bidirectional", False))

    @property
    def stride(self) -> int:
        """How many frames it takes for one that it gives."""
        return int(getattr(self.options, "stride", 1))

    @property
    def outputs(self) -> int:
        """The elements of its result."""
        return KINDS[self.kind].outputs(self.inputs, self.options) * len(self.directions)

    @property
    def directions(self) -> tuple[str, ...]:
        """The scopes of its step programs below its name; one without a name for a layer that only looks back."""
        return ("forward", "backward") if self.bidirectional else ("",)

    def constants(self) -> dict[str, np.ndarray]:
        """The constants of the layer's step programs by their full names; matrices are [rows, inputs]."""
        found: dict[str, np.ndarray] = {}
        size = len(self.weights) // len(self.directions)
        for index, direction in enumerate(self.directions):
            own = KINDS[self.kind].constants(self.weights[index * size : (index + 1) * size], self.options)
            scope = f"{self.name}/{direction}" if direction else self.name
            found |= {f"{scope}/{name}": np.ascontiguousarray(value, np.float32) for name, value in own.items()}
        return found

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def sparsity(self) -> float:
        """The share of zeros in the layer's matrices; 0 for a layer without one."""
        return share_of_zeros(self.constants())


def share_of_zeros(constants: Mapping[str, np.ndarray]) -> float:
    """Of the matrices among `constants`; 0 without one."""
    matrices = [value for value in constants.values() if value.ndim == 2]
    return 1 - sum(np.count_nonzero(m) for m in matrices) / max(1, sum(m.size for m in matrices))
