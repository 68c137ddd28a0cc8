"""What training minimises, and the figure that people watch beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgernn.datasets.splits import Split
from edgernn.network import Network, Task
from edgernn.train.backend import tf
from edgernn.train_sections import TrainSection

PROBABILITIES = ("softmax", "sigmoid")  # activations
TINY = 1e-37  # above the smallest float32 that is not denormal
FIGURES: dict[Task, str] = {"classify": "accuracy", "regress": "absolute_error"}  # watched beside the loss


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

    def start(self, steps: int) -> int:
        """The first of `steps` steps whose output counts in training.

        A network cannot know a class before it has seen some of the window; what a regression asks for lies at its
        end. One with a single output tells it after the whole window.
        """
        share = self.section.loss_from
        if share is None:
            return steps - 1 if self.task == "regress" else steps // 2
        return int(share * steps)

    def loss(self, outputs: tf.Tensor, y: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
        """The mean over windows and steps; outputs [windows, steps, outputs], `y` as in a batch."""
        if self.task == "regress":
            return tf.reduce_mean(self._distance(outputs - y[:, None]))
        goal = tf.one_hot(y, self.classes) * (1 - smoothing) + smoothing / self.classes
        logits = self._logits(outputs)
        goals = goal[:, None] + tf.zeros_like(logits)  # the same at every step
        losses = tf.nn.softmax_cross_entropy_with_logits(goals, logits)
        if self.weights is None:
            return tf.reduce_mean(losses)
        return tf.reduce_mean(losses * tf.gather(tf.constant(self.weights), y)[:, None])

    def figure(self, outputs: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """The share of windows and steps classified right, or the mean absolute error in deviations."""
        if self.task == "regress":
            return tf.reduce_mean(tf.abs(outputs - y[:, None]))
        right = tf.argmax(outputs, -1, tf.int32) == y[:, None]
        return tf.reduce_mean(tf.cast(right, tf.float32))

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


def class_weights(section: TrainSection, task: Task, train: Split, classes: int) -> np.ndarray | None:
    """What makes all classes count the same, float32 [classes], 1 on average over `train`; None where not asked."""
    if task != "classify" or section.class_weights == "none":
        return None
    counts = np.bincount(train.y, minlength=classes)
    return (len(train) / (classes * np.maximum(counts, 1))).astype(np.float32)
