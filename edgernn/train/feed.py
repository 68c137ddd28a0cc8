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

BUCKETS = 8  # of lengths
BATCHES_SORTED = 16  # batches whose windows are sorted by length together


class Batch(NamedTuple):
    """Normalised frames `x` float32 [windows, steps, inputs], and `y`: classes int32 [windows], or quantities.

    Those are float32 [windows, outputs], in standard deviations from their means. `lengths` int32 [windows] are the
    frames of each window where they differ; what follows is padding.
    """

    x: np.ndarray
    y: np.ndarray
    lengths: np.ndarray | None = None


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
    token_dropout: float = 0.0

    @property
    def batches(self) -> int:
        """Batches an epoch; all are full, so the last one may repeat windows of the first."""
        return -(-len(self.split) // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        rows = self._rows(np.random.default_rng([self.seed, epoch]))
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._batch, rows[0], epoch, 0)
            for number in range(1, self.batches):
                ready, coming = coming, pool.submit(self._batch, rows[number], epoch, number)
                yield ready.result()
            yield coming.result()

    def _rows(self, rng: np.random.Generator) -> np.ndarray:
        """The windows of every batch, [batches, batch_size]: where lengths differ, alike ones together.

        Which of them meet is drawn anew in every epoch, and so is the order of the batches.
        """
        rows = np.resize(rng.permutation(len(self.split)), (self.batches, self.batch_size))
        if self.split.lengths is None:
            return rows
        for start in range(0, self.batches, BATCHES_SORTED):
            some = rows[start : start + BATCHES_SORTED]
            order = np.argsort(self.split.lengths[some.ravel()], kind="stable")
            rows[start : start + BATCHES_SORTED] = rng.permutation(some.ravel()[order].reshape(some.shape))
        return rows

    def _batch(self, rows: np.ndarray, epoch: int, number: int) -> Batch:
        rng = np.random.default_rng([self.seed, epoch, number])
        some = self.split.take(rows)
        x = augment.apply(some.x[:, : self._steps(some)], self.augmentation, rng)
        if self.token_dropout:
            x = np.where(rng.random(x.shape) < self.token_dropout, np.float32(0), x)
        return Batch(normalize.apply(x, self.mean, self.std), self.goal.learned(some.y), some.lengths)

    def _steps(self, some: Split) -> int:
        """The frames that hold the longest window, of few different numbers, for each costs a compilation."""
        whole = some.x.shape[1]
        longest = whole if some.lengths is None else int(some.lengths.max())
        return min(whole, -(-longest * BUCKETS // whole) * -(-whole // BUCKETS))
