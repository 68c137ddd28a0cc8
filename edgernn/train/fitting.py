"""From a recipe and its windows to a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets.splits import Splits
from edgernn.features import normalize
from edgernn.network import Layer, Network
from edgernn.network_section import LayerChoice
from edgernn.recipe import Recipe
from edgernn.train import checkpoint, models
from edgernn.train.augment import Augmentation
from edgernn.train.feed import Feed
from edgernn.train.goal import Goal
from edgernn.train.initial import first_weights
from edgernn.train.learner import Learner
from edgernn.train.loop import Run, train
from edgernn.train.objective import class_weights
from edgernn.train.teacher import Teacher
from edgernn.train_sections import TrainSection


def fit(recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """See `edgernn.train.fit`."""
    network, epochs = _fitted("train", recipe, splits, folder, quiet)
    if recipe.train.refit:
        network, _ = _fitted("refit", recipe, splits.without_validation(), folder, quiet, until=epochs)
    return network


def validated(recipe: Recipe, splits: Splits, folder: Path, quiet: bool) -> Network:
    """See `edgernn.train.validated`."""
    return _fitted("train", recipe, splits, folder, quiet)[0]


def _fitted(
    stage: str, recipe: Recipe, splits: Splits, folder: Path, quiet: bool, until: int | None = None
) -> tuple[Network, int]:
    """A trained network, and the epochs that it took to get there."""
    network = untrained(recipe, splits)
    if recipe.train.made_texts:
        network = _told(network, Teacher.of(splits))
    model = models.every_step_model(network)
    weights = class_weights(recipe.train, network.task, splits.train, network.outputs)
    learner = Learner(model, network, recipe.train, recipe.seed, weights)
    ended = train(run(stage, recipe, learner, network, splits, until=until), folder, quiet)
    learner.averaged.set_weights(ended.best)
    goal = Goal.of(network.task, splits.train)
    return goal.in_units(models.to_network(learner.averaged, network)), ended.best_epoch + 1


def untrained(recipe: Recipe, splits: Splits) -> Network:
    """The recipe's network with the weights that training starts from, which its seed decides.

    Of a regression its outputs are in standard deviations. Raises InputError when the recipe gives the last layer
    another number of units than the data has classes or quantities.
    """
    mean, std = _constants(recipe, splits)
    known = len(splits.vocabulary.entries) if splits.vocabulary else None
    return Network(
        name=recipe.name,
        steps=splits.train.x.shape[1],
        rate_hz=splits.rate_hz,
        channels=splits.channels,
        labels=splits.labels,
        mean=mean,
        std=std,
        layers=_layers(recipe.network.stack(len(splits.labels), known), len(splits.channels), recipe.seed),
        every_step=recipe.network.every_step or splits.train.lengths is not None or splits.task == "next",
        task=splits.task,
        vocabulary=splits.vocabulary,
        features={"log_mel": asdict(recipe.log_mel)} if recipe.log_mel else None,
        encoding=splits.encoding,
        times=splits.times,
        every=splits.every,
        hold=splits.hold,
    )


def _told(network: Network, teacher: Teacher) -> Network:
    """`network` with what the teacher says of words in its embedding."""
    first, *others = network.layers
    return replace(network, layers=(replace(first, weights=(teacher.table(first.weights[0]),)), *others))


def run(
    stage: str,
    recipe: Recipe,
    learner: Learner,
    network: Network,
    splits: Splits,
    *,
    settle: Callable[[], None] = lambda: None,
    keep_from: int = 0,
    until: int | None = None,
    on: object = None,
) -> Run:
    """A training of `learner`, whose section may differ from the recipe's; it starts from `network`. See `Run`.

    `on` is what else (as JSON) its result depends on.

    Raises InputError when the augmentation names channels that the data does not have.
    """
    section = learner.section
    learner.leaves_out_seen = splits.train.taken is not None
    goal = Goal.of(network.task, splits.train)
    feed = Feed(
        split=splits.train,
        mean=network.mean,
        std=network.std,
        goal=goal,
        augmentation=Augmentation.of(section.augment, splits.channels, network.std),
        batch_size=section.batch_size,
        seed=recipe.seed,
        token_dropout=section.token_dropout,
        teacher=Teacher.of(splits) if section.made_texts else None,
        made_share=section.made_texts,
    )
    key = checkpoint.key(stage, [_settings(recipe, section), on, until], network, splits)
    return Run(stage, key, network, learner, feed, splits.validation, settle, keep_from, until)


def _constants(recipe: Recipe, splits: Splits) -> tuple[np.ndarray, ...]:
    """Tokens are names, not amounts: they stay as they are, and so do flags, a rare one of which would be huge."""
    plain = normalize.identity(len(splits.channels))
    if recipe.features.normalize != "standard" or recipe.network.tokens:
        return plain
    fitted = normalize.fit(splits.train.frames())
    if not splits.encoding:
        return fitted
    flags = np.array([one.flag for one in splits.encoding])
    return tuple(np.where(flags, own, other) for own, other in zip(plain, fitted, strict=True))


def _layers(choices: tuple[LayerChoice, ...], inputs: int, seed: int) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index, (name, kind, options) in enumerate(choices):
        layer = Layer(name, kind, inputs, options, ())
        layers.append(replace(layer, weights=first_weights(layer, seed + index)))
        inputs = layer.outputs
    return tuple(layers)


def _settings(recipe: Recipe, section: TrainSection) -> dict[str, Any]:
    prune = recipe.prune.model_dump(mode="json") if recipe.prune else None
    network = recipe.network.model_dump(mode="json")
    return {"seed": recipe.seed, "network": network, "train": section.model_dump(mode="json"), "prune": prune}
