"""Recipes whose sections are good by themselves and do not fit each other: each is told before any work starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgernn.baselines import baselines_of
from edgernn.cells import CELLS
from edgernn.datasets.audio_sections import SpeechData
from edgernn.datasets.event_sections import EventOptions
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.parallel_text_sections import ParallelTextData
from edgernn.datasets.running_text_sections import RunningTextData
from edgernn.datasets.sections import ForecastData, SeriesData, TextData
from edgernn.decide.alarm import LONGEST
from edgernn.decide_sections import AlarmSection, TopSection, WordsSection
from edgernn.network import KINDS
from edgernn.section import nearest
from edgernn.train_sections import AugmentSection

if TYPE_CHECKING:
    from edgernn.recipe import Recipe

DETECTION_GATES = (
    *("detection_auc_min", "detection_auc_drop_max", "detection_above_baseline", "detection_top"),
    "false_alarms_max",
)


def refuse_misfit(recipe: Recipe) -> None:
    """Raises ValueError where what one section says of another is not there, or cannot be done."""
    names = [choice.name for choice in recipe.network.choices()]
    unknown = next((name for name in recipe.quantize.layers if name not in names), None)
    if unknown is not None:
        raise ValueError(f"has {unknown} in quantize.layers, which is not a layer{nearest(unknown, names)}")
    if recipe.network.tokens and recipe.train.augment != AugmentSection():
        raise ValueError("has train.augment, which changes measured values, and an embedding, which reads tokens")
    if recipe.train.augment.splice and isinstance(recipe.data, EventOptions):
        raise ValueError("has train.augment.splice, and events by entity differ in length; remove it")
    if recipe.train.token_dropout and not recipe.network.tokens:
        raise ValueError("has train.token_dropout and no embedding, which reads tokens; remove it")
    if recipe.train.made_texts and not isinstance(recipe.data, TextData):
        raise ValueError("has train.made_texts, and its data is no texts; remove it")
    _tokens(recipe)
    _task(recipe)
    _decisions(recipe)
    misplaced = next((name for name, one in recipe.targets.items() if one.board and name != "c"), None)
    if misplaced is not None:
        raise ValueError(f"has targets.{misplaced}.board, and only C runs on boards; move it to targets.c")
    gates = recipe.verify.gates
    drift = (gates.agreement_min, gates.metric_drop_max, gates.metric_drop_share_max)
    if recipe.quantize.state == "auto" and drift == (None, None, None):
        raise ValueError("has quantize.state: auto and no gate on drift; set verify.gates.agreement_min")


def _tokens(recipe: Recipe) -> None:
    """Texts and items are read through an embedding with a row for every word or item."""
    first = recipe.network.choices()[0]
    if not isinstance(recipe.data, TextData | RunningTextData | ParallelTextData | ItemOptions):
        if recipe.network.tokens and first.options.entries is None:
            raise ValueError("needs entries in network.layers.0.embedding: how many tokens the data has")
        return
    if not recipe.network.tokens:
        raise ValueError(
            f"has {'items' if isinstance(recipe.data, ItemOptions) else 'texts'} as data and {first.kind} as its "
            "first layer; begin with an embedding: {units: 32}"
        )
    if first.options.entries is not None and first.options.entries < recipe.data.vocabulary:
        raise ValueError(
            f"has data.vocabulary {recipe.data.vocabulary}, and network.layers.0.embedding has entries for "
            f"{first.options.entries}; leave entries out, or set it to {recipe.data.vocabulary}"
        )
    if not recipe.network.streams and isinstance(recipe.data, TextData) and not recipe.data.pad:
        raise ValueError(
            "has texts as data, which end after different steps, and a bidirectional layer, which reads whole "
            "windows; add data.pad: true, or remove bidirectional"
        )


def _decisions(recipe: Recipe) -> None:
    """A rule decides on outputs of one kind, which are logits, after every step."""
    _gates(recipe)
    if recipe.decide is None:
        return
    rule, task = recipe.decide.rule, recipe.data.task
    if isinstance(recipe.decide, WordsSection):
        if not isinstance(recipe.data, SpeechData):
            raise ValueError("has decide, which needs words along a stream: audio, and no bidirectional layer")
    elif isinstance(recipe.decide, AlarmSection):
        _alarms(recipe, recipe.decide)
    elif task != "next":
        raise ValueError(f"has decide.rule: {rule}, which is for data that asks what comes next; remove it")
    if isinstance(recipe.decide, TopSection):
        _top(recipe, recipe.decide)
    if not recipe.network.streams:
        raise ValueError(f"has decide.rule: {rule} and a bidirectional layer, which has no stream; remove one")
    if recipe.network.choices()[-1].options.activation != "linear":
        raise ValueError("has decide, which takes the softmax itself, and a last layer that is not linear")
    if recipe.judged_before_refit and recipe.prune and recipe.prune.sparsity:
        raise ValueError(
            "has prune, train.refit and decide.threshold: auto; no network that is pruned could choose it on "
            "validation that it has not seen: remove one of them, or give the threshold"
        )


def _top(recipe: Recipe, section: TopSection) -> None:
    """A list leaves out what a basket has where that is not asked for, and only there."""
    if not isinstance(recipe.data, ItemOptions):
        raise ValueError("has decide.rule: top, which is for baskets of items; remove it")
    if section.exclude_seen != (recipe.data.repeats == "drop"):
        raise ValueError(
            f"has data.repeats: {recipe.data.repeats} and decide.exclude_seen: "
            f"{str(section.exclude_seen).lower()}; what comes again is a candidate, what does not is none"
        )
    if section.count >= recipe.data.vocabulary:
        raise ValueError(
            f"has decide.count {section.count} and data.vocabulary {recipe.data.vocabulary}, which has no more; "
            "lower the count"
        )


def _gates(recipe: Recipe) -> None:
    """Gates on anomalies need alarms, and labels to hold them to."""
    asked = next((name for name in DETECTION_GATES if getattr(recipe.verify.gates, name) is not None), None)
    if asked and not isinstance(recipe.decide, AlarmSection):
        raise ValueError(f"has verify.gates.{asked}, which is of alarms; add decide: {{rule: alarm}}")
    if asked and isinstance(recipe.data, SeriesData) and recipe.data.anomaly is None:
        raise ValueError(f"has verify.gates.{asked} and no labels; name their column as data.anomaly")


def _alarms(recipe: Recipe, section: AlarmSection) -> None:
    """Alarms come from forecasts after every frame, and the sum of their errors fits an int32."""
    if not isinstance(recipe.data, ForecastData):
        raise ValueError("has decide.rule: alarm, which needs forecasts of a series; remove it")
    if _strided(recipe):
        raise ValueError(
            f"has decide.rule: alarm, which asks after every frame, and {_strided(recipe)} has a stride"
        )
    if section.smooth * recipe.data.horizon > LONGEST:
        raise ValueError(
            f"has decide.smooth {section.smooth} and data.horizon {recipe.data.horizon}, whose product is above "
            f"{LONGEST}; lower one of them"
        )


def _task(recipe: Recipe) -> None:
    """What the data is for decides what can be asked of it."""
    task, verify = recipe.data.task, recipe.verify
    if isinstance(recipe.data, SpeechData) != bool(recipe.features.log_mel):
        raise ValueError(
            f"has the source {recipe.data.source}; audio needs features: {{log_mel: {{}}}}, and only audio has it"
        )
    if verify.metric and verify.metric not in recipe.metrics:
        raise ValueError(f"has verify.metric {verify.metric}; data like this has: {', '.join(recipe.metrics)}")
    known = baselines_of(recipe.data)
    foreign = next((name for name in verify.baseline if name not in known), None)
    if foreign:
        raise ValueError(f"has verify.baseline {foreign}; data like this has: {', '.join(known)}")
    if "seasonal_naive" in verify.baseline and getattr(recipe.data, "season", None) is None:
        raise ValueError(
            "has verify.baseline seasonal_naive and no data.season; say after how many frames it repeats"
        )
    if recipe.train.class_weights != "none" and task != "classify":
        raise ValueError("has train.class_weights, and its data asks for no class; remove it")
    if recipe.train.regression_loss != "squared" and task != "regress":
        raise ValueError("has train.regression_loss, and its data asks for no quantity; remove it")
    if task == "next":
        _next(recipe)
    if recipe.train.carry:
        _carry(recipe)
    if recipe.train.truncate:
        _truncation(recipe)
    last = recipe.network.choices()[-1].options
    if task == "regress" and (last.activation != "linear" or last.batch_norm or not last.bias):
        raise ValueError("has a last layer that gives no quantities; of a regression it is linear, with a bias")


def _next(recipe: Recipe) -> None:
    """What comes next is asked after every frame, by a network that has not seen it."""
    if _strided(recipe):
        raise ValueError(f"asks what comes next after every frame, and {_strided(recipe)} has a stride; remove it")
    if not recipe.network.streams:
        raise ValueError("asks what comes next, and a bidirectional layer has seen it; remove bidirectional")


def _carry(recipe: Recipe) -> None:
    """A window can begin where another of the same length has ended."""
    _states(recipe, "carry", ("dense", "embedding", "layer_norm", "conv"), "windows")
    if isinstance(recipe.data, EventOptions | TextData | ParallelTextData | ItemOptions):
        raise ValueError("has train.carry, and its sequences differ in length; remove it")


def _truncation(recipe: Recipe) -> None:
    _states(recipe, "truncate", ("dense", "embedding", "layer_norm"), "segments")
    if recipe.quantize.qat and recipe.quantize.qat.epochs:
        raise ValueError("has train.truncate and quantize.qat, which sees whole windows; remove one of them")
    if isinstance(recipe.data, ItemOptions) and recipe.data.repeats == "drop":
        raise ValueError(
            "has train.truncate and data.repeats: drop, which looks at whole baskets; remove train.truncate"
        )


def _states(recipe: Recipe, key: str, others: tuple[str, ...], between: str) -> None:
    """Only states that Keras can take over go on between windows or segments; `others` have none that must."""
    for name, kind, options in recipe.network.choices():
        recurrent = kind in CELLS and KINDS[kind].KERAS and not options.bidirectional
        if not recurrent and kind not in others:
            raise ValueError(f"has train.{key} and {name}, whose state cannot go on between {between}; remove one")
    if recipe.prune and recipe.prune.sparsity and not recipe.prune.block:
        raise ValueError(f"has train.{key} and prune without block, which sees whole windows; add block: [1, 1]")


def _strided(recipe: Recipe) -> str | None:
    """The first layer with a stride, which makes a step take several frames."""
    choices = recipe.network.choices()
    return next((name for name, _, options in choices if getattr(options, "stride", 1) > 1), None)
