"""Lists of what comes next most likely: how often they hold what came, and how far integers change them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from edgernn.cases import Case
from edgernn.datasets.splits import Split
from edgernn.decide import TopRule
from edgernn.decide.top import top
from edgernn.engines import c, c_top


def measured(rule: TopRule, test: Split, wanted: np.ndarray, cases: Iterable[Case]) -> dict[str, Any]:
    """The report's section `recommendations`: lists of the float network, and those that the int8 C itself makes.

    `wanted` are the float network's outputs [examples, steps, classes]. Of an artifact, `overlap` is the mean share
    of its list that the float network's has, `same` the share of lists with the same items, whatever their order,
    and `equals_definition` that of lists that are those of `edgernn.decide.top` in every place.
    """
    numbers, asked = test.x[:, :, 0].astype(np.int64), test.y >= 0
    floats = _defined(rule, numbers, wanted)[asked]
    rows = [{"artifact": "network", "engine": "numpy", "recall": _recall(floats, test.y[asked])}]
    for case in cases:
        if case.device_steps:
            outputs = c.open(case.path, "step", threads=1).integer_outputs(test.x)
            lists = c_top.lists(case.path, rule, numbers, outputs)
            defined = _defined(rule, numbers, outputs)
            rows.append(
                {
                    "artifact": case.artifact,
                    "engine": case.engine,
                    "recall": _recall(lists[asked], test.y[asked]),
                    **_shared(lists[asked], floats),
                    "equals_definition": float(np.mean((lists == defined).all(axis=2))),
                }
            )
    return {
        "rule": asdict(rule),
        "asked": int(asked.sum()),
        "unknown_share": unknown(test),
        "results": rows,
    }


def unknown(split: Split) -> float:
    """The share of what comes next that the vocabulary does not have, and that is not asked for."""
    inside = np.arange(split.y.shape[1]) < split.real[:, None]
    return float(np.mean(split.y[inside] < 0))


def _defined(rule: TopRule, numbers: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """The lists of the definition, int64 [examples, steps, count]."""
    return np.stack([top(scores, rule, seen) for scores, seen in zip(outputs, numbers, strict=True)])


def _recall(lists: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((lists == y[:, None]).any(axis=1)))


def _shared(lists: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Of lists [asked, count]: what they have in common."""
    shared = (lists[:, :, None] == wanted[:, None, :]).any(axis=2).mean(axis=1)
    return {"overlap": float(shared.mean()), "same": float(np.mean(shared == 1))}
