"""The training loop: validation after every epoch, the best weights kept, resumable at any moment."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgernn.datasets.splits import Split
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.network import Network
from edgernn.train import checkpoint, watch
from edgernn.train.backend import tf
from edgernn.train.feed import Batch, Feed
from edgernn.train.learner import Gradients, Learner, ends, tensors
from edgernn.train.logs import Logs
from edgernn.train.meter import Meter, meter
from edgernn.train.objective import FIGURES

WARM_UP_STEPS = 100  # the learning rate rises to its full value over these
TINY = 1e-9  # seconds
FLOOR = 0.02  # of the learning rate, where the cosine ends


@dataclass(frozen=True, eq=False)
class Run:
    """One training: who learns what from which batches.

    `stage` names its logs and its checkpoint, `key` is the hash of all that the result depends on. `settle`
    is called after every epoch. Epochs before `keep_from` are never kept as the best. Where `validation` is empty
    nothing judges them, and the last one is kept. With `until` there are only so many, at the learning rates of a
    training of all.
    """

    stage: str
    key: str
    network: Network
    learner: Learner
    feed: Feed
    validation: Split
    settle: Callable[[], None]
    keep_from: int = 0
    until: int | None = None

    @property
    def epochs(self) -> int:
        """The most that it takes."""
        return self.learner.section.epochs if self.until is None else self.until

    @property
    def segments(self) -> int:
        """The parts that windows are learnt in, one after the other."""
        truncate, steps = self.learner.section.truncate, self.feed.split.x.shape[1]
        return -(-steps // truncate) if truncate else 1

    @property
    def steps(self) -> int:
        return self.learner.section.epochs * self.feed.batches * self.segments


@dataclass
class Clock:
    """Seconds of an epoch: `waiting` for batches that were not there yet, `learning` from them, `validating`."""

    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("waiting", "learning", "validating"), 0.0)
    )

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    def batches(self, feed: Iterator[Batch]) -> Iterator[Batch]:
        """What `feed` gives; what it keeps one waiting counts as such."""
        while True:
            with self.of("waiting"):
                batch = next(feed, None)
            if batch is None:
                return
            yield batch

    def __str__(self) -> str:
        return f"{self.seconds['waiting'] / max(sum(self.seconds.values()), TINY):.0%} of the time waiting for data"


class Validation(NamedTuple):
    """Of the averaged weights after an epoch, on the validation split."""

    loss: float
    figure: float


@dataclass(frozen=True)
class Figures:
    """Of one epoch: means over its steps, and the validation after it, if there is one.

    `watched` names the objective's figure, `clock` is where the time went.
    """

    watched: str
    loss: float
    figure: float
    gradient_norm: float
    learning_rate: float
    validation: Validation | None
    clock: Clock

    def scalars(self) -> dict[str, float]:
        """By the names of their TensorBoard charts."""
        found = {
            "loss/train": self.loss,
            f"{self.watched}/train": self.figure,
            "learning_rate": self.learning_rate,
            "gradient_norm": self.gradient_norm,
            **{f"seconds/{name}": seconds for name, seconds in self.clock.seconds.items()},
        }
        if self.validation:
            found |= {"loss/validation": self.validation.loss, f"{self.watched}/validation": self.validation.figure}
        return found

    def __str__(self) -> str:
        parts = [f"loss {self.loss:.3g}"]
        if self.validation:
            figure = f"{self.watched.replace('_', ' ')} {self.validation.figure:.3f}"
            parts.append(f"validation {self.validation.loss:.3g} ({figure})")
        return ", ".join([*parts, str(self.clock)])


def train(run: Run, folder: Path, quiet: bool) -> checkpoint.Progress:
    """How a training ends, with its best weights; goes on from its checkpoint if there is one."""
    path = BuildFolder(folder).checkpoint(run.stage)
    patience = run.learner.section.patience
    progress = checkpoint.resume(path, run.key, run.learner.state()) or checkpoint.start(run.keep_from)
    logs = Logs(folder / "logs" / run.stage)
    text = ""
    with meter(run.stage, run.steps, quiet) as tell:
        while progress.epoch < run.epochs and progress.epoch - progress.best_epoch <= patience:
            figures = _epoch(run, progress.epoch, tell, text)
            text = f"epoch {progress.epoch + 1} of {run.epochs}, {figures}"
            loss = figures.validation and figures.validation.loss
            progress = progress.after(loss, run.learner.averages(), run.keep_from)
            checkpoint.save(path, run.key, progress, run.learner.state())
            logs.write(progress.epoch, figures.scalars())
    return progress


def learning_rate(step: int, steps: int, peak: float, schedule: str) -> float:
    """The rate of a step of `steps`: a linear rise, then constant or half a cosine down to 2 %."""
    rise = min(1.0, (step + 1) / min(WARM_UP_STEPS, max(1, steps // 10)))
    if schedule == "constant":
        return peak * rise
    return peak * rise * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * step / steps)) / 2)


def memory(step: int, average: float) -> float:
    """How much of the averaged weights stays at a step; grows, so that the first ones are soon forgotten."""
    return min(average, (step + 1) / (step + 10))


def _epoch(run: Run, epoch: int, tell: Meter, text: str) -> Figures:
    totals, clock = np.zeros(3), Clock()  # loss, figure, gradient norm
    learn = _segmented if run.segments > 1 or run.learner.section.carry else _step
    run.learner.ended = []  # an epoch is where a training can go on, and knows nothing of the one before
    for number, batch in enumerate(clock.batches(run.feed.epoch(epoch))):
        step = epoch * run.feed.batches + number
        with clock.of("learning"):
            totals += learn(run, batch, epoch, step)
        tell((step + 1) * run.segments, text)
    run.settle()
    loss, figure, norm = totals / run.feed.batches
    section = run.learner.section
    rate = learning_rate(step * run.segments, run.steps, section.learning_rate, section.schedule)
    with clock.of("validating"):
        validated = _validated(run, epoch) if len(run.validation) else None
    return Figures(FIGURES[run.network.task], loss, figure, norm, rate, validated, clock)


def _step(run: Run, batch: Batch, epoch: int, step: int) -> tuple[float, float, float]:
    """Learn from one batch; its loss, figure and gradient norm."""
    whole = ends(batch.lengths, run.network)
    gradients = run.learner.gradients(*tensors(batch), tf.constant(step, tf.int64), whole)
    watch.require_finite(run.learner, run.network, gradients, batch, epoch=epoch, step=step)
    _update(run, gradients, step)
    return float(gradients.loss), float(gradients.figure), float(gradients.norm)


def _segmented(run: Run, batch: Batch, epoch: int, step: int) -> tuple[float, float, float]:
    """Learn from one batch in segments; the means of their losses, figures and gradient norms.

    The states go on from one segment to the next, gradients do not: truncated back-propagation through time
    (Williams and Peng 1990), whose memory does not grow with the length of windows. A segment in which no output
    counts teaches nothing. Without `truncate` a window is one segment, and begins where others have ended.
    """
    learner, count = run.learner, tf.constant(step, tf.int64)
    x, y = tensors(batch)
    frames = run.network.frames_per_step
    weights = learner.weights_of(y, x.shape[1] // frames, ends(batch.lengths, run.network))
    size = learner.section.truncate or weights.shape[1]
    states, told = learner.begun(x.shape[0], count), []
    for number, start in enumerate(range(0, weights.shape[1], size)):
        some = slice(start, start + size)
        part = weights[:, some]
        share = float(tf.reduce_sum(part))
        own = y[:, some] if run.network.task == "next" else y
        scaled = part / share if share else part
        own_frames = x[:, frames * start : frames * (start + size)]
        gradients, states = learner.segment_gradients(own_frames, own, scaled, count, states)
        watch.require_finite(learner, run.network, gradients, batch, epoch=epoch, step=step)
        if share:
            _update(run, gradients, step * run.segments + number)
            told.append((float(gradients.loss), float(gradients.figure), float(gradients.norm)))
    learner.ended = states
    loss, figure, norm = np.mean(told, axis=0)
    return loss, figure, norm


def _update(run: Run, gradients: Gradients, step: int) -> None:
    section = run.learner.section
    rate = learning_rate(step, run.steps, section.learning_rate, section.schedule)
    stays = tf.constant(memory(step, section.average), tf.float32)
    run.learner.update(gradients.by_variable, gradients.norm, tf.constant(rate, tf.float32), stays)


def _validated(run: Run, epoch: int) -> Validation:
    frames = normalize.apply(run.validation.x, run.network.mean, run.network.std)
    learned = tf.constant(run.feed.goal.learned(run.validation))
    whole = ends(run.validation.lengths, run.network)
    loss, figure = run.learner.evaluate(tf.constant(frames), learned, whole)
    watch.require_finite_validation(float(loss), run.learner, epoch)
    return Validation(float(loss), float(figure))
