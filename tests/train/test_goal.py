"""What a network learns to say: its last layer in deviations and in units, seen through the float reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from edgernn import reference
from edgernn.datasets.splits import Split
from edgernn.network import Network
from edgernn.train.goal import Goal
from train import sample

X = np.random.default_rng(1).standard_normal((4, 9, 3)).astype(np.float32)


def quantities(outputs: int, seed: int = 0, centre: float = 50.0, spread: float = 9.0) -> Split:
    """Windows whose truth has another mean and deviation in every output."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, outputs + 1)
    y = (rng.normal(0, spread, (40, outputs)) * scale + centre * scale**2).astype(np.float32)
    return Split(np.zeros((40, 9, 3), np.float32), y, np.full(40, "train"))


def network(outputs: int, task: str = "regress") -> Network:
    layers = ("gru", 5), ("dense", {"units": 4, "activation": "relu"}), ("dense", outputs)
    return replace(sample.network(0, 9, 3, *layers), task=task)


def test_what_is_learned_of_a_regression_is_standardised_as_scikit_learn_does() -> None:
    train, other = quantities(3), quantities(3, seed=1)

    found = Goal.of("regress", train).learned(other)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, StandardScaler().fit(train.y).transform(other.y), rtol=1e-5, atol=1e-6)


def test_a_quantity_that_never_changes_is_only_moved() -> None:
    train = Split(X, np.array([[7, 1], [7, 2], [7, 3], [7, 4]], np.float32), np.full(4, "train"))

    goal = Goal.of("regress", train)

    assert goal.mean.tolist() == [7, 2.5]
    assert goal.std.tolist() == [1, np.float32(np.sqrt(1.25))]
    np.testing.assert_array_equal(goal.learned(train)[:, 0], [0, 0, 0, 0])


def test_mean_and_deviation_are_taken_in_float64() -> None:
    """A million values of 2,000 and a little: float32 sums would stop counting at 2**24."""
    y = 2000 + np.random.default_rng(0).random((1_000_000, 1)).astype(np.float32)

    goal = Goal.of("regress", Split(y[:, None], y, np.full(len(y), "train")))

    assert (goal.mean.dtype, goal.std.dtype) == (np.float32, np.float32)
    assert goal.mean[0] == pytest.approx(2000.5, abs=2e-3)
    assert goal.std[0] == pytest.approx(np.sqrt(1 / 12), rel=2e-3)


@pytest.mark.parametrize("outputs", [1, 4])
def test_outputs_in_deviations_are_those_in_units_less_the_mean_over_the_deviation(outputs: int) -> None:
    goal, units = Goal.of("regress", quantities(outputs)), network(outputs)
    y = reference.float_outputs(units, X)

    found = reference.float_outputs(goal.in_deviations(units), X)
    np.testing.assert_allclose(found, (y - goal.mean) / goal.std, rtol=1e-6, atol=1e-6)
    found = reference.float_outputs(goal.in_units(units), X)
    np.testing.assert_allclose(found, y * goal.std + goal.mean, rtol=1e-6)


@given(
    outputs=st.integers(1, 5),
    seed=st.integers(0, 1000),
    centre=st.floats(-1e3, 1e3),
    spread=st.floats(1e-3, 1e4),
)
def test_there_and_back_is_the_same_network_to_rounding(
    outputs: int, seed: int, centre: float, spread: float
) -> None:
    """A bias passes through (bias - mean) / std and back: its error is a rounding of the largest of the terms."""
    goal, net = Goal.of("regress", quantities(outputs, seed, centre, spread)), network(outputs)

    for back in (goal.in_units(goal.in_deviations(net)), goal.in_deviations(goal.in_units(net))):
        (kernel, bias), (old_kernel, old_bias) = back.layers[-1].weights, net.layers[-1].weights
        assert (kernel.dtype, bias.dtype) == (np.float32, np.float32)
        np.testing.assert_allclose(kernel, old_kernel, rtol=3e-7)
        size = np.maximum(np.abs(goal.mean), np.abs(old_bias))
        scale = np.maximum(size, size / goal.std)
        assert (np.abs(bias - old_bias) <= 4 * np.finfo(np.float32).eps * scale).all()


def test_only_the_last_layer_changes() -> None:
    goal, net = Goal.of("regress", quantities(2)), network(2)

    for other in (goal.in_units(net), goal.in_deviations(net)):
        assert other.layers[:-1] == net.layers[:-1]
        assert other.layers[-1].options == net.layers[-1].options


def test_a_zero_weight_stays_zero() -> None:
    goal, net = Goal.of("regress", quantities(2)), network(2)
    kernel, bias = net.layers[-1].weights
    sparse = replace(net.layers[-1], weights=(np.where(np.abs(kernel) > 0.4, kernel, np.float32(0)), bias))
    net = replace(net, layers=(*net.layers[:-1], sparse))

    for other in (goal.in_units(net), goal.in_deviations(net)):
        np.testing.assert_array_equal(other.layers[-1].weights[0] == 0, sparse.weights[0] == 0)


def test_a_classifier_is_left_as_it_is() -> None:
    train = sample.split(0, 9)
    goal, net = Goal.of("classify", train), network(3, "classify")

    assert goal.in_units(net) is net
    assert goal.in_deviations(net) is net
    assert goal.learned(train).dtype == np.int32
    np.testing.assert_array_equal(goal.learned(train), train.y)
