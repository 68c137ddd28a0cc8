"""Training as its callers see it: it learns, it repeats, it resumes, and it agrees with the reference."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from edgernn import network, reference, train
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.recipe import Recipe
from edgernn.train import loop
from edgernn.train.learner import Learner
from train import sample

AUGMENT = {
    "speed": 0.3,
    "rates": ["ay"],
    "rate_gain": 0.1,
    "mirror": ["ax"],
    "rotate_degrees": 5,
    "roll_degrees": 5,
    "scale": 0.05,
    "jitter": 0.02,
}
EVERYTHING = {
    "dropout": 0.2,
    "layer_dropout": 0.1,
    "input_dropout": 0.1,
    "label_smoothing": 0.1,
    "weight_decay": 0.01,
    "augment": AUGMENT,
}


@pytest.mark.parametrize(
    ("steps", "inputs", "layers"),
    [
        (7, 1, (("gru", 1), ("dense", 2))),
        (25, 6, (("gru", 16), ("dense", 7))),
        (20, 3, (("gru", 9), ("gru", 5), ("dense", 4))),
        (9, 4, (("dense", 5), ("gru", 8), ("dense", 6), ("dense", 3))),
    ],
)
def test_keras_computes_what_the_reference_defines(
    steps: int, inputs: int, layers: tuple[tuple[str, int], ...]
) -> None:
    """Keras works in float32: 1e-5 is a few hundred of its roundings at these magnitudes."""
    net = sample.network(steps, steps, inputs, *layers)
    raw = np.random.default_rng(1).normal(0, 3, (300, steps, inputs)).astype(np.float32)

    expected = reference.float_outputs(net, normalize.apply(raw, net.mean, net.std))[:, -1]

    np.testing.assert_allclose(train.keras_outputs(net, raw), expected, rtol=1e-5, atol=1e-5)


def test_keras_model_and_back_is_the_same_network(tmp_path: Path) -> None:
    net = sample.network(0, 10, 3, ("gru", 6), ("gru", 4), ("dense", 3))

    back = train.to_network(train.keras_model(net), net)

    assert content(back, tmp_path / "back.npz") == content(net, tmp_path / "net.npz")


def test_keras_latency_gives_one_positive_number_a_run_and_the_threads() -> None:
    net = sample.network(0, 10, 3, ("gru", 6), ("dense", 3))

    times, threads = train.keras_latency(net, np.zeros((2, 10, 3), np.float32), 7)

    assert (len(times), threads) == (7, 2)
    assert all(0 < microseconds < 1e6 for microseconds in times)


def test_training_beats_the_commonest_class(tmp_path: Path) -> None:
    data = sample.splits()

    net = train.fit(sample.recipe(epochs=20, dropout=0), data, tmp_path, quiet=True)

    accuracy = np.mean(train.keras_outputs(net, data.test.x).argmax(axis=1) == data.test.y)
    assert accuracy > np.bincount(data.test.y).max() / len(data.test) + 0.4
    assert (net.channels, net.labels, net.rate_hz, net.steps) == (sample.CHANNELS, sample.LABELS, 25.0, 12)
    assert [layer.name for layer in net.layers] == ["gru", "dense"]
    np.testing.assert_allclose(net.mean, data.train.x.mean(axis=(0, 1)), rtol=1e-5)


def test_a_regression_learns_quantities_in_their_own_units(tmp_path: Path) -> None:
    data = sample.forecasts()

    net = train.fit(sample.recipe(epochs=30, dropout=0), data, tmp_path, quiet=True)

    assert (net.task, net.labels) == ("regress", ("a +1", "b +1"))
    found = train.keras_outputs(net, data.test.x)
    error, spread = np.abs(found - data.test.y).mean(axis=0), data.test.y.std(axis=0)
    assert (error < 0.4 * spread).all()  # the mean alone would be off by 0.8 of it


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return content(train.fit(eventful(), sample.splits(), folder, quiet=True), folder / "network.npz")


def eventful(**train: object) -> Recipe:
    """A recipe with everything random switched on: 6 steps an epoch, 24 in all."""
    layers = [{"gru": {"units": 5}}, {"gru": {"units": 4}}, {"dense": {}}]
    return sample.recipe(layers=layers, **EVERYTHING, **train)


def test_two_trainings_give_the_same_bytes(whole: bytes, tmp_path: Path) -> None:
    again = train.fit(eventful(), sample.splits(), tmp_path, quiet=True)

    assert content(again, tmp_path / "network.npz") == whole
    assert [layer.name for layer in again.layers] == ["gru", "gru_2", "dense"]


def test_another_seed_gives_another_network(tmp_path: Path) -> None:
    recipe = sample.recipe()

    first = train.fit(recipe, sample.splits(), tmp_path / "a", quiet=True)
    second = train.fit(recipe.model_copy(update={"seed": 4}), sample.splits(), tmp_path / "b", quiet=True)

    assert content(first, tmp_path / "a.npz") != content(second, tmp_path / "b.npz")


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("moment", [6, 17])
def test_a_training_that_stops_at_any_step_resumes_to_the_same_bytes(
    moment: int, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, seen = loop._step, []

    def killed(run: loop.Run, batch: object, epoch: int, number: int) -> tuple[float, float, float]:
        if number == moment and number not in seen:
            seen.append(number)
            raise Killed
        return step(run, batch, epoch, number)

    monkeypatch.setattr(loop, "_step", killed)
    with pytest.raises(Killed):
        train.fit(eventful(), sample.splits(), tmp_path, quiet=True)

    resumed = train.fit(eventful(), sample.splits(), tmp_path, quiet=True)

    assert content(resumed, tmp_path / "network.npz") == whole


def test_a_finished_training_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = sample.recipe()
    first = train.fit(recipe, sample.splits(), tmp_path, quiet=True)
    monkeypatch.setattr(loop, "_step", None)  # a step would fail

    again = train.fit(recipe, sample.splits(), tmp_path, quiet=True)

    assert content(again, tmp_path / "again.npz") == content(first, tmp_path / "first.npz")


def test_a_checkpoint_of_other_data_is_not_used(tmp_path: Path) -> None:
    recipe, other = sample.recipe(), sample.splits()
    train.fit(recipe, sample.splits(), tmp_path / "used", quiet=True)
    other.train.x[0, 0, 0] += 1

    fresh = train.fit(recipe, other, tmp_path / "fresh", quiet=True)
    used = train.fit(recipe, other, tmp_path / "used", quiet=True)

    assert content(used, tmp_path / "used.npz") == content(fresh, tmp_path / "fresh.npz")


PROGRAM = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from edgernn import network, train
    from train import sample, test_train

    recipe = test_train.eventful(epochs=60, patience=60)
    folder = Path(sys.argv[1])
    network.save(train.fit(recipe, sample.splits(), folder, quiet=True), folder / "network.npz")
"""


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM).format(tests=str(Path(__file__).parent.parent)))
    subprocess.run([sys.executable, program, tmp_path / "whole"], check=True)

    kills = sum(killed_after(program, tmp_path / "parts", seconds) for seconds in (0.0, 0.3, 0.1))
    subprocess.run([sys.executable, program, tmp_path / "parts"], check=True)

    assert kills >= 2
    expected, found = (tmp_path / name / "network.npz" for name in ("whole", "parts"))
    assert found.read_bytes() == expected.read_bytes()


