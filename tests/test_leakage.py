"""Nothing gives an answer away: with the answers of a source dealt out anew, every recipe is at chance on its test.

Answers are shuffled where they are read, before windows, channels and splits are made of them. A channel that holds
the answer, a window that reaches into what it is asked for, or a network that has seen what comes next does better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn import datasets, recipe, reference, train
from edgernn.datasets.event_table import Events, Texts
from edgernn.datasets.forecast import Frames
from edgernn.datasets.items import Basket
from edgernn.datasets.running_text import Work
from edgernn.datasets.series import Recordings
from edgernn.datasets.speech import PARTS, Speech
from edgernn.datasets.splits import Splits
from edgernn.features import normalize
from edgernn.metric import Metric, decisive

RECIPES = sorted((Path(__file__).parent.parent / "recipes").glob("*.yaml"))
LESS = ["profile=smoke", "train.epochs=2", "train.made_texts=0"]
# noise alone is a class that can be heard, whatever the labels say
OWN = {"keyword_spotting": ["data.silence=0"]}
SIGMAS = 4  # of the metric over resampled test splits: so far, chance may be on the better side
RESAMPLES = 200
RNG = np.random.default_rng(7)


@singledispatch
def dealt_anew(found: Any) -> Any:
    """What a source gives, with other answers to the same questions."""
    raise NotImplementedError(f"answers of {type(found).__name__} are not shuffled yet")


@dealt_anew.register
def _(found: Recordings) -> Recordings:
    labels = RNG.permutation([one.label for one in found.series]).tolist()
    series = (replace(one, label=label) for one, label in zip(found.series, labels, strict=True))
    return replace(found, series=tuple(series))


@dealt_anew.register
def _(found: Frames) -> Frames:
    return replace(found, values=RNG.permutation(found.values))


@dealt_anew.register
def _(found: list) -> list[Any]:  # type: ignore[type-arg]
    if isinstance(found[0], Basket):
        dealt = iter(RNG.permutation([item for one in found for item in one.items]).tolist())
        return [replace(one, items=tuple(next(dealt) for _ in one.items)) for one in found]
    if isinstance(found[0], Work):  # what comes next is the text itself
        characters = iter(RNG.permutation(list("".join(one.text for one in found))).tolist())
        return [replace(one, text="".join(next(characters) for _ in one.text)) for one in found]
    order = RNG.permutation(len(found))
    pairs = zip(found, (found[i] for i in order), strict=True)
    return [replace(one, label=other.label, shares=other.shares) for one, other in pairs]


@dealt_anew.register
def _(found: Speech) -> Speech:
    labels = iter(RNG.permutation([clip.label for part in PARTS for clip in found.clips[part]]).tolist())
    clips = {part: tuple(clip._replace(label=next(labels)) for clip in found.clips[part]) for part in PARTS}
    return replace(found, clips=clips)


@dealt_anew.register
def _(found: Events) -> Events:
    asked, answers = np.flatnonzero(found.asked), found.answers
    other = RNG.permutation(asked)
    if isinstance(answers, Texts):
        codes = answers.codes.copy()
        codes[asked] = codes[other]
        return replace(found, answers=Texts(codes, answers.names))
    quantities = answers.copy()
    quantities[asked] = quantities[other]
    return replace(found, answers=quantities)


def chance(splits: Splits, shape: tuple[int, ...]) -> np.ndarray:
    """What is best said without a look at the input, in the shape of outputs."""
    if splits.task == "regress":
        return np.broadcast_to(splits.train.y.mean(axis=0), shape)
    counts = np.bincount(splits.train.y[splits.train.y >= 0], minlength=shape[-1])
    return np.broadcast_to(np.log(counts + 1e-9), shape)


def spread(metric: Metric, outputs: np.ndarray, y: np.ndarray) -> float:
    """The standard deviation of a metric over test splits drawn from this one, by runs of equal answers."""
    rng = np.random.default_rng(0)
    changes = (np.diff(y.reshape(len(y), -1), axis=0) != 0).any(axis=1)
    runs = np.split(np.arange(len(y)), np.flatnonzero(changes) + 1)
    values = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([runs[i] for i in rng.integers(len(runs), size=len(runs))])
        values.append(metric.of(outputs[rows], y[rows]))
    return float(np.std(values))


def anew(load: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: dealt_anew(load(*arguments))


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_other_answers_give_chance(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = recipe.load(path, [*LESS, *OWN.get(path.stem, ())])
    tables = [value for value in vars(datasets).values() if isinstance(value, dict) and plan.data.source in value]
    (table,) = (one for one in tables if callable(one[plan.data.source]))
    monkeypatch.setitem(table, plan.data.source, anew(table[plan.data.source]))

    splits = datasets.load(plan.data, path.parent, plan.seed, plan.log_mel)
    network = train.fit(plan, splits, tmp_path, quiet=True)
    test, metric = splits.test, plan.judge.metric
    outputs = reference.float_outputs(network, normalize.apply(test.x, network.mean, network.std))
    asked = (test.y, test.ends(network.frames_per_step), test.taken)
    decided, y = decisive(outputs, *asked)
    least = metric.of(*decisive(chance(splits, outputs.shape), *asked))
    ahead = metric.loss(metric.of(decided, y), least)
    assert ahead <= SIGMAS * spread(metric, decided, y), f"{ahead:.3g} better than {least:.3g}"
