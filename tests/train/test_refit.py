"""Training once more on train and validation together, when validation has told the best epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from edgernn import archive, network, prune, train
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.train import loop
from edgernn.train.loop import Figures, Run, Validation
from train import sample

BEST = 2  # epochs, as the validation losses that are given below have it
LOSSES = {0: 0.9, BEST - 1: 0.5}


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[int, bool]]]:
    """By training, the windows of every epoch and whether it was validated; epoch 2 of `train` is the best."""
    found: dict[str, list[tuple[int, bool]]] = {}
    run_epoch = loop._epoch

    def recorded(run: Run, epoch: int, *others: object) -> Figures:
        figures: Figures = run_epoch(run, epoch, *others)
        found.setdefault(run.stage, []).append((len(run.feed.split), figures.validation is not None))
        return figures

    monkeypatch.setattr(loop, "_epoch", recorded)
    monkeypatch.setattr(loop, "_validated", lambda _, epoch: Validation(LOSSES.get(epoch, 0.7), 0.5))
    return found


def test_it_takes_as_many_epochs_as_were_best_and_nothing_judges_them(
    epochs: Mapping[str, list[tuple[int, bool]]], tmp_path: Path
) -> None:
    data = sample.splits()
    windows = len(data.train) + len(data.validation)

    trained = train.fit(sample.recipe(refit=True), data, tmp_path, quiet=True)

    assert epochs == {"train": [(len(data.train), True)] * 4, "refit": [(windows, False)] * BEST}
    mean, std = normalize.fit(data.known.frames())
    np.testing.assert_array_equal(trained.mean, mean)
    np.testing.assert_array_equal(trained.std, std)


def test_what_it_keeps_is_what_its_last_epoch_ends_with(
    epochs: Mapping[str, list[tuple[int, bool]]], tmp_path: Path
) -> None:
    trained = train.fit(sample.recipe(refit=True), sample.splits(), tmp_path, quiet=True)

    header, arrays = archive.load(BuildFolder(tmp_path).checkpoint("refit"))
    assert (header["epoch"], header["best_epoch"], len(epochs["refit"])) == (BEST, BEST - 1, BEST)
    kept = [weight for layer in trained.layers for weight in layer.weights]
    averages = [arrays[f"best:{index}"] for index in range(len(kept))]
    for weight, average in zip(kept, averages, strict=True):
        np.testing.assert_array_equal(weight, average)


def test_its_learning_rates_are_those_of_a_training_of_all_epochs(
    monkeypatch: pytest.MonkeyPatch, epochs: Mapping[str, list[tuple[int, bool]]], tmp_path: Path
) -> None:
    lengths: dict[str, set[int]] = {}
    update = loop._update

    def recorded(run: Run, gradients: object, step: int) -> None:
        lengths.setdefault(run.stage, set()).add(run.steps // run.feed.batches)
        update(run, gradients, step)

    monkeypatch.setattr(loop, "_update", recorded)

    train.fit(sample.recipe(refit=True), sample.splits(), tmp_path, quiet=True)

    assert lengths == {"train": {4}, "refit": {4}}


def test_one_that_stops_on_the_way_resumes_to_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan, data = sample.recipe(refit=True), sample.splits()
    whole = content(train.fit(plan, data, tmp_path / "whole", quiet=True), tmp_path / "whole.npz")
    step = loop._step

    def killed(run: Run, *others: object) -> object:
        if run.stage == "refit" and others[-1] == 1:
            raise KeyboardInterrupt
        return step(run, *others)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", killed)
        with pytest.raises(KeyboardInterrupt):
            train.fit(plan, data, tmp_path / "parts", quiet=True)
    first = BuildFolder(tmp_path / "parts").checkpoint("train").stat().st_mtime_ns
    resumed = train.fit(plan, data, tmp_path / "parts", quiet=True)

    assert content(resumed, tmp_path / "parts.npz") == whole
    assert BuildFolder(tmp_path / "parts").checkpoint("train").stat().st_mtime_ns == first  # it was not repeated


def test_another_network_than_without_it(tmp_path: Path) -> None:
    found = {
        content(train.fit(sample.recipe(refit=refit), sample.splits(), tmp_path / str(refit), quiet=True), path)
        for refit, path in ((False, tmp_path / "a.npz"), (True, tmp_path / "b.npz"))
    }

    assert len(found) == 2


def test_pruning_heals_on_the_same_windows(epochs: Mapping[str, list[tuple[int, bool]]], tmp_path: Path) -> None:
    data = sample.splits()
    plan = sample.recipe(prune={"sparsity": 0.5, "epochs": 3}, refit=True)

    prune.fine_tune(train.fit(plan, data, tmp_path, quiet=True), plan, data, tmp_path, quiet=True)

    assert epochs["prune"] == [(len(data.train) + len(data.validation), False)] * 3


def test_quantities_stay_in_their_units(tmp_path: Path) -> None:
    data = sample.forecasts()

    trained = train.fit(sample.recipe(refit=True, epochs=30, dropout=0), data, tmp_path, quiet=True)

    error, spread = np.abs(train.keras_outputs(trained, data.test.x) - data.test.y).mean(axis=0), data.test.y.std(0)
    assert (error < 0.4 * spread).all()


def test_forgetting_the_stage_train_forgets_both(tmp_path: Path) -> None:
    folder = BuildFolder(tmp_path)
    for training in ("train", "refit", "prune"):
        folder.checkpoint(training).parent.mkdir(exist_ok=True)
        folder.checkpoint(training).write_bytes(b"")

    folder.forget("train")

    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["prune.npz"]


def content(net: network.Network, path: Path) -> bytes:
    network.save(net, path)
    return path.read_bytes()
