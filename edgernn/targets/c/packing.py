"""Dense matrices in the order in which the runtime's kernels read them: strips of rows, groups of columns."""

from __future__ import annotations

import numpy as np

STRIP = 16  # rows of a strip; the runtime's ERNN_STRIP
GROUP = 4  # columns of a group; the rows of the last strip are a multiple of it, too


def packed(weight: np.ndarray) -> np.ndarray:
    """A matrix int8 [rows, columns] as [strips][groups][rows of the strip][GROUP], flat; zeros fill up."""
    rows, columns = weight.shape
    whole = np.zeros((_up(rows), _up(columns)), np.int8)
    whole[:rows, :columns] = weight
    return np.concatenate([_strip(whole[top : top + STRIP]) for top in range(0, len(whole), STRIP)])


def unpacked(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The matrix int8 [rows, columns] that `packed` took."""
    wide = _up(columns)
    found, start = [], 0
    for top in range(0, _up(rows), STRIP):
        height = min(STRIP, _up(rows) - top)
        strip = values[start : start + height * wide].reshape(wide // GROUP, height, GROUP)
        found.append(strip.transpose(1, 0, 2).reshape(height, wide))
        start += height * wide
    return np.concatenate(found)[:rows, :columns].astype(np.int8)


def _strip(rows: np.ndarray) -> np.ndarray:
    height, columns = rows.shape
    return rows.reshape(height, columns // GROUP, GROUP).transpose(1, 0, 2).ravel()


def _up(count: int) -> int:
    return -(-count // GROUP) * GROUP
