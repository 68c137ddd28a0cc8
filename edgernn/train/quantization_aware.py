"""Fine-tuning in integer arithmetic: the quantised network learns to say what the float network says.

What is minimised is the mean square difference to the outputs of the float network, in units of their variance: the
integer network is held against just these outputs, and they tell more of a window than its class does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets.splits import Splits
from edgernn.lowering import TypedPass, native, operators
from edgernn.network import Granularity, Network, QuantizedNetwork
from edgernn.recipe import Recipe
from edgernn.sparsity import masks_of
from edgernn.train import fake_quantization, fitting, loop, models, programs
from edgernn.train.backend import tf
from edgernn.train.goal import Goal
from edgernn.train.learner import Gradients
from edgernn.train.masks import MaskedLearner, Masks
from edgernn.train.objective import mean
from edgernn.train_sections import QatSection, TrainSection

SMALLEST = float(np.finfo(np.float32).tiny)  # in place of the variance of outputs that never change


def fine_tuned(
    network: Network,
    quantized: QuantizedNetwork,
    recipe: Recipe,
    section: QatSection,
    splits: Splits,
    folder: Path,
    *,
    quiet: bool,
) -> Network:
    """See `edgernn.qat.fine_tune`."""
    goal = Goal.of(network.task, splits.train)
    learner = QatLearner(network, quantized, recipe, _section(recipe.train, section), goal)
    run = fitting.run("qat", recipe, learner, network, splits, on=_provenance(quantized, recipe))
    best = loop.train(run, folder, quiet).best
    learner.averaged.set_weights(best)
    return models.to_network(learner.averaged, network)


def _section(train: TrainSection, section: QatSection) -> TrainSection:
    """Nothing is dropped and no weight decays: the network to become is known."""
    changed = {"epochs": section.epochs, "learning_rate": section.learning_rate, "patience": section.epochs}
    return train.model_copy(update={**changed, "weight_decay": 0.0, "carry": 0.0})


def _provenance(quantized: QuantizedNetwork, recipe: Recipe) -> object:
    """What of the quantisation and its arithmetics the result depends on."""
    scales = {name: scale.tolist() for name, scale in quantized.scales.items()}
    ranges = {name: list(pair) for name, pair in quantized.ranges.items()}
    return [
        dict(quantized.precisions),
        quantized.state,
        ranges,
        scales,
        recipe.quantize.weights,
        sorted(recipe.targets),
    ]


def arithmetics(quantized: QuantizedNetwork, recipe: Recipe) -> list[tuple[TypedPass, ...]]:
    """The types of all that the recipe has written: C's, and those of TFLite and ONNX."""
    typings = {"c": native, "tflite": operators, "onnx": operators}
    return [typing(quantized) for typing in dict.fromkeys(typings[name] for name in recipe.targets)]


class QatLearner(MaskedLearner):
    """A learner whose network computes in fake quantisation, with the ranges that calibration found.

    Batch normalisation keeps its statistics: it is folded into products by now. Zeros of a recipe that prunes stay,
    and so does the last layer of a regression, whose weights have the units of the data and no common size.
    """

    def __init__(
        self, network: Network, quantized: QuantizedNetwork, recipe: Recipe, section: TrainSection, goal: Goal
    ) -> None:
        masks: Masks = dict.fromkeys((layer.name for layer in network.layers), ())
        if recipe.prune and recipe.prune.sparsity:
            masks = masks_of(network)
        super().__init__(models.every_step_model(network), network, section, recipe.seed, masks)
        self.network, self.quantized, self.goal = network, quantized, goal
        count = len(self.variables)
        self.fixed = range(count - 2, count) if goal.task == "regress" else range(0)
        self.granularity: Granularity = recipe.quantize.weights
        self.arithmetics = arithmetics(quantized, recipe)
        self.teacher = models.every_step_model(network)
        self.teacher.trainable = False

    def fake_outputs(self, model: Any, x: tf.Tensor) -> list[tf.Tensor]:
        """The outputs after every step, in each arithmetic, of the weights that `model` has now."""
        constants: dict[str, Any] = {}
        for layer in self.network.layers:
            constants |= programs.layer_constants(layer, models.variables(model, layer))
        exact = fake_quantization.rounded(constants, self.quantized, self.granularity)
        return [fake_quantization.outputs(passes, exact, x) for passes in self.arithmetics]

    def _gradients(self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor, ends: tf.Tensor | None = None) -> Gradients:
        with tf.GradientTape() as tape:
            loss, figure = self._difference(self.model, x, y, ends)
        gradients = [
            tf.zeros_like(variable) if gradient is None or index in self.fixed else gradient
            for index, (gradient, variable) in enumerate(
                zip(tape.gradient(loss, self.variables), self.variables, strict=True)
            )
        ]
        return Gradients(loss, figure, tf.linalg.global_norm(gradients), gradients)

    def _evaluate(self, x: tf.Tensor, y: tf.Tensor, ends: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Loss and figure of the averaged weights."""
        return self._difference(self.averaged, x, y, ends)

    def _difference(
        self, model: Any, x: tf.Tensor, y: tf.Tensor, ends: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean square difference to the float network, by variance; and the objective's figure.

        Of several arithmetics it is the geometric mean: the finer one is not given up for the coarser one.
        """
        wanted, weights = self.objective.counted(self.teacher(x, training=False), y, ends)
        found = [self.objective.counted(outputs, y, ends)[0] for outputs in self.fake_outputs(model, x)]
        variance = tf.math.reduce_variance(wanted) + SMALLEST
        errors = [mean(tf.reduce_mean((one - wanted) ** 2, -1), weights) / variance for one in found]
        loss = tf.exp(tf.reduce_mean(tf.math.log(tf.stack(errors) + SMALLEST)))
        shown = [(one - self.goal.mean) / self.goal.std for one in found]
        return loss, tf.reduce_mean([self.objective.figure(one, y, weights) for one in shown])
