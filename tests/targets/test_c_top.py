"""What a C folder has for lists of what comes next: everything with a rule, nothing without."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import random_network

from edgernn import reference
from edgernn.decide import TopRule
from edgernn.decide.top import NOTHING, top
from edgernn.engines import c, c_library, c_top
from edgernn.network import UNKNOWN, QuantizedNetwork, Vocabulary
from edgernn.quantize import quantize
from edgernn.targets.c.write import export, render

CODES = (UNKNOWN, "85123A", "85123a", "é", "2", "10", 'a"?', "85123", "z")
RULE = TopRule(count=4)


def quantized(rule: TopRule | None) -> QuantizedNetwork:
    cells = (("embedding", {"entries": len(CODES), "units": 5}), ("gru", 6))
    network = random_network(seed=3, inputs=1, cells=cells, outputs=len(CODES), every_step=True)
    known = Vocabulary("items", CODES)
    network = replace(network, labels=CODES, decide=rule, vocabulary=known, task="next")
    frames = np.random.default_rng(0).integers(0, len(CODES), (4, 20, 1)).astype(np.float64)
    return quantize(network, frames, "int16", "tensor")


def test_without_a_rule_there_is_nothing_of_it() -> None:
    with_rule, without = render(quantized(RULE)), render(quantized(None))
    assert set(with_rule) - set(without) == {"ernn_top_s16.c", "ernn_top_s16.h"}
    assert "sample_top" not in without["sample.h"] + without["sample.c"]
    assert "basket" not in render(quantized(TopRule(4, exclude_seen=False)))["sample.c"]
    assert all(with_rule[name] == text for name, text in without.items() if name not in ("sample.h", "sample.c"))


@pytest.mark.parametrize("rule", [RULE, TopRule(20), TopRule(3, exclude_seen=False)])
def test_the_generated_lists_are_those_of_the_definition(rule: TopRule, tmp_path: Path) -> None:
    model = quantized(rule)
    folder = export(model.network, model, "step", "int8", tmp_path)
    frames = np.random.default_rng(1).integers(0, len(CODES), (7, 12, 1)).astype(np.float32)
    outputs = c.open(folder, "step", 1).integer_outputs(frames)
    np.testing.assert_array_equal(
        outputs, reference.integer_outputs(model, reference.quantize_input(model, frames))
    )
    items = frames[:, :, 0].astype(int)
    found = c_top.lists(folder, rule, items, outputs)
    wanted = np.stack([top(scores, rule, seen) for scores, seen in zip(outputs, items, strict=True)])
    np.testing.assert_array_equal(found, wanted)
    assert (NOTHING in found) == (rule.exclude_seen)


def test_codes_are_numbers_and_numbers_are_codes(tmp_path: Path) -> None:
    """Exactly as they are written."""
    model = quantized(RULE)
    folder = export(model.network, model, "step", "int8", tmp_path)
    library = c_library.open_library(folder)
    library.sample_token.restype = ctypes.c_int16
    assert c_library.labels(library) == CODES

    def number(code: str) -> int:
        told = code.encode()
        return int(library.sample_token(ctypes.c_char_p(told + b"x"), ctypes.c_size_t(len(told))))

    assert [number(code) for code in CODES] == list(range(len(CODES)))
    assert [number(code) for code in ("", "85123B", "8512", "85123A ", "É", "zz", "1")] == [0] * 7
