"""What a training says when its numbers are no numbers any more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn import train
from edgernn.errors import InputError
from edgernn.train import models, watch
from edgernn.train.backend import tf
from edgernn.train.feed import Batch
from edgernn.train.learner import Gradients, Learner, tensors
from train import sample

NETWORK = sample.network(0, 5, 3, ("gru", 4), ("dense", 2))  # layers gru_0 and dense_1


def batch() -> Batch:
    x = np.random.default_rng(0).standard_normal((8, 5, 3)).astype(np.float32)
    return Batch(x, np.arange(8, dtype=np.int32) % 2)


def learner(**section: object) -> Learner:
    train_section = sample.recipe(dropout=0, **section).train
    return Learner(models.every_step_model(NETWORK), NETWORK, train_section, 0)


def gradients(of: Learner, what: Batch) -> Gradients:
    return of.gradients(*tensors(what), tf.constant(0, tf.int64))


def message(of: Learner, found: Gradients, what: Batch) -> str:
    with pytest.raises(InputError) as caught:
        watch.require_finite(of, NETWORK, found, what, epoch=2, step=7)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_finite_numbers_pass() -> None:
    sound = learner()

    watch.require_finite(sound, NETWORK, gradients(sound, batch()), batch(), epoch=0, step=0)


@pytest.mark.parametrize(("variable", "layer"), [(1, "gru_0"), (3, "dense_1")])
def test_a_broken_weight_is_named_by_its_layer(variable: int, layer: str) -> None:
    broken = learner()
    broken.variables[variable].assign(tf.fill(broken.variables[variable].shape, np.nan))

    found = message(broken, gradients(broken, batch()), batch())

    assert found.startswith("training stopped in epoch 3, step 8: loss nan, gradient norm nan; ")
    assert f"first in the weights of layer {layer};" in found


def test_an_output_that_overflows_is_named_by_its_layer() -> None:
    broken = learner()
    broken.variables[3].assign(tf.fill(broken.variables[3].shape, 3e38))  # finite; the sum of two is not

    found = message(broken, gradients(broken, batch()), batch())

    assert "first in the output of layer dense_1;" in found


@pytest.mark.parametrize(("variable", "layer"), [(0, "gru_0"), (4, "dense_1")])
def test_a_broken_gradient_is_named_by_its_layer(variable: int, layer: str) -> None:
    sound = learner()
    found = gradients(sound, batch())
    parts = list(found.by_variable)
    parts[variable] = parts[variable] * np.inf
    broken = found._replace(by_variable=parts, norm=tf.constant(np.inf))

    assert f"first in the gradient of layer {layer};" in message(sound, broken, batch())


@pytest.mark.parametrize(
    ("section", "advice"),
    [
        ({"clip_norm": 0}, "gradients are not clipped: set train.clip_norm: 1"),
        ({"learning_rate": 0.5}, "lower train.learning_rate (0.5): try 0.05, or train.clip_norm (1) too"),
    ],
)
def test_the_advice_names_the_value_to_change(section: dict[str, object], advice: str) -> None:
    sound = learner(**section)
    broken = gradients(sound, batch())._replace(norm=tf.constant(np.nan))

    assert message(sound, broken, batch()).endswith(advice)


def test_an_outlier_is_named_by_its_channel() -> None:
    sound, wild = learner(), batch()
    wild.x[3, 2, 1] = 5e4
    broken = gradients(sound, batch())._replace(norm=tf.constant(np.nan))

    found = message(sound, broken, wild)

    assert "look at the data: channel channel_1 reaches 50000 standard deviations" in found


def test_a_training_on_data_without_numbers_stops_at_the_channel(tmp_path: Path) -> None:
    data = sample.splits()
    data.train.x[:, 3, 2] = np.nan

    with pytest.raises(InputError, match="first in the input; look at the data: channel az reaches nan"):
        train.fit(sample.recipe(), data, tmp_path, quiet=True)


def test_validation_data_without_numbers_stops_the_training_too(tmp_path: Path) -> None:
    data = sample.splits()
    data.validation.x[:, 3, 2] = np.nan

    with pytest.raises(InputError, match=r"validation loss nan.*look for outliers in the validation data"):
        train.fit(sample.recipe(), data, tmp_path, quiet=True)
