"""The recipe: everything that decides what a build makes, validated before any work starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, field_validator, model_validator

from edgernn import profiles, strict_yaml
from edgernn.baselines import BASELINES, baselines_of
from edgernn.cells import CELLS
from edgernn.datasets.audio_sections import SpeechData
from edgernn.datasets.event_sections import EventOptions
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.parallel_text_sections import ParallelTextData
from edgernn.datasets.running_text_sections import RunningTextData
from edgernn.datasets.sections import DataField, ForecastData, SeriesData, TextData
from edgernn.decide.alarm import LONGEST
from edgernn.decide_sections import AlarmSection, DecideField, StreamedSection, TopSection, WordsSection
from edgernn.engines import ENGINES
from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel
from edgernn.features.sections import FeaturesSection
from edgernn.metric import METRICS, Judge, metrics_of
from edgernn.network import KINDS, Form, Granularity, IntegerPrecision, Precision
from edgernn.network_section import NetworkSection
from edgernn.section import LIST_OR_ONE, NULL_IS_EMPTY, Flag, Number, Section, Whole, nearest, recipe_name, validate
from edgernn.support import SLOW, refusal
from edgernn.target_sections import DEFAULT_TARGETS, BoardSection, TargetSection
from edgernn.targets import TARGETS, Combination
from edgernn.train_sections import AugmentSection, Positive, PruneSection, QatSection, Share, TrainSection


class QuantizeSection(Section):
    """How the integer network gets its scales."""

    precision: Literal["int8"] = "int8"  # of the layers that `layers` does not name
    layers: dict[str, IntegerPrecision] = Field(
        default_factory=dict
    )  # by name, as in {gru_2: int16x8}: more exact activations and states
    # `auto` finds the cheapest mix of int8 and int16x8 layers that keeps the integer outputs within `drift_max`
    choose: Literal["given", "auto"] = "given"
    # mean |integer - float| over the calibration streams, in standard deviations of the float outputs
    drift_max: Annotated[Number, Field(gt=0, le=1)] | None = None
    weights: Granularity = "tensor"  # one scale a matrix, as NPUs and TFLite's specification have it, or a row
    # of the recurrent states in TFLite and ONNX; the C code always keeps int16. `auto` takes int8 where the gates
    # on drift hold with it on the calibration windows
    state: Literal["int8", "int16", "auto"] = "int16"
    calibration: Literal["minmax", "percentile", "mse"] = "minmax"
    # the share of values that the ranges keep; half of the rest is left out at either end
    percentile: Annotated[Number, Field(ge=99.9, le=100)] = 99.99
    # the share of a state's values over the calibration streams that may lie at the end of its integer type
    saturation_max: Share = 0.01
    qat: QatSection | None = None  # after the ranges are known; without this section weights stay as trained

    @model_validator(mode="after")
    def _chosen(self) -> QuantizeSection:
        if self.choose == "auto" and self.drift_max is None:
            raise ValueError("has choose: auto and no drift_max; say how much drift it may cost, as in 0.02")
        if self.choose == "auto" and self.layers:
            raise ValueError("has choose: auto and layers; remove one of them")
        if self.choose == "given" and self.drift_max is not None:
            raise ValueError("has drift_max, which belongs to choose: auto; add that or remove drift_max")
        return self


def _by_step(value: object) -> object:
    """Steps are the keys of a mapping: whole numbers, or their digits, which is how --set and JSON give them."""
    if not isinstance(value, Mapping):
        return value
    wrong = next((step for step in value if not re.fullmatch("[1-9][0-9]{0,8}", str(step))), None)
    if wrong is not None:
        raise ValueError(f"has the step {wrong!r}; a step is a whole number from 1, as in {{10000: 0.02}}")
    return {int(step): limit for step, limit in value.items()}


ErrorLimits = Annotated[
    dict[int, Annotated[Number, Field(ge=0)]],
    Field(min_length=1),
    BeforeValidator(_by_step),
]


class Gates(Section):
    """Limits that make a build fail; one that is not given is not checked."""

    # what the worst quantised artifact loses against float, in the metric's unit: 0.01 of accuracy is a point
    metric_drop_max: Annotated[Number, Field(ge=0)] | None = None
    metric_drop_share_max: Share | None = None  # the same as a share of the float metric
    # share of windows where the worst quantised artifact decides as float
    agreement_min: Annotated[Number, Field(ge=0, le=1)] | None = None
    metric_above_baseline: Flag | None = None  # the float metric must be above that of `verify.baseline`
    # bytes of model.int8.tflite / model.float32.tflite
    size_ratio_max: Annotated[Number, Field(gt=0)] | None = None
    parameters_max: Positive | None = None  # of the float network
    # of anomalies along the test, for rule: alarm, and for the worst of the float network and the quantised ones:
    detection_auc_min: Annotated[Number, Field(ge=0, le=1)] | None = None  # the area under the ROC curve
    detection_auc_drop_max: Annotated[Number, Field(ge=0, le=1)] | None = None  # what it loses against float
    detection_above_baseline: Flag | None = None  # that area must be above that of every discord
    detection_top: Flag | None = None  # the largest score must be of an anomaly
    false_alarms_max: Annotated[Whole, Field(ge=0)] | None = None
    # largest error of a state, and of an output, of the worst quantised step model at a step of the long stream, as
    # in {10000: 0.02}; taken over the last eighth of the steps so far, of which 64 are looked at
    max_state_error_at: ErrorLimits | None = None
    max_output_error_at: ErrorLimits | None = None


DETECTION_GATES = (
    *("detection_auc_min", "detection_auc_drop_max", "detection_above_baseline", "detection_top"),
    "false_alarms_max",
)


class StreamSection(Section):
    """The long stream that step models are held to: windows of the test split laid end to end, never reset."""

    steps: Annotated[Whole, Field(gt=0, le=10_000_000)] = 10_000
    streams: Annotated[Whole, Field(gt=0, le=1000)] = 1  # side by side, each with windows of its own


def _engines(value: object) -> str | tuple[str, ...]:
    if value == "all":
        return "all"
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"must be all, or a list of: {', '.join(ENGINES)}")
    for name in value:
        if name not in ENGINES:
            raise ValueError(f"has {name!r}, which is not an engine{nearest(str(name), ENGINES)}")
    return tuple(value)


def _metric(value: str) -> str:
    if value not in METRICS:
        raise ValueError(f"is {value!r}, which is not a metric{nearest(value, METRICS)}")
    return value


def _baselines(value: object) -> tuple[object, ...]:
    names = tuple(value) if isinstance(value, list | tuple) else (value,)
    for name in names:
        if not isinstance(name, str) or name not in BASELINES:
            raise ValueError(f"has {name!r}, which is not a baseline{nearest(str(name), BASELINES)}")
    return names


class VerifySection(Section):
    """What the artifacts are held to."""

    engines: Annotated[Literal["all"] | tuple[str, ...], PlainValidator(_engines), LIST_OR_ONE] = "all"
    metric: Annotated[str, AfterValidator(_metric)] | None = None  # of the data's task; default: its first one
    # of a regression: as far apart as two outputs may be that agree, in standard deviations of the float outputs
    tolerance: Annotated[Number, Field(gt=0, le=1)] = 0.1
    # simple methods to beat, all of them; default: the first for the task
    baseline: Annotated[tuple[str, ...], BeforeValidator(_baselines)] = ()
    stream: Annotated[StreamSection, NULL_IS_EMPTY] = StreamSection()
    gates: Annotated[Gates, NULL_IS_EMPTY] = Gates()

    @model_validator(mode="after")
    def _within_the_stream(self) -> VerifySection:
        for name in ("max_state_error_at", "max_output_error_at"):
            last = max(getattr(self.gates, name) or {0: 0.0})
            if last > self.stream.steps:
                raise ValueError(
                    f"has a limit at step {last} in gates.{name}, and its stream ends at step "
                    f"{self.stream.steps}; raise verify.stream.steps or name an earlier step"
                )
        return self


class BenchmarkSection(Section):
    """How latency is measured: one example at a time."""

    runs: Annotated[Whole, Field(gt=0, le=1_000_000)] = 100
    warmup: Annotated[Whole, Field(ge=0, le=1_000_000)] = 10
    threads: Annotated[Whole, Field(gt=0, le=1024)] = 1


class Recipe(Section):
    """A whole recipe; only `name`, `data` and `network` have no defaults."""

    name: str  # names the build folder and the C symbols
    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 0
    data: DataField
    features: Annotated[FeaturesSection, NULL_IS_EMPTY] = FeaturesSection()
    network: NetworkSection
    train: Annotated[TrainSection, NULL_IS_EMPTY] = TrainSection()
    prune: PruneSection | None = None
    decide: DecideField | None = None  # without this section there are scores and no decisions
    quantize: Annotated[QuantizeSection, NULL_IS_EMPTY] = QuantizeSection()
    targets: Annotated[
        dict[str, Annotated[TargetSection, NULL_IS_EMPTY]],
        Field(min_length=1),
    ] = DEFAULT_TARGETS
    verify: Annotated[VerifySection, NULL_IS_EMPTY] = VerifySection()
    benchmark: Annotated[BenchmarkSection, NULL_IS_EMPTY] = BenchmarkSection()

    @field_validator("name")
    @classmethod
    def _identifier(cls, value: str) -> str:
        return recipe_name(value)

    @model_validator(mode="after")
    def _fitting(self) -> Recipe:
        """What one section says of another must be there."""
        names = [choice.name for choice in self.network.choices()]
        unknown = next((name for name in self.quantize.layers if name not in names), None)
        if unknown is not None:
            raise ValueError(f"has {unknown} in quantize.layers, which is not a layer{nearest(unknown, names)}")
        if self.network.tokens and self.train.augment != AugmentSection():
            raise ValueError(
                "has train.augment, which changes measured values, and an embedding, which reads tokens"
            )
        if self.train.augment.splice and isinstance(self.data, EventOptions):
            raise ValueError("has train.augment.splice, and events by entity differ in length; remove it")
        if self.train.token_dropout and not self.network.tokens:
            raise ValueError("has train.token_dropout and no embedding, which reads tokens; remove it")
        if self.train.made_texts and not isinstance(self.data, TextData):
            raise ValueError("has train.made_texts, and its data is no texts; remove it")
        self._fitting_tokens()
        self._fitting_task()
        self._fitting_decisions()
        misplaced = next((name for name, one in self.targets.items() if one.board and name != "c"), None)
        if misplaced is not None:
            raise ValueError(f"has targets.{misplaced}.board, and only C runs on boards; move it to targets.c")
        gates = self.verify.gates
        drift = (gates.agreement_min, gates.metric_drop_max, gates.metric_drop_share_max)
        if self.quantize.state == "auto" and drift == (None, None, None):
            raise ValueError("has quantize.state: auto and no gate on drift; set verify.gates.agreement_min")
        return self

    def _fitting_tokens(self) -> None:
        """Texts and items are read through an embedding with a row for every word or item."""
        first = self.network.choices()[0]
        if not isinstance(self.data, TextData | RunningTextData | ParallelTextData | ItemOptions):
            if self.network.tokens and first.options.entries is None:
                raise ValueError("needs entries in network.layers.0.embedding: how many tokens the data has")
            return
        if not self.network.tokens:
            raise ValueError(
                f"has {'items' if isinstance(self.data, ItemOptions) else 'texts'} as data and {first.kind} as its "
                "first layer; begin with an embedding: {units: 32}"
            )
        if first.options.entries is not None and first.options.entries < self.data.vocabulary:
            raise ValueError(
                f"has data.vocabulary {self.data.vocabulary}, and network.layers.0.embedding has entries for "
                f"{first.options.entries}; leave entries out, or set it to {self.data.vocabulary}"
            )
        if not self.network.streams and isinstance(self.data, TextData) and not self.data.pad:
            raise ValueError(
                "has texts as data, which end after different steps, and a bidirectional layer, which reads whole "
                "windows; add data.pad: true, or remove bidirectional"
            )

    def _fitting_decisions(self) -> None:
        """A rule decides on outputs of one kind, which are logits, after every step."""
        self._fitting_gates()
        if self.decide is None:
            return
        rule, task = self.decide.rule, self.data.task
        if isinstance(self.decide, WordsSection):
            if not isinstance(self.data, SpeechData):
                raise ValueError("has decide, which needs words along a stream: audio, and no bidirectional layer")
        elif isinstance(self.decide, AlarmSection):
            self._fitting_alarms(self.decide)
        elif task != "next":
            raise ValueError(f"has decide.rule: {rule}, which is for data that asks what comes next; remove it")
        if isinstance(self.decide, TopSection):
            self._fitting_top(self.decide)
        if not self.network.streams:
            raise ValueError(f"has decide.rule: {rule} and a bidirectional layer, which has no stream; remove one")
        if self.network.choices()[-1].options.activation != "linear":
            raise ValueError("has decide, which takes the softmax itself, and a last layer that is not linear")
        if self.judged_before_refit and self.prune and self.prune.sparsity:
            raise ValueError(
                "has prune, train.refit and decide.threshold: auto; no network that is pruned could choose it on "
                "validation that it has not seen: remove one of them, or give the threshold"
            )

    def _fitting_top(self, section: TopSection) -> None:
        """A list leaves out what a basket has where that is not asked for, and only there."""
        if not isinstance(self.data, ItemOptions):
            raise ValueError("has decide.rule: top, which is for baskets of items; remove it")
        if section.exclude_seen != (self.data.repeats == "drop"):
            raise ValueError(
                f"has data.repeats: {self.data.repeats} and decide.exclude_seen: "
                f"{str(section.exclude_seen).lower()}; what comes again is a candidate, what does not is none"
            )
        if section.count >= self.data.vocabulary:
            raise ValueError(
                f"has decide.count {section.count} and data.vocabulary {self.data.vocabulary}, which has no more; "
                "lower the count"
            )

    def _fitting_gates(self) -> None:
        """Gates on anomalies need alarms, and labels to hold them to."""
        asked = next((name for name in DETECTION_GATES if getattr(self.verify.gates, name) is not None), None)
        if asked and not isinstance(self.decide, AlarmSection):
            raise ValueError(f"has verify.gates.{asked}, which is of alarms; add decide: {{rule: alarm}}")
        if asked and isinstance(self.data, SeriesData) and self.data.anomaly is None:
            raise ValueError(f"has verify.gates.{asked} and no labels; name their column as data.anomaly")

    def _fitting_alarms(self, section: AlarmSection) -> None:
        """Alarms come from forecasts after every frame, and the sum of their errors fits an int32."""
        if not isinstance(self.data, ForecastData):
            raise ValueError("has decide.rule: alarm, which needs forecasts of a series; remove it")
        if self._strided:
            raise ValueError(
                f"has decide.rule: alarm, which asks after every frame, and {self._strided} has a stride"
            )
        if section.smooth * self.data.horizon > LONGEST:
            raise ValueError(
                f"has decide.smooth {section.smooth} and data.horizon {self.data.horizon}, whose product is above "
                f"{LONGEST}; lower one of them"
            )

    def _fitting_task(self) -> None:
        """What the data is for decides what can be asked of it."""
        task, verify = self.data.task, self.verify
        if isinstance(self.data, SpeechData) != bool(self.features.log_mel):
            raise ValueError(
                f"has the source {self.data.source}; audio needs features: {{log_mel: {{}}}}, and only audio has it"
            )
        if verify.metric and verify.metric not in self._metrics:
            raise ValueError(f"has verify.metric {verify.metric}; data like this has: {', '.join(self._metrics)}")
        known = baselines_of(self.data)
        foreign = next((name for name in verify.baseline if name not in known), None)
        if foreign:
            raise ValueError(f"has verify.baseline {foreign}; data like this has: {', '.join(known)}")
        if "seasonal_naive" in verify.baseline and getattr(self.data, "season", None) is None:
            raise ValueError(
                "has verify.baseline seasonal_naive and no data.season; say after how many frames it repeats"
            )
        if self.train.class_weights != "none" and task != "classify":
            raise ValueError("has train.class_weights, and its data asks for no class; remove it")
        if self.train.regression_loss != "squared" and task != "regress":
            raise ValueError("has train.regression_loss, and its data asks for no quantity; remove it")
        if task == "next":
            self._fitting_next()
        if self.train.carry:
            self._fitting_carry()
        if self.train.truncate:
            self._fitting_truncation()
        last = self.network.choices()[-1].options
        if task == "regress" and (last.activation != "linear" or last.batch_norm or not last.bias):
            raise ValueError("has a last layer that gives no quantities; of a regression it is linear, with a bias")

    def _fitting_next(self) -> None:
        """What comes next is asked after every frame, by a network that has not seen it."""
        if self._strided:
            raise ValueError(f"asks what comes next after every frame, and {self._strided} has a stride; remove it")
        if not self.network.streams:
            raise ValueError("asks what comes next, and a bidirectional layer has seen it; remove bidirectional")

    def _fitting_carry(self) -> None:
        """A window can begin where another of the same length has ended."""
        self._fitting_states("carry", ("dense", "embedding", "layer_norm", "conv"), "windows")
        if isinstance(self.data, EventOptions | TextData | ItemOptions):
            raise ValueError("has train.carry, and its sequences differ in length; remove it")

    def _fitting_truncation(self) -> None:
        self._fitting_states("truncate", ("dense", "embedding", "layer_norm"), "segments")
        if self.quantize.qat and self.quantize.qat.epochs:
            raise ValueError("has train.truncate and quantize.qat, which sees whole windows; remove one of them")

    def _fitting_states(self, key: str, others: tuple[str, ...], between: str) -> None:
        """Only states that Keras can take over go on between windows or segments; `others` have none that must."""
        for name, kind, options in self.network.choices():
            recurrent = kind in CELLS and KINDS[kind].KERAS and not options.bidirectional
            if not recurrent and kind not in others:
                raise ValueError(
                    f"has train.{key} and {name}, whose state cannot go on between {between}; remove one"
                )
        if self.prune and self.prune.sparsity and not self.prune.block:
            raise ValueError(
                f"has train.{key} and prune without block, which sees whole windows; add block: [1, 1]"
            )

    @property
    def judge(self) -> Judge:
        """What outputs are held to."""
        return Judge(METRICS[self.verify.metric or self._metrics[0]], self.verify.tolerance)

    @property
    def _strided(self) -> str | None:
        """The first layer with a stride, which makes a step take several frames."""
        choices = self.network.choices()
        return next((name for name, _, options in choices if getattr(options, "stride", 1) > 1), None)

    @property
    def _metrics(self) -> list[str]:
        """The names of the metrics for data like this, its default first; of items, scores are no logarithms."""
        return ["recall_at_20"] if isinstance(self.data, ItemOptions) else metrics_of(self.data.task)

    @property
    def baselines(self) -> tuple[str, ...]:
        """The simple methods to beat."""
        default = baselines_of(self.data)[:1]
        return self.verify.baseline or tuple(default)

    @property
    def judged_before_refit(self) -> bool:
        """Whether validation is to choose a threshold, and the network that is shipped has learned from it."""
        return self.train.refit and isinstance(self.decide, StreamedSection) and self.decide.threshold == "auto"

    @property
    def log_mel(self) -> LogMel | None:
        """What makes the frames of audio; None of other data."""
        return self.features.log_mel.extractor() if self.features.log_mel else None

    @property
    def board(self) -> BoardSection | None:
        """The board that the C code must fit."""
        return self.targets["c"].board if "c" in self.targets else None

    def artifacts(self) -> tuple[Combination, ...]:
        """What to write, in a fixed order; a C folder serves both forms and is `step` where there is one.

        Raises:
            InputError: a target is unknown, has none of the asked combinations, or not a form that is asked for.
        """
        unknown = next((name for name in self.targets if name not in TARGETS), None)
        if unknown is not None:
            raise InputError(f"targets.{unknown} is not a known target{nearest(unknown, TARGETS)}")
        return tuple(one for name in TARGETS if name in self.targets for one in self._of_target(name))

    def _of_target(self, name: str) -> list[Combination]:
        section, layers = self.targets[name], self.network.choices()
        forms = self._forms(name, section)
        asked = [Combination(name, f, p) for f in get_args(Form) if f in forms for p in get_args(Precision)]
        asked = [one for one in asked if one.precision in section.precisions]
        reasons = {one: refusal(layers, one) or _held_back(one, section) for one in asked}
        for form in forms if section.forms else ():
            of_form = [reasons[one] for one in asked if one.form == form]
            if all(of_form):
                raise InputError(f"targets.{name}.forms asks for {form}, and {of_form[0]}")
        found = [one for one in asked if not reasons[one]]
        if not found:
            everything = (Combination(name, f, p) for f in get_args(Form) for p in get_args(Precision))
            has = ", ".join(f"{one.form} {one.precision}" for one in everything if not refusal(layers, one))
            reason = next(iter(reasons.values()))
            raise InputError(f"targets.{name} has nothing of what it asks for: {reason}; it has: {has}")
        return found

    def _forms(self, name: str, section: TargetSection) -> tuple[Form, ...]:
        """A C folder serves both forms: it is asked for by its step form where there is one."""
        if name == "c" and (section.forms is None or len(section.forms) > 1 or self.network.streams):
            return ("step",) if self.network.streams else ("sequence",)
        return section.forms or get_args(Form)


def _held_back(combination: Combination, section: TargetSection) -> str:
    slow = combination.target == "onnx" and combination.form == "sequence"
    integer = combination.precision in get_args(IntegerPrecision)
    return SLOW if slow and integer and not section.integer_sequence else ""


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, after its profile and `overrides` of the form `section.key=value`.

    Raises:
        InputError: the file, an override or the recipe is wrong; one line.
    """
    recipe = validate(Recipe, profiles.document(path, overrides), str(path))
    try:
        recipe.artifacts()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return recipe


def dump(recipe: Recipe) -> str:
    """The recipe as YAML with every default written out; `load` reads it back as an equal recipe."""
    return strict_yaml.write(recipe.model_dump(mode="json", exclude_none=True))
