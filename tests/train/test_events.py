"""Training on histories: what the first event tells is learnt, and shuffled answers teach nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn import reference, train
from edgernn.datasets.splits import Split, Splits
from edgernn.features import normalize
from edgernn.metric import auc, final
from edgernn.network import Channel
from edgernn.recipe import Recipe

STEPS = 10
PARTS = {"train": (0, 600), "validation": (1, 200), "test": (2, 800)}
RECIPE = {
    "name": "histories",
    "data": {
        "source": "events",
        "path": "e",
        "entity": "a",
        "time": "b",
        "columns": ["sign", "noise"],
        "steps": STEPS,
    }
    | {"target": "d", "predict": "class"},
    "network": {"layers": [{"gru": {"units": 8}}, {"dense": {}}]},
    "train": {"epochs": 12, "batch_size": 32, "learning_rate": 0.02, "loss_from": 0.99, "dropout": 0},
}


def split(seed: int, count: int, shuffled: bool) -> Split:
    """Sequences of 1 to 10 frames whose class is the sign of the first one; padding that shouts the wrong class."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, STEPS, 2)).astype(np.float32)
    lengths = rng.integers(1, STEPS + 1, count).astype(np.int32)
    y = (x[:, 0, 0] > 0).astype(np.int64)
    padding = np.arange(STEPS) >= lengths[:, None]
    x = np.where(padding[:, :, None], np.float32(5) * (1 - 2 * y[:, None, None]), x)
    return Split(x, rng.permutation(y) if shuffled else y, np.arange(count).astype(str), lengths)


def area(folder: Path, shuffled: bool) -> float:
    """The area under the ROC curve on test, of a network trained on answers as they are, or shuffled."""
    parts = {name: split(*pair, shuffled and name != "test") for name, pair in PARTS.items()}
    channels = (Channel("sign", "value", "sign"), Channel("noise", "value", "noise"))
    names = tuple(one.name for one in channels)
    data = Splits(**parts, calibration=parts["train"], labels=("no", "yes"), channels=names, encoding=channels)
    network = train.fit(Recipe.model_validate(RECIPE), data, folder, True)
    assert network.every_step
    assert network.encoding == channels
    frames = normalize.apply(data.test.x, network.mean, network.std)
    return auc(final(reference.float_outputs(network, frames), data.test.ends()), data.test.y)


@pytest.mark.slow
def test_what_the_first_event_tells_is_learnt_whatever_the_padding_says(tmp_path: Path) -> None:
    assert area(tmp_path, shuffled=False) > 0.95


@pytest.mark.slow
def test_shuffled_answers_teach_nothing(tmp_path: Path) -> None:
    """0.5, within four deviations of an area of chance over 800 examples (Hanley and McNeil 1982: 0.0204)."""
    assert abs(area(tmp_path, shuffled=True) - 0.5) < 4 * 0.0204


def test_flags_are_not_normalised_and_padding_does_not_count() -> None:
    from edgernn.train import fitting

    part = split(0, 100, False)
    flags = replace(part, x=np.concatenate([part.x, (part.x[:, :, :1] > 1.5).astype(np.float32)], axis=2))
    channels = (Channel("a", "value", "a"), Channel("b", "value", "b"), Channel("c known", "mask", "c"))
    data = Splits(flags, flags, flags, flags, ("no", "yes"), ("a", "b", "c known"), encoding=channels)
    network = fitting.untrained(Recipe.model_validate(RECIPE), data)
    real = np.concatenate([x[:length] for x, length in zip(part.x, part.real, strict=True)]).astype(np.float64)
    np.testing.assert_allclose(network.mean, [*real.mean(axis=0), 0], rtol=1e-5)
    np.testing.assert_allclose(network.std, [*real.std(axis=0), 1], rtol=1e-5)
