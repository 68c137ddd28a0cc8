"""Batches for training: shuffled, augmented and normalised on a second core while the first one trains."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgernn.datasets.splits import Split
from edgernn.features import normalize
from edgernn.train import augment
from edgernn.train.augment import Augmentation
from edgernn.train.goal import Goal


class Batch(NamedTuple):
    """Normalised frames `x` float32 [windows, steps, inputs], and `y`: classes int32 [windows], or quantities.

    Those are float32 [windows, outputs], in standard deviations from their means.
    """

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Feed:
    """Where training batches come from; what one holds depends on (seed, epoch, number of the batch) alone."""

    split: Split
    mean: np.ndarray
    std: np.ndarray
    goal: Goal
    augmentation: Augmentation
    batch_size: int
    seed: int

    @property
    def batches(self) -> int:
        """Batches an epoch; all are full, so the last one may repeat windows of the first."""
        return -(-len(self.split) // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.split))
        rows = np.resize(order, (self.batches, self.batch_size))
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._batch, rows[0], epoch, 0)
            for number in range(1, self.batches):
                ready, coming = coming, pool.submit(self._batch, rows[number], epoch, number)
                yield ready.result()
            yield coming.result()

    def _batch(self, rows: np.ndarray, epoch: int, number: int) -> Batch:
        rng = np.random.default_rng([self.seed, epoch, number])
        x = augment.apply(self.split.x[rows], self.augmentation, rng)
        return Batch(normalize.apply(x, self.mean, self.std), self.goal.learned(self.split.y[rows]))
