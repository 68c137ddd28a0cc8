"""What a baseline is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgernn.datasets.sections import DataSection
from edgernn.datasets.splits import Splits


@dataclass(frozen=True)
class Problem:
    """The splits, the section of the recipe that they come from, and the recipe's seed."""

    splits: Splits
    data: DataSection
    seed: int

    @property
    def x(self) -> np.ndarray:
        """The windows of train and validation, float32 [examples, steps, channels]."""
        return self.splits.known.x

    @property
    def y(self) -> np.ndarray:
        """Their classes [examples] or quantities [examples, outputs]."""
        return self.splits.known.y

    @property
    def text(self) -> np.ndarray:
        """The texts that these were made of, str [examples]."""
        assert self.splits.known.text is not None
        return self.splits.known.text

    @property
    def lengths(self) -> np.ndarray:
        """How many of their frames are real, int32 [examples]; what follows is padding."""
        return self.splits.known.real

    @property
    def test(self) -> np.ndarray:
        """The windows to answer for."""
        return self.splits.test.x
