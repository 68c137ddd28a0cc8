"""Sparse matrices as the runtime's kernels read them: the blocks that are not all zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

SIDES = (16, 8, 4, 2, 1)  # of a block, in rows and in columns; 16 is the runtime's ERNN_BLOCK_ROWS
PLACES = 256  # a place is a uint8_t
PACKED = ((16, 4), (4, 4))  # the blocks that the kernels read as fast as a dense matrix; the runtime's
# What a sparse form has to save to be worth it, as a share of what else there is: a weight takes longer there than
# in a dense matrix, and in blocks of other sizes much longer.
PACKED_WORTH = 7 / 8
OTHER_WORTH = 3 / 5
COUNT_BYTES = 2  # a row of blocks says in a uint16_t how many it has


@dataclass(frozen=True, eq=False)
class Sparse:
    """The blocks of a matrix [rows, columns] that are not all zero; fields as in `ernn_sparse_linear`."""

    weight: np.ndarray  # int8 [blocks, block rows, block columns]
    place: np.ndarray  # uint8 [blocks]
    count: np.ndarray  # uint16 [rows / block rows]

    @property
    def bytes(self) -> int:
        return self.weight.size + self.place.size + COUNT_BYTES * self.count.size

    @property
    def block(self) -> tuple[int, int]:
        return self.weight.shape[1], self.weight.shape[2]


def sparse(weight: np.ndarray) -> Sparse | None:
    """The smallest form in blocks that are fast, or one much smaller; None where the dense matrix is better."""
    forms = list(_forms(weight))
    packed = _smallest([form for form in forms if form.block in PACKED], PACKED_WORTH * weight.size)
    other = _smallest(forms, OTHER_WORTH * (packed.bytes if packed else weight.size))
    return other or packed


def _smallest(forms: Iterable[Sparse], limit: float) -> Sparse | None:
    found = min(forms, key=lambda form: form.bytes, default=None)
    return found if found is not None and found.bytes <= limit else None


def dense(form: Sparse, columns: int) -> np.ndarray:
    """The matrix, int8 [rows, columns]."""
    height, width = form.block
    grid = np.zeros((len(form.count), columns // width, height, width), np.int8)
    grid[np.repeat(np.arange(len(form.count)), form.count), form.place] = form.weight
    return grid.transpose(0, 2, 1, 3).reshape(-1, columns)


def _forms(weight: np.ndarray) -> Iterator[Sparse]:
    """Those of every size of blocks that divides the matrix, large blocks first."""
    rows, columns = weight.shape
    for height, width in product(SIDES, SIDES):
        if rows % height or columns % width or columns // width > PLACES:
            continue
        grid = weight.reshape(rows // height, height, columns // width, width).transpose(0, 2, 1, 3)
        held = grid.any(axis=(2, 3))
        if held.any():  # C has no empty arrays
            yield Sparse(grid[held], np.nonzero(held)[1].astype(np.uint8), held.sum(axis=1).astype(np.uint16))
