from __future__ import annotations

import numpy as np
import pytest
from networks import normalised, random_frames, random_network

from edgernn import choose, reference
from edgernn.datasets.splits import Split
from edgernn.errors import InputError
from edgernn.lowering import native
from edgernn.metric import METRICS, Judge
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.recipe import Gates


def sample() -> tuple[QuantizedNetwork, np.ndarray]:
    network = random_network(5, 3, [("gru", 12), ("lstm", 10)], outputs=5, steps=20)
    streams = normalised(network, random_frames(network, 32))
    return quantize(network, streams, granularity="row"), streams


def drift(quantized: QuantizedNetwork, streams: np.ndarray) -> float:
    wanted = reference.float_outputs(quantized.network, streams)
    raw = streams * quantized.network.std + quantized.network.mean
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, raw))
    return float(np.abs(native(quantized)[-1].output.dequantize(integers) - wanted).mean() / wanted.std())


def test_loose_limits_keep_every_layer_int8() -> None:
    quantized, streams = sample()
    mix, trials = choose.precisions(quantized, streams, 0.5)
    assert set(mix.precisions.values()) == {"int8"}
    assert min(trial.cost for trial in trials) == 1


def test_a_limit_that_one_layer_can_keep_takes_the_cheapest_mix() -> None:
    quantized, streams = sample()
    widest = drift(quantized.at("int16x8"), streams)
    limit = (widest + drift(quantized, streams)) / 2
    mix, trials = choose.precisions(quantized, streams, limit)
    assert drift(mix, streams) <= limit
    assert set(mix.precisions.values()) == {"int8", "int16x8"}
    chosen = next(trial for trial in trials if trial.choice == mix.precisions)
    assert not [trial for trial in trials if trial.drift <= limit and trial.cost < chosen.cost]


def test_a_limit_that_cannot_be_kept_is_refused_with_the_figure() -> None:
    quantized, streams = sample()
    with pytest.raises(InputError, match=r"quantize.drift_max is 1e-06, and int16x8 in every layer drifts 0\.0"):
        choose.precisions(quantized, streams, 1e-6)


@pytest.mark.parametrize(("agreement", "state"), [(0.0, "int8"), (1.1, "int16")])
def test_the_state_follows_the_gates(agreement: float, state: str) -> None:
    quantized, _ = sample()
    frames = random_frames(quantized.network, 16)
    calibration = Split(frames, np.zeros(16, np.int64), np.array(["a"] * 16))
    gates = Gates().model_copy(update={"agreement_min": agreement})
    found, figures = choose.state(quantized, calibration, gates, Judge(METRICS["accuracy"]))
    assert found == state
    assert [figure["state"] for figure in figures] == ["int8", "int16"][: len(figures)]
