"""The lists that generated C makes of its outputs: what comes next most likely after every step."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from edgernn.decide import TopRule
from edgernn.engines.c_library import model_name, open_library


def lists(folder: Path, rule: TopRule, numbers: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """What `<name>_top` of the C folder gives, int16 [sequences, steps, count].

    `numbers` int [sequences, steps] are the items of baskets, `outputs` int16 [sequences, steps, classes] the
    model's own after each. Raises what `open_library` does.
    """
    library, name = open_library(folder), model_name(folder)
    top = getattr(library, f"{name}_top")
    top.restype = ctypes.c_size_t
    basket = ctypes.create_string_buffer((outputs.shape[2] + 7) // 8)
    own = (basket,) if rule.exclude_seen else ()
    found = np.empty((*numbers.shape, rule.count), np.int16)
    y = np.ascontiguousarray(outputs, np.int16)
    for sequence, items in enumerate(numbers.tolist()):
        if rule.exclude_seen:
            getattr(library, f"{name}_basket_reset")(basket)
        for step, number in enumerate(items):
            if rule.exclude_seen:
                getattr(library, f"{name}_basket_take")(basket, ctypes.c_int16(number))
            places = (ctypes.c_void_p(one[sequence, step].ctypes.data) for one in (y, found))
            top(*own, *places)
    return found
