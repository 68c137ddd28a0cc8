"""What a C folder has of a rule for alarms: everything with one, nothing without."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
from networks import random_network

from edgernn import reference
from edgernn.decide import AlarmRule, alarm
from edgernn.engines import compiler
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import Combination, audit
from edgernn.targets.c.write import export, render

RULE = AlarmRule(channel=2, smooth=6, threshold=1.6, refractory=5, warm_up=9)
HORIZON = 4


def quantized(rule: AlarmRule | None) -> QuantizedNetwork:
    channels, labels = tuple("abcdef"), tuple(f"c +{i + 1}" for i in range(HORIZON))
    network = replace(random_network(outputs=HORIZON, seed=3), channels=channels, labels=labels, decide=rule)
    return quantize(
        replace(network, task="regress"), np.random.default_rng(0).normal(size=(4, 20, 6)), "int16", "tensor"
    )


def test_without_a_rule_there_is_nothing_of_it() -> None:
    with_rule, without = render(quantized(RULE)), render(quantized(None))
    assert set(with_rule) - set(without) == {"ernn_alarm_s16.c", "ernn_alarm_s16.h", "ernn_quantize_f32_s16.c"}
    assert "alarm" not in without["sample.h"] + without["sample.c"]
    assert all(with_rule[name] == text for name, text in without.items() if name not in ("sample.h", "sample.c"))


def test_the_folder_still_counts_as_integer(tmp_path: Path) -> None:
    model = quantized(RULE)
    folder = export(model.network, model, "step", "int8", tmp_path)
    assert audit(Combination("c", "step", "int8"), folder).float_weight_bytes == 0


def test_the_generated_alarms_are_those_of_the_definition(tmp_path: Path) -> None:
    """A jump, spikes beyond int16 and not-a-number among them."""
    model = quantized(RULE)
    folder = export(model.network, model, "step", "int8", tmp_path)
    compiler.shared_library(compiler.find(), sorted(folder.glob("*.c")), tmp_path / "sample.so", ("-std=c99",))
    library = ctypes.CDLL(str(tmp_path / "sample.so"))
    frames = np.random.default_rng(1).normal(size=(600, 6)).astype(np.float32)
    frames[200:230, 2] += 3
    frames[[400, 401, 450], 2] = 1e30, -np.inf, np.nan
    outputs = reference.integer_outputs(model, reference.quantize_input(model, frames[None]))[0]
    scale = native(model)[-1].output.scale
    state = ctypes.create_string_buffer(b"\xff" * 4096, 4096)
    library.sample_alarms_reset(state)
    found = [
        library.sample_alarm(state, ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
        for x, y in zip(frames, outputs, strict=True)
    ]
    wanted = alarm.detect(alarm.integers(frames[:, 2], scale), outputs, RULE, scale)
    assert found == wanted.tolist()
    assert {0, 1} == set(found)
