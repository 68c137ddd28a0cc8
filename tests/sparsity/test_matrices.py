"""Which weights are matrices, and how full they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.network import Layer
from edgernn.sparsity import Density, densities, kept_at_least, masks_of, matrices, zeros_asked
from sparsity import sample

EVERY_KIND = [
    sample.layer("simple_rnn", 3, units=4),
    sample.layer("gru", 2, units=4),  # the kernel has the shape of the bias, [2, 12]
    sample.layer("gru", 3, units=4, reset_after=False, bias=False),
    sample.layer("gru", 3, units=4, bidirectional=True),
    sample.layer("lstm", 3, units=4),
    sample.layer("lstm", 5, units=2, bidirectional=True),
    sample.layer("dense", 3, units=4),
    sample.layer("conv", 3, units=4, kernel=2),
    sample.layer("embedding", 1, units=4, entries=9),
    sample.layer("layer_norm", 3),
    sample.layer("pool", 3),
    sample.layer("attention", 3, units=5),
]


@pytest.mark.parametrize("layer", EVERY_KIND, ids=lambda layer: layer.name)
def test_matrices_hold_what_the_step_program_multiplies_with(layer: Layer) -> None:
    constants = [value.ravel() for value in layer.constants().values() if value.ndim == 2]
    own = [matrix.parts(layer.weights[matrix.index]).ravel() for matrix in matrices(layer)]

    np.testing.assert_array_equal(np.sort(np.concatenate([*own, []])), np.sort(np.concatenate([*constants, []])))


@pytest.mark.parametrize(("kind", "gates"), [("gru", ("z", "r", "g")), ("lstm", ("i", "f", "g", "o"))])
def test_a_gate_is_a_range_of_columns_in_keras_and_of_rows_here(kind: str, gates: tuple[str, ...]) -> None:
    layer = sample.layer(kind, 3, units=4)
    for matrix, weight in zip(matrices(layer), layer.weights, strict=False):
        assert matrix.gates == gates
        for turn, part in enumerate(matrix.parts(weight)):
            np.testing.assert_array_equal(part, weight[:, 4 * turn : 4 * turn + 4].T)


def test_the_rows_of_a_convolution_are_those_of_its_step_program() -> None:
    layer = sample.layer("conv", 3, units=4, kernel=5)
    (matrix,) = matrices(layer)

    np.testing.assert_array_equal(matrix.parts(layer.weights[0])[0], layer.constants()["conv/kernel"])


def test_both_directions_have_matrices_of_their_own() -> None:
    layer = sample.layer("gru_2", 3, units=4, bidirectional=True)

    found = [(matrix.path, matrix.index, matrix.recurrent) for matrix in matrices(layer)]

    assert found == [
        ("gru_2/forward/kernel", 0, False),
        ("gru_2/forward/recurrent_kernel", 1, True),
        ("gru_2/backward/kernel", 3, False),
        ("gru_2/backward/recurrent_kernel", 4, True),
    ]


def test_shapes_are_known_without_weights() -> None:
    layer = sample.layer("lstm", 3, units=4)

    assert matrices(replace(layer, weights=())) == matrices(layer)


@pytest.mark.parametrize("layer", EVERY_KIND, ids=lambda layer: layer.name)
def test_whole_is_the_inverse_of_parts(layer: Layer) -> None:
    for matrix in matrices(layer):
        weight = layer.weights[matrix.index]
        np.testing.assert_array_equal(matrix.whole(matrix.parts(weight)), weight)


def test_densities_are_counted_by_gate() -> None:
    layer = sample.layer("gru", 5, units=4)
    layer.weights[0][:, 4:8] = 0  # r
    layer.weights[1][0, 8:] = 0  # of g, what comes from the first unit
    layer.weights[2][:] = 0  # a bias

    assert densities(sample.network(layer, sample.layer("dense", 4, units=2))) == [
        Density("gru", "kernel", "z", 1.0),
        Density("gru", "kernel", "r", 0.0),
        Density("gru", "kernel", "g", 1.0),
        Density("gru", "recurrent_kernel", "z", 1.0),
        Density("gru", "recurrent_kernel", "r", 1.0),
        Density("gru", "recurrent_kernel", "g", 0.75),
        Density("dense", "kernel", "", 1.0),
    ]


def test_masks_hold_the_zeros_of_matrices_and_of_nothing_else() -> None:
    layer = sample.layer("gru", 5, units=4)
    for weight in layer.weights:
        weight[0, ::2] = 0

    masks = masks_of(sample.network(layer))["gru"]

    for weight, mask in zip(layer.weights[:2], masks, strict=False):
        np.testing.assert_array_equal(mask, weight != 0)
        assert not mask.all()
    assert masks[2].all()
    assert masks[2].shape == (2, 12)


@given(size=st.integers(1, 100_000), percent=st.integers(0, 99))
def test_what_stays_is_rounded_up(size: int, percent: int) -> None:
    exact = max(1, -(-size * (100 - percent) // 100))  # in whole numbers

    assert kept_at_least(size, percent / 100) == exact
    assert zeros_asked(size, percent / 100) == size - exact
