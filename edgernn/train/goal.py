"""What a network learns to say: classes as they are, quantities in standard deviations from their means.

A network's own outputs are in the units of the data. Its last layer, which is linear in a regression, is brought to
deviations before training, since an optimizer's steps have no units, and back after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgernn.datasets.splits import Split
from edgernn.network import Network, Task


@dataclass(frozen=True, eq=False)
class Goal:
    """`mean` and `std` are float32 [outputs], of a regression's training windows."""

    task: Task
    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, task: Task, train: Split) -> Goal:
        if task != "regress":
            return cls(task, np.zeros(1, np.float32), np.ones(1, np.float32))
        mean, std = train.y.mean(axis=0, dtype=np.float64), train.y.std(axis=0, dtype=np.float64)
        return cls(task, mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32))

    def learned(self, split: Split) -> np.ndarray:
        """What is learned: classes int32 or, where there are some, their shares float32; or deviations float32."""
        if self.task == "regress":
            return ((split.y - self.mean) / self.std).astype(np.float32)
        return split.y.astype(np.int32) if split.shares is None else split.shares

    def in_deviations(self, network: Network) -> Network:
        """`network` with outputs in deviations."""
        kernel, bias = network.layers[-1].weights[:2] if self.task == "regress" else (None, None)
        return network if kernel is None else _ending(network, kernel / self.std, (bias - self.mean) / self.std)

    def in_units(self, network: Network) -> Network:
        """`network`, whose outputs are in deviations, with outputs in units."""
        kernel, bias = network.layers[-1].weights[:2] if self.task == "regress" else (None, None)
        return network if kernel is None else _ending(network, kernel * self.std, bias * self.std + self.mean)


def _ending(network: Network, kernel: np.ndarray, bias: np.ndarray) -> Network:
    last = replace(network.layers[-1], weights=(kernel.astype(np.float32), bias.astype(np.float32)))
    return replace(network, layers=(*network.layers[:-1], last))
