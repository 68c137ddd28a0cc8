"""What a step model does along a stream: its outputs, and its states at chosen steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Trace:
    """Real numbers, float32: `outputs` [streams, steps, outputs]; `states` [streams, recorded steps, size].

    A state goes by the name that the artifact has for it: `gru.h`, or in C `gru_h`, for `gru/h`.
    """

    outputs: np.ndarray
    states: Mapping[str, np.ndarray]

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file; `of` reads them back."""
        return {"stream": self.outputs, **{f"state:{name}": values for name, values in self.states.items()}}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Trace | None:
        """What `arrays` gave, among others; None where there was no trace."""
        if "stream" not in arrays:
            return None
        states = {k.removeprefix("state:"): v for k, v in arrays.items() if k.startswith("state:")}
        return cls(arrays["stream"], states)
