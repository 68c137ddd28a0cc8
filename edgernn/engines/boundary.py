"""From raw frames to a model's input, and what its states start from: by the constants that a file carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgernn.features import normalize


@dataclass(frozen=True, eq=False)
class Boundary:
    """What the metadata of a TFLite or ONNX file says of its two ends.

    `mean` and `std` are float32 [channels]; `tokens` tells that a frame is a whole number, which the input takes
    as it is; `initial` are the values that states start from, in the numbers of their ports, by port.
    """

    mean: np.ndarray
    std: np.ndarray
    tokens: bool
    initial: Mapping[str, Any]

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Boundary:
        mean, std = (np.array(metadata[key], np.float32) for key in ("mean", "std"))
        initial = {port: about["initial"] for port, about in metadata.get("states", {}).items()}
        return cls(mean, std, metadata.get("tokens", False), initial)

    def steps(self, frames: np.ndarray, inputs: int) -> np.ndarray:
        """What a model takes for raw frames [..., frames, channels]: [..., steps, inputs].

        Normalised, float32; tokens are int32. Where `inputs` is several times the channels, that many frames stand
        side by side in a step. Raises ValueError when the frames do not divide into steps.
        """
        normalised = normalize.apply(frames.astype(np.float32), self.mean, self.std)
        values = np.rint(normalised).astype(np.int32) if self.tokens else normalised
        return values.reshape(*values.shape[:-2], -1, inputs)

    def start(self, port: str, zeros: np.ndarray) -> np.ndarray:
        """What a state holds at the start of a stream: `zeros`, its zero point, unless the file says otherwise."""
        return np.full_like(zeros, self.initial[port]) if port in self.initial else zeros
