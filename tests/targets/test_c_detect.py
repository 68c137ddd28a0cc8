"""What a C folder has of a rule for decisions: everything with one, nothing without."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
from networks import random_network

from edgernn import reference
from edgernn.decide import WordRule, words
from edgernn.engines import compiler
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets.c.write import export, render

RULE = WordRule(smooth=4, threshold=0.3, refractory=3)
LABELS = ("go", "stop", "unknown", "silence")


def quantized(rule: WordRule | None) -> QuantizedNetwork:
    network = replace(random_network(outputs=4, seed=3), labels=LABELS, decide=rule)
    return quantize(network, np.random.default_rng(0).normal(size=(4, 20, 6)), "int16", "tensor")


def test_without_a_rule_there_is_nothing_of_it() -> None:
    with_rule, without = render(quantized(RULE)), render(quantized(None))
    assert set(with_rule) - set(without) == {"ernn_detect_s16.c", "ernn_detect_s16.h", "ernn_softmax_s16.c"}
    assert "detect" not in without["sample.h"] + without["sample.c"]
    assert all(with_rule[name] == text for name, text in without.items() if name not in ("sample.h", "sample.c"))


def test_the_generated_detector_decides_as_the_definition_does(tmp_path: Path) -> None:
    model = quantized(RULE)
    folder = export(model.network, model, "step", "int8", tmp_path)
    compiler.shared_library(compiler.find(), sorted(folder.glob("*.c")), tmp_path / "sample.so", ("-std=c99",))
    library = ctypes.CDLL(str(tmp_path / "sample.so"))
    frames = np.random.default_rng(1).normal(size=(1, 400, 6)).astype(np.float32)
    outputs = reference.integer_outputs(model, reference.quantize_input(model, np.repeat(frames, 5, axis=1)))[0]
    state = ctypes.create_string_buffer(b"\xff" * 4096, 4096)
    library.sample_detector_reset(state)
    found = [library.sample_detect(state, ctypes.c_void_p(row.ctypes.data)) for row in outputs]
    bits = words.fraction_bits(native(model)[-1].output.scale)
    wanted = words.detect(outputs, bits, 2, RULE)
    assert found == wanted.tolist()
    assert {0, 1, -1} == set(found)
