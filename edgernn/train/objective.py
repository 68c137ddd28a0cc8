"""What training minimises, and the figure that people watch beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgernn.datasets.splits import Split
from edgernn.network import Network, Task
from edgernn.train.backend import tf
from edgernn.train_sections import TrainSection

PROBABILITIES = ("softmax", "sigmoid")  # activations
FAR_BELOW = 1e4  # an output so much lower has no share of the softmax
TINY = 1e-37  # above the smallest float32 that is not denormal
# watched beside the loss
FIGURES: dict[Task, str] = {"classify": "accuracy", "regress": "absolute_error", "next": "accuracy"}


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of a network's outputs.

    `weights` is how much each class counts, float32 [classes]; None: all alike.
    """

    task: Task
    section: TrainSection
    classes: int
    likely: bool  # outputs are probabilities
    weights: np.ndarray | None = None

    @classmethod
    def of(cls, network: Network, section: TrainSection, weights: np.ndarray | None = None) -> Objective:
        likely = getattr(network.layers[-1].options, "activation", "") in PROBABILITIES
        return cls(network.task, section, network.outputs, likely, weights)

    def counted(
        self, outputs: tf.Tensor, y: tf.Tensor, ends: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Outputs [windows, steps, outputs] from the first that counts on, and the weight of each in the mean.

        That is float32 [windows, steps], of windows that end after different steps `ends` [windows], and of what
        comes next, where all steps that `y` asks about count the same; else None.
        """
        if self.task == "next" or ends is not None:
            return outputs, self.weights_of(y, outputs.shape[1], ends)
        return outputs[:, self.start(outputs.shape[1]) :], None

    def weights_of(self, y: tf.Tensor, steps: int, ends: tf.Tensor | None) -> tf.Tensor:
        """The weight of each step of windows in the mean, float32 [windows, steps], which add up to 1."""
        if self.task == "next":
            asked = tf.cast(y >= 0, tf.float32)
            return asked / tf.maximum(tf.reduce_sum(asked), 1)
        step = tf.range(steps)[None]
        if ends is None:
            first, last = self.start(steps), tf.fill([tf.shape(y)[0], 1], steps)
        else:
            last, share = ends[:, None], self._share
            first = last - 1 if share is None else tf.cast(share * tf.cast(last, tf.float32), tf.int32)
        inside = tf.cast((step >= first) & (step < last), tf.float32)
        return inside / tf.reduce_sum(inside, 1, keepdims=True) / tf.cast(tf.shape(y)[0], tf.float32)

    def start(self, steps: int) -> int:
        """The first of `steps` steps whose output counts in training.

        A network cannot know a class before it has seen some of the window; what a regression asks for lies at its
        end. One with a single output tells it after the whole window.
        """
        return steps - 1 if self._share is None else int(self._share * steps)

    @property
    def _share(self) -> float | None:
        """What comes before the first step that counts; None where only the last one does."""
        default = None if self.task == "regress" else 0.5
        return default if self.section.loss_from is None else self.section.loss_from

    def loss(
        self, outputs: tf.Tensor, y: tf.Tensor, weights: tf.Tensor | None = None, smoothing: float = 0.0
    ) -> tf.Tensor:
        """The mean over windows and steps; outputs [windows, steps, outputs], `y` as in a batch.

        With `weights` [windows, steps] it is the sum with these.
        """
        if self.task == "regress":
            return mean(tf.reduce_mean(self._distance(outputs - y[:, None]), -1), weights)
        if self.task == "next":
            likely = tf.nn.log_softmax(self._logits(outputs))
            own = tf.gather(likely, tf.maximum(y, 0), axis=-1, batch_dims=2)
            possible = tf.where(likely < -FAR_BELOW / 2, 0.0, likely)
            return -mean((1 - smoothing) * own + smoothing * tf.reduce_mean(possible, -1), weights)
        shares = tf.one_hot(y, self.classes) if y.shape.rank == 1 else y
        goal = shares * (1 - smoothing) + smoothing / self.classes
        logits = self._logits(outputs)
        goals = goal[:, None] + tf.zeros_like(logits)  # the same at every step
        losses = tf.nn.softmax_cross_entropy_with_logits(goals, logits)
        if self.weights is not None:
            losses *= tf.gather(tf.constant(self.weights), _class(y))[:, None]
        return mean(losses, weights)

    def figure(self, outputs: tf.Tensor, y: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """The share of windows and steps classified right, or the mean absolute error in deviations."""
        if self.task == "regress":
            return mean(tf.reduce_mean(tf.abs(outputs - y[:, None]), -1), weights)
        wanted = y if self.task == "next" else _class(y)[:, None]
        right = tf.argmax(outputs, -1, tf.int32) == wanted
        return mean(tf.cast(right, tf.float32), weights)

    def _distance(self, error: tf.Tensor) -> tf.Tensor:
        size = tf.abs(error)
        if self.section.regression_loss == "absolute":
            return size
        if self.section.regression_loss == "huber":
            return tf.where(size < 1, error**2 / 2, size - 0.5)
        return error**2

    def _logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """What a softmax turns into the shares of the classes: for probabilities, their logarithms."""
        return tf.math.log(tf.maximum(outputs, TINY)) if self.likely else outputs


def without_seen(outputs: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Outputs [windows, steps, classes], those of the tokens `x` [windows, steps, 1] so far far below the others.

    They have no share of the softmax then: a network may say that what is like the items of a basket is likely,
    and need not learn that these items themselves, which are like each other, are not.
    """
    tokens = tf.one_hot(tf.cast(x[..., 0], tf.int32), outputs.shape[-1])
    return outputs - FAR_BELOW * tf.minimum(tf.cumsum(tokens, 1), 1)


def _class(y: tf.Tensor) -> tf.Tensor:
    """The class of each window, int32 [windows], of classes or of their shares."""
    return y if y.shape.rank == 1 else tf.argmax(y, -1, tf.int32)


def mean(values: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Of values [windows, steps]."""
    return tf.reduce_mean(values) if weights is None else tf.reduce_sum(values * weights)


def class_weights(section: TrainSection, task: Task, train: Split, classes: int) -> np.ndarray | None:
    """What makes all classes count the same, float32 [classes], 1 on average over `train`; None where not asked."""
    if task != "classify" or section.class_weights == "none":
        return None
    counts = np.bincount(train.y, minlength=classes)
    return (len(train) / (classes * np.maximum(counts, 1))).astype(np.float32)
