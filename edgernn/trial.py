"""What the C on a board is held to: windows of the test split, and what the references make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgernn import reference
from edgernn.datasets.splits import Split
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.metric import Judge
from edgernn.network import Form, Network, QuantizedNetwork

STEPS = 2000  # of whole windows that a board runs: an emulated step takes up to some milliseconds


@dataclass(frozen=True, eq=False)
class Trial:
    """What the C of one precision is held to: whole windows, spread evenly over the test split.

    `x` are the inputs of the model [windows, steps, inputs], `wanted` the integer reference's outputs and `float`
    the float network's [windows, results, outputs], `y` the truth. In step form a step gives a result. `macs` are
    the multiply-accumulates of one inference.
    """

    quantized: QuantizedNetwork
    form: Form
    x: np.ndarray
    wanted: np.ndarray
    float: np.ndarray
    y: np.ndarray
    macs: int
    judge: Judge
    ends: np.ndarray | None = None  # the steps of each window where they differ
    taken: np.ndarray | None = None  # of what comes once: the classes that windows have, [windows, steps]

    @classmethod
    def of(cls, network: Network, quantized: QuantizedNetwork, test: Split, judge: Judge) -> Trial:
        steps = test.x.shape[1] // network.frames_per_step
        chosen = test.take(sample(len(test), steps))
        frames = reference.quantize_input(quantized, chosen.x)
        return cls(
            quantized,
            "step" if network.streams else "sequence",
            frames.reshape(len(chosen), steps, -1) if network.streams else frames,
            reference.integer_outputs(quantized, frames),
            reference.float_outputs(network, normalize.apply(chosen.x, network.mean, network.std)),
            chosen.y,
            network.macs_per_step * (1 if network.streams else steps),
            judge,
            chosen.ends(network.frames_per_step),
            chosen.taken,
        )

    def judged(self, outputs: np.ndarray) -> dict[str, Any]:
        """Metric, drift and equality of what a board gave, int16 [windows, results, outputs]."""
        results = outputs.shape[1]
        y = native(self.quantized)[-1].output.dequantize(outputs).astype(np.float32)
        told = y[:, -1] if results == 1 else y
        return self.judge.measure(told, self.float, self.y, self.ends, self.taken) | {
            "windows": len(self.y),
            "equals_reference": float(np.mean(outputs == self.wanted[:, -results:])),
        }


def sample(windows: int, steps: int) -> np.ndarray:
    """Which of the test windows a board runs: as many as have `STEPS` steps together, but one at least."""
    count = min(windows, max(1, STEPS // steps))
    return np.linspace(0, windows - 1, count).round().astype(int)
