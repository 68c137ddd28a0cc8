"""Windows that begin in the states that others ended in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn import network, recipe, train
from edgernn.errors import InputError
from edgernn.network import Network
from edgernn.train import loop, models
from edgernn.train.backend import tf
from edgernn.train.learner import Learner
from edgernn.train.loop import Run
from edgernn.train_sections import TrainSection
from train import sample

WINDOWS, STEP = 200, tf.constant(3, tf.int64)
STRIDED = [{"conv": {"units": 4, "kernel": 3, "stride": 2}}, {"gru": {"units": 6}}, {"dense": {}}]


def learner(carry: float, seed: int = 0) -> Learner:
    net = sample.network(0, 12, 3, ("gru", 5), ("lstm", 4), ("dense", 3))
    return Learner(models.every_step_model(net), net, TrainSection(carry=carry), seed)


def begun(one: Learner, step: tf.Tensor = STEP) -> tuple[np.ndarray, np.ndarray]:
    """What the windows begin in, one after the other; and how the others ended, in states of their numbers."""
    ended = [np.repeat(np.arange(1.0, WINDOWS + 1, dtype=np.float32)[:, None], size, 1) for size in (5, 4, 4)]
    one.ended = [tf.constant(state) for state in ended]
    return np.concatenate(one.begun(WINDOWS, step), axis=1), np.concatenate(ended, axis=1)


def test_a_share_of_them_begins_as_another_one_ended() -> None:
    found, ended = begun(learner(0.6))

    assert (found == found[:, :1]).all()  # all states of a window are of the same other one
    fresh = found[:, 0] == 0
    assert 0.25 < fresh.mean() < 0.55
    others = found[~fresh, 0]
    assert len(set(others)) == len(others)  # no two of the same
    assert set(others) <= set(ended[:, 0])
    assert (others != np.arange(1, WINDOWS + 1)[~fresh]).mean() > 0.9  # of another place


def test_which_ones_depends_on_seed_and_step_alone() -> None:
    first = begun(learner(0.6))[0]

    np.testing.assert_array_equal(first, begun(learner(0.6))[0])
    assert (first != begun(learner(0.6, seed=1))[0]).any()
    assert (first != begun(learner(0.6), STEP + 1)[0]).any()


def test_without_it_and_at_the_beginning_all_are_at_rest() -> None:
    assert not begun(learner(0.0))[0].any()
    assert not np.concatenate(learner(0.6).begun(WINDOWS, STEP), axis=1).any()


@pytest.mark.parametrize("layers", [(), STRIDED], ids=["gru", "strided"])
def test_the_first_batch_learns_as_without_it(
    layers: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has ended by then; the same loss, figure and norm."""
    found: dict[str, list[tuple[float, float, float]]] = {"_step": [], "_segmented": []}
    for name, own in found.items():
        original = getattr(loop, name)

        def recorded(run: Run, *others: object, own: list[object] = own, original: object = original) -> object:  # type: ignore[assignment]
            own.append(original(run, *others))  # type: ignore[operator]
            return own[-1]

        monkeypatch.setattr(loop, name, recorded)
    for carry in (0.0, 0.9):
        plan = sample.recipe(layers=layers, carry=carry, epochs=1)
        train.fit(plan, sample.splits(), tmp_path / str(carry), quiet=True)

    np.testing.assert_allclose(found["_step"][0], found["_segmented"][0], rtol=1e-5)
    assert len(found["_step"]) == len(found["_segmented"])
    assert abs(found["_step"][1][0] - found["_segmented"][1][0]) > 1e-6


@pytest.mark.parametrize("layers", [(), STRIDED], ids=["gru", "strided"])
def test_a_network_learns_with_it(layers: list[object], tmp_path: Path) -> None:
    data = sample.splits()

    net = train.fit(sample.recipe(layers=layers, epochs=20, dropout=0, carry=0.7), data, tmp_path, quiet=True)

    accuracy = np.mean(train.keras_outputs(net, data.test.x).argmax(axis=1) == data.test.y)
    assert accuracy > np.bincount(data.test.y).max() / len(data.test) + 0.4


def test_it_resumes_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, data, segment = sample.recipe(carry=0.7, dropout=0.2), sample.splits(), loop._segmented
    whole = content(train.fit(plan, data, tmp_path / "whole", quiet=True), tmp_path / "whole.npz")

    def killed(run: Run, batch: object, epoch: int, step: int) -> tuple[float, float, float]:
        if step == 2 * run.feed.batches + 3:
            raise KeyboardInterrupt
        return segment(run, batch, epoch, step)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_segmented", killed)
        with pytest.raises(KeyboardInterrupt):
            train.fit(plan, data, tmp_path / "parts", quiet=True)

    assert content(train.fit(plan, data, tmp_path / "parts", quiet=True), tmp_path / "parts.npz") == whole


@pytest.mark.parametrize(
    "layers",
    [
        [{"gru": {"units": 3, "bidirectional": True}}, {"dense": {}}],
        [{"fast_grnn": {"units": 3}}, {"dense": {}}],
        [{"gru": {"units": 3}}, {"pool": {"over": "mean"}}, {"dense": {}}],
    ],
    ids=["bidirectional", "fast_grnn", "pool"],
)
def test_what_has_no_state_to_go_on_from_is_refused(layers: list[object]) -> None:
    with pytest.raises(ValueError, match=r"has train\.carry and .*, whose state cannot go on between windows"):
        sample.recipe(layers=layers, carry=0.5)


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path", ["recipes/fraud.yaml", "recipes/next_item.yaml", "edgernn/templates/translate.yaml"]
)
def test_sequences_of_different_lengths_are_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text((ROOT / path).read_text("utf-8").replace("{name}", "own"), "utf-8")
    with pytest.raises(InputError, match=r"has train\.carry, and its sequences differ in length; remove it"):
        recipe.load(tmp_path / "own.yaml", ["train.carry=0.5"])


def content(net: Network, path: Path) -> bytes:
    network.save(net, path)
    return path.read_bytes()
