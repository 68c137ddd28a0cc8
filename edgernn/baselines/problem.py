"""What a baseline is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgernn.datasets.sections import DataSection
from edgernn.datasets.splits import Splits


@dataclass(frozen=True)
class Problem:
    """The splits, the section of the recipe that they come from, and the recipe's seed."""

    splits: Splits
    data: DataSection
    seed: int

    @cached_property
    def x(self) -> np.ndarray:
        """The windows of train and validation, float32 [examples, steps, channels]."""
        return np.concatenate([self.splits.train.x, self.splits.validation.x])

    @cached_property
    def y(self) -> np.ndarray:
        """Their classes [examples] or quantities [examples, outputs]."""
        return np.concatenate([self.splits.train.y, self.splits.validation.y])

    @cached_property
    def text(self) -> np.ndarray:
        """The texts that these were made of, str [examples]."""
        assert self.splits.train.text is not None
        assert self.splits.validation.text is not None
        return np.concatenate([self.splits.train.text, self.splits.validation.text])

    @cached_property
    def lengths(self) -> np.ndarray:
        """How many of their frames are real, int32 [examples]; what follows is padding."""
        parts = (self.splits.train, self.splits.validation)
        return np.concatenate([part.real for part in parts])

    @property
    def test(self) -> np.ndarray:
        """The windows to answer for."""
        return self.splits.test.x
