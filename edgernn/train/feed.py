"""Batches for training: shuffled, augmented and normalised on a second core while the first one trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from edgernn.datasets.splits import Split
from edgernn.features import normalize
from edgernn.train import augment
from edgernn.train.augment import Augmentation
from edgernn.train.backend import tf
from edgernn.train.goal import Goal
from edgernn.train.teacher import Made, Teacher

AHEAD = 2  # batches that are made while one is learnt
BUCKETS = 8  # of lengths
BATCHES_SORTED = 16  # batches whose windows are sorted by length together


class Batch(NamedTuple):
    """Normalised frames `x` float32 [windows, steps, inputs], and `y`: classes int32 [windows], or float32.

    That is shares of the classes, or quantities in standard deviations from their means, [windows, outputs]. Of
    what comes next it is the class after every step, int32 [windows, steps], -1 where nothing is asked. `lengths`
    int32 [windows] are the frames of each window where they differ; what follows is padding.
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
    teacher: Teacher | None = None
    made_share: float = 0.0  # of a batch, if there is a teacher: texts that it makes

    @property
    def batches(self) -> int:
        """Batches an epoch; all are full, so the last one may repeat windows of the first."""
        return -(-len(self.split) // self.own)

    @property
    def own(self) -> int:
        """How many windows of a batch are of the split; the teacher makes the others."""
        return (
            max(1, self.batch_size - round(self.made_share * self.batch_size)) if self.teacher else self.batch_size
        )

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, in order: whole arrays at a time, made ahead by a pipeline of tf.data."""
        rows = self._rows(np.random.default_rng([self.seed, epoch]))
        # where operators are deterministic, tf.data reads nothing ahead of a function that may hold a state
        made = (
            tf.data.Dataset.range(self.batches)
            .map(
                lambda number: tf.numpy_function(
                    lambda index: self._parts(rows[index], epoch, int(index)), [number], self._kinds, stateful=False
                )
            )
            .prefetch(AHEAD)
        )
        for parts in made:
            yield Batch(*(part.numpy() for part in parts))

    @cached_property
    def _kinds(self) -> tuple[tf.DType, ...]:
        """The types of a batch's arrays."""
        return tuple(tf.as_dtype(part.dtype) for part in self._parts(np.zeros(1, np.int64), 0, 0))

    def _parts(self, rows: np.ndarray, epoch: int, number: int) -> tuple[np.ndarray, ...]:
        """The arrays of a batch."""
        return tuple(part for part in self._batch(rows, epoch, number) if part is not None)

    def _rows(self, rng: np.random.Generator) -> np.ndarray:
        """The windows of every batch, [batches, batch_size]: where lengths differ, alike ones together.

        Which of them meet is drawn anew in every epoch, and so is the order of the batches.
        """
        rows = np.resize(rng.permutation(len(self.split)), (self.batches, self.own))
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
        x = augment.apply(some.x, self.augmentation, rng)
        if self.token_dropout:
            x = np.where(rng.random(x.shape) < self.token_dropout, np.float32(0), x)
        batch = Batch(x, self.goal.learned(some), some.lengths)
        if self.teacher:
            batch = self._with_made(batch, self.teacher.make(self.batch_size - self.own, rng))
        steps = _steps(batch)
        y = batch.y[:, :steps] if self.goal.task == "next" else batch.y
        return batch._replace(x=normalize.apply(batch.x[:, :steps], self.mean, self.std), y=y)

    def _with_made(self, batch: Batch, made: Made) -> Batch:
        classes = made.shares.shape[1]
        y = batch.y if batch.y.ndim == 2 else np.eye(classes, dtype=np.float32)[batch.y]
        x, goals = np.concatenate([batch.x, made.x]), np.concatenate([y, made.shares])
        if batch.lengths is None or made.lengths is None:
            return Batch(x, goals)
        return Batch(x, goals, np.concatenate([batch.lengths, made.lengths]))


def _steps(batch: Batch) -> int:
    """The frames that hold the longest window, of few different numbers, for each costs a compilation."""
    whole = batch.x.shape[1]
    longest = whole if batch.lengths is None else int(batch.lengths.max())
    return min(whole, -(-longest * BUCKETS // whole) * -(-whole // BUCKETS))
