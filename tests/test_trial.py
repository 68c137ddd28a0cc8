from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import STACKS, random_frames, stack_network

from edgernn import reference
from edgernn.datasets.splits import Split
from edgernn.features import normalize
from edgernn.firmware import input_file
from edgernn.lowering import native
from edgernn.metric import METRICS, Judge
from edgernn.quantize import quantize
from edgernn.trial import STEPS, Trial, sample


@given(st.integers(1, 5000), st.integers(1, 3 * STEPS))
def test_a_sample_is_of_different_windows_from_the_first_to_the_last(windows: int, steps: int) -> None:
    index = sample(windows, steps)
    assert (np.diff(index) > 0).all()
    assert 0 <= index[0] <= index[-1] < windows
    assert len(index) == 1 or (index[0], index[-1]) == (0, windows - 1)
    assert len(index) * steps <= max(STEPS, steps)
    assert len(index) == windows or (len(index) + 1) * steps > STEPS


def trial(name: str, windows: int = 6, every_step: bool = False) -> tuple[Trial, Split]:
    network = stack_network(name, every_step=every_step)
    frames = random_frames(network, windows)
    quantized = quantize(network, normalize.apply(frames, network.mean, network.std))
    split = Split(frames, np.arange(windows) % network.outputs, np.array(["a"] * windows))
    return Trial.of(network, quantized, split, Judge(METRICS["accuracy"])), split


@pytest.mark.parametrize("name", STACKS)
def test_what_equals_the_reference_is_judged_by_the_real_values_of_its_integers(name: str) -> None:
    held, split = trial(name)
    network = held.quantized.network
    assert held.form == ("step" if network.streams else "sequence")
    inputs = held.x.shape[1:]
    frames = network.frames_per_step if network.streams else 1
    assert inputs == (network.steps // frames, network.inputs * frames)
    found = held.judged(held.wanted)
    assert (found["equals_reference"], found["windows"]) == (1.0, len(split))
    real = native(held.quantized)[-1].output.dequantize(held.wanted).astype(np.float32)
    decided = real[:, -1].argmax(axis=1)
    assert found["metric"] == np.mean(decided == split.y)
    normal = normalize.apply(split.x, network.mean, network.std)
    wanted = reference.float_outputs(network, normal)
    assert found["agreement"] == np.mean(decided == wanted[:, -1].argmax(axis=1))
    assert found["max_abs_error"] == np.abs(real - wanted).max()


def test_a_window_in_one_result_is_held_to_the_last_step() -> None:
    held, _ = trial("gru")
    assert held.wanted.shape[1] > 1
    assert replace(held, form="sequence").judged(held.wanted[:, -1:])["equals_reference"] == 1.0


def test_a_single_bit_is_seen() -> None:
    held, _ = trial("gru")
    wrong = held.wanted.copy()
    wrong[2, 3, 1] ^= 1
    assert held.judged(wrong)["equals_reference"] == pytest.approx(1 - 1 / wrong.size, abs=1e-12)


def test_its_macs_are_those_of_an_inference() -> None:
    """GRU of 12 on 3 inputs: 3 * 12 * (3 + 12), and a dense layer of 5 on 12; by the definitions of the layers."""
    step = 3 * 12 * (3 + 12) + 12 * 5
    assert trial("gru")[0].macs == step
    both, _ = trial("gru, bidirectional")
    assert both.macs == both.quantized.network.macs_per_step * both.x.shape[1]


def test_the_input_file_is_what_the_harness_reads() -> None:
    held, _ = trial("gru")
    content = input_file(held.x)
    assert np.frombuffer(content[:8], "<u4").tolist() == list(held.x.shape[:2])
    assert content[8:] == held.x.tobytes()
