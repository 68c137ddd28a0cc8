"""Quantisation-aware training as its caller sees it: it helps, it resumes, and it leaves alone what it must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import random_network
from train import sample
from train.stacks import BOTH

from edgernn import network as networks
from edgernn import qat, quantize, reference, train
from edgernn.features import normalize
from edgernn.network import Network, QuantizedNetwork
from edgernn.recipe import Recipe
from edgernn.train import loop

SPLITS = sample.splits()
LAYERS = [{"gru": {"units": 6}}, {"dense": {}}]


def recipe(epochs: int = 2, rate: float = 0.01, **others: object) -> Recipe:
    found = sample.recipe(prune=others.pop("prune", None), layers=others.pop("layers", LAYERS), dropout=0.3)  # type: ignore[arg-type]
    section = {"qat": {"epochs": epochs, "learning_rate": rate}, **others}
    return Recipe.model_validate(found.model_dump(mode="json", exclude_none=True) | {"quantize": section})


def quantized(net: Network, asked: Recipe) -> QuantizedNetwork:
    streams = normalize.apply(SPLITS.calibration.x, net.mean, net.std)
    section = asked.quantize
    return quantize.quantize(net, streams, section.state, section.weights, precisions=section.layers)  # type: ignore[arg-type]


def tuned(net: Network, asked: Recipe, folder: Path) -> Network:
    return qat.fine_tune(net, quantized(net, asked), asked, SPLITS, folder, quiet=True)


def error(net: Network, like: Network, asked: Recipe) -> float:
    """Mean |integer - float| over the test split of `net` quantised, against `like`."""
    integer, x = quantized(net, asked), SPLITS.test.x
    found = reference.integer_outputs(integer, reference.quantize_input(integer, x))
    real = reference.native(integer)[-1].output.dequantize(found)
    return float(
        np.abs(real - reference.float_outputs(like, normalize.apply(x, like.mean, like.std)))[:, -1].mean()
    )


def trained(*cells: tuple[str, object], every_step: bool = False) -> Network:
    """A network that stands for a trained one of the sample's windows."""
    net = random_network(5, 3, cells or [("gru", 6)], 3, sample.STEPS, every_step)  # type: ignore[arg-type]
    mean, std = normalize.fit(SPLITS.train.x)
    return replace(net, channels=sample.CHANNELS, labels=sample.LABELS, mean=mean, std=std)


def with_outlier(net: Network) -> Network:
    """One weight of a gate so large that the others of its matrix have only a few of the integers left."""
    kernel = net.layers[0].weights[0].copy()
    kernel[0, 13] = 12 * np.abs(kernel).max()
    first = replace(net.layers[0], weights=(kernel, *net.layers[0].weights[1:]))
    return replace(net, layers=(first, *net.layers[1:]))


def test_it_mends_what_post_training_quantisation_breaks(tmp_path: Path) -> None:
    """Some of the error stays: the rounding of activations is noise that no weights take away."""
    net, asked = with_outlier(trained(("lstm", 6))), recipe(12, 0.003)

    found = tuned(net, asked, tmp_path)

    assert error(found, net, asked) < 0.65 * error(net, net, asked)


@pytest.mark.parametrize(
    ("cells", "state"),
    [
        (
            [("conv", {"units": 4, "kernel": 3, "stride": 2, "batch_norm": True}), ("lstm", {"units": 4, **BOTH})],
            "int8",
        ),
        ([("simple_rnn", 5), ("attention", {})], "int16"),
    ],
)
def test_every_kind_trains(cells: list[tuple[str, object]], state: str, tmp_path: Path) -> None:
    net, asked = trained(*cells), recipe(1, state=state)

    found = tuned(net, asked, tmp_path)

    for before, after in zip(net.layers, found.layers, strict=True):
        names = [w.name for w in networks.KINDS[before.kind].weights(before.inputs, before.options)]
        for name, old, new in zip(names * 2, before.weights, after.weights, strict=False):
            assert np.array_equal(old, new) == name.startswith("moving_"), f"{before.name}/{name}"


def test_zeros_of_a_pruned_network_stay(tmp_path: Path) -> None:
    net = trained()
    sparse = tuple(np.where(np.abs(w) > 0.3, w, 0) if w.ndim > 1 else w for w in net.layers[0].weights)
    net = replace(net, layers=(replace(net.layers[0], weights=sparse), net.layers[1]))

    found = tuned(net, recipe(prune={"sparsity": 0.5}), tmp_path)

    for before, after in zip(net.layers[0].weights[:2], found.layers[0].weights[:2], strict=True):
        np.testing.assert_array_equal(after == 0, before == 0)


def test_without_epochs_nothing_changes(tmp_path: Path) -> None:
    net = trained()

    assert tuned(net, recipe(0), tmp_path) is net
    assert not list(tmp_path.iterdir())


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_fine_tuning_that_stops_resumes_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, asked = trained(), recipe(3)
    whole = tuned(net, asked, tmp_path / "whole")
    step, seen = loop._step, []

    def killed(run: loop.Run, batch: object, epoch: int, number: int) -> tuple[float, float, float]:
        if number == 10 and not seen:
            seen.append(number)
            raise Killed
        return step(run, batch, epoch, number)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", killed)
    with pytest.raises(Killed):
        tuned(net, asked, tmp_path / "parts")
    resumed = tuned(net, asked, tmp_path / "parts")

    for one, other in zip(whole.layers, resumed.layers, strict=True):
        for weight, expected in zip(one.weights, other.weights, strict=True):
            np.testing.assert_array_equal(weight, expected)


def forecaster(folder: Path) -> Network:
    return train.fit(sample.recipe(layers=LAYERS, dropout=0, epochs=8), sample.forecasts(), folder, quiet=True)


def test_the_last_layer_of_a_regression_keeps_its_weights_and_the_others_move(tmp_path: Path) -> None:
    data, net = sample.forecasts(), forecaster(tmp_path / "float")
    integer = quantize.quantize(net, normalize.apply(data.calibration.x, net.mean, net.std))

    found = qat.fine_tune(net, integer, recipe(2, 0.003), data, tmp_path, quiet=True)

    assert found.task == "regress"
    for before, after in zip(net.layers[-1].weights, found.layers[-1].weights, strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(net.layers[0].weights, found.layers[0].weights, strict=True):
        assert not np.array_equal(before, after)
