from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_frames, random_network

from edgernn import drift, reference
from edgernn.engines.trace import Trace
from edgernn.features import normalize, streams
from edgernn.network import Network


def test_a_course_is_the_float_network_along_the_stream() -> None:
    network = random_network(cells=[("gru", 5), ("gru", 3)], steps=6)
    x = random_frames(network, 4)
    found = drift.course(network, x, 50, 2, named=(11,))
    frames = normalize.apply(found.stream.frames, network.mean, network.std)
    np.testing.assert_array_equal(found.outputs, reference.float_outputs(network, frames))
    assert 11 in found.points
    assert found.points[-1] == 50
    assert {name: values.shape for name, values in found.states.items()} == {
        "gru_0/h": (2, len(found.recorded), 5),
        "gru_1/h": (2, len(found.recorded), 3),
    }


def test_states_are_those_after_the_recorded_steps() -> None:
    """The dense layer of a trained step reads the last state, so that the output tells it."""
    network = random_network(cells=[("gru", 5)], outputs=5, steps=6)
    found = drift.course(network, random_frames(network, 4), 40, 1)
    kernel, bias = network.layers[-1].weights
    told = found.states["gru_0/h"] @ kernel + bias
    np.testing.assert_allclose(told[0], found.outputs[0, np.array(found.recorded) - 1], atol=1e-12)


@given(st.integers(1, 10**6))
def test_a_neighbourhood_is_the_last_eighth_thinned(step: int) -> None:
    near = drift.neighbourhood(step)
    assert near[-1] == step
    assert list(near) == sorted(set(near))
    assert len(near) == min(64, -(-step // 8))
    assert near[0] > step - step / 8 - 1


@given(st.integers(1, 10**6))
def test_points_are_about_evenly_spread_and_reach_the_end(steps: int) -> None:
    points = drift.marks(steps)
    assert points[0] == 1
    assert points[-1] == steps
    assert points == sorted(set(points))
    assert all(b <= 2 * a for a, b in pairwise(points))


def test_errors_are_told_by_point_and_state() -> None:
    network = random_network(cells=[("gru", 4)], steps=6)
    wanted = drift.course(network, random_frames(network, 4), 100, 1)
    states = {"gru_0.h": wanted.states["gru_0/h"].astype(np.float64).copy()}
    outputs = wanted.outputs.copy()
    place = wanted.recorded.index(100)
    states["gru_0.h"][0, place, 2] += 0.5
    outputs[0, 2] -= 0.25
    rows = {row["step"]: row for row in drift.over_stream(Trace(outputs, states), wanted)}
    assert set(rows) == set(wanted.points)
    count = len(drift.neighbourhood(100))
    assert rows[100]["states"]["gru_0/h"] == {
        "mean_abs_error": pytest.approx(0.5 / (count * 4)),
        "max_abs_error": pytest.approx(0.5),
    }
    assert rows[3]["max_abs_error"] == pytest.approx(0.25)
    assert rows[70]["states"]["gru_0/h"]["max_abs_error"] == 0
    assert {row["over"] for row in rows.values()} == {"stream"}


def test_c_spells_a_state_otherwise() -> None:
    network = random_network(cells=[("gru", 4)], steps=6)
    wanted = drift.course(network, random_frames(network, 4), 10, 1)
    trace = Trace(wanted.outputs, {"gru_0_h": wanted.states["gru_0/h"]})
    assert all(row["states"]["gru_0/h"]["max_abs_error"] == 0 for row in drift.over_stream(trace, wanted))


def test_decisions_are_at_the_ends_of_windows() -> None:
    network = random_network(steps=5)
    found = drift.course(network, random_frames(network, 4), 17, 1)
    np.testing.assert_array_equal(found.over_windows(found.outputs, 5)[:, -1], found.outputs[0, [4, 9, 14]])


def test_a_network_without_memory_is_warm_at_once() -> None:
    """With an update gate that is shut and no recurrent weights, the state is of the last frame alone."""
    network = _with_update_bias(-50.0)
    x = random_frames(network, 30)
    assert drift.course(network, x, 600, 1).warm_up.steps == 0


def test_warm_up_is_as_long_as_the_memory() -> None:
    """With z constant, what a reset changes dies out as z ** steps: a closed form to compare with."""
    bias = 3.0
    network = _with_update_bias(bias)
    found = drift.course(network, random_frames(network, 100), 2000, 1)
    z = 1 / (1 + np.exp(-bias))
    apart = np.abs(found.states["gru_0/h"]).max() * np.abs(network.layers[-1].weights[0]).sum(axis=0).max()
    longest = np.log(drift.TOLERANCE * found.outputs.std() / apart) / np.log(z)
    assert found.warm_up.steps is not None
    assert found.warm_up.median is not None
    assert 10 < found.warm_up.median <= found.warm_up.steps <= longest


def test_a_network_that_does_not_forget_has_no_warm_up() -> None:
    network = _with_update_bias(7.0)  # of what a reset changes, 76 % are left after 300 steps
    found = drift.course(network, random_frames(network, 30), 600, 1).warm_up
    assert (found.steps, found.median, found.watched) == (None, None, 300)


def test_a_stream_of_one_step_has_a_course() -> None:
    network = random_network(steps=5)
    found = drift.course(network, random_frames(network, 2), 1, 1)
    assert found.points == (1,)
    assert found.warm_up.steps is None
    assert len(found.over_windows(found.outputs, 5)) == 0


def test_streams_are_laid_in_frames() -> None:
    network = random_network(steps=5)
    x = random_frames(network, 3)
    np.testing.assert_array_equal(drift.course(network, x, 12, 1).stream.frames, streams.lay(x, 12, 1).frames)


def _with_update_bias(bias: float) -> Network:
    """A GRU whose update gate is the same at every step, and whose candidate is of the frame alone."""
    network = random_network(cells=[("gru", 4)], steps=20)
    kernel, recurrent, biases = (weight.copy() for weight in network.layers[0].weights)
    kernel[:, :4] = 0
    recurrent[:] = 0
    biases[:] = 0
    biases[0, :4] = bias
    gru = dataclasses.replace(network.layers[0], weights=(kernel, recurrent, biases))
    return dataclasses.replace(network, layers=(gru, *network.layers[1:]))