def killed_after(program: Path, folder: Path, seconds: float) -> bool:
    """Run the program and kill it `seconds` after its next checkpoint; whether it was still running."""
    checkpoint = folder / "checkpoints" / "train.npz"
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    with subprocess.Popen([sys.executable, program, folder]) as process:
        while process.poll() is None and (checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0) == before:
            time.sleep(0.01)
        time.sleep(seconds)
        running = process.poll() is None
        process.kill()
    return running


def test_training_stops_early_and_keeps_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation losses are given: the weights of epoch 1 are the best, epochs 2 to 4 run in vain."""
    losses = iter([0.9, 0.5, 0.6, 0.55, 0.7, 0.1])
    averages: list[list[np.ndarray]] = []
    monkeypatch.setattr(loop, "_validated", lambda run, epoch: loop.Validation(next(losses), 0.5))
    original = Learner.averages

    def recorded(learner: Learner) -> list[np.ndarray]:
        averages.append(original(learner))
        return averages[-1]

    monkeypatch.setattr(Learner, "averages", recorded)

    net = train.fit(sample.recipe(epochs=6, patience=3), sample.splits(), tmp_path, quiet=True)

    assert len(averages) == 5
    kept = [weight for layer in net.layers for weight in layer.weights]
    for weight, expected in zip(kept, averages[1], strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_logs_hold_every_curve_for_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train.fit(sample.recipe(epochs=3), sample.splits(), tmp_path, quiet=True)

    events = EventAccumulator(str(tmp_path / "logs" / "train"))
    events.Reload()
    tags = events.Tags()["tensors"]
    assert sorted(tags) == [
        "accuracy/train",
        "accuracy/validation",
        "gradient_norm",
        "learning_rate",
        "loss/train",
        "loss/validation",
        "seconds/learning",
        "seconds/validating",
        "seconds/waiting",
    ]
    assert [event.step for event in events.Tensors("loss/train")] == [1, 2, 3]


@pytest.mark.parametrize("blocked", ["logs", "logs/train", "checkpoints"])
def test_a_folder_that_cannot_be_written(blocked: str, tmp_path: Path) -> None:
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_text("a file where a folder belongs")

    with pytest.raises(InputError, match=r"cannot write \S*(logs|checkpoints)/[^:]*: [\w ]+; .*--out") as caught:
        train.fit(sample.recipe(epochs=1), sample.splits(), tmp_path, quiet=True)
    assert "\n" not in str(caught.value)


def test_importing_the_package_does_not_import_tensorflow() -> None:
    program = "import sys, edgernn.train, edgernn.prune, edgernn.baselines; sys.exit('tensorflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def content(net: network.Network, path: Path) -> bytes:
    """The bytes of the file that holds the network."""
    network.save(net, path)
    return path.read_bytes()
