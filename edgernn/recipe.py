"""The recipe: everything that decides what a build makes, validated before any work starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, field_validator, model_validator

from edgernn import profiles, strict_yaml
from edgernn.baselines import BASELINES, baselines_of
from edgernn.datasets.item_sections import ItemOptions
from edgernn.datasets.sections import DataField
from edgernn.decide_sections import DecideField, StreamedSection
from edgernn.engines import ENGINES
from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel
from edgernn.features.sections import FeaturesSection
from edgernn.metric import METRICS, Judge, metrics_of
from edgernn.misfits import refuse_misfit
from edgernn.network import Form, Granularity, IntegerPrecision, Precision
from edgernn.network_section import NetworkSection
from edgernn.section import LIST_OR_ONE, NULL_IS_EMPTY, Flag, Number, Section, Whole, nearest, recipe_name, validate
from edgernn.support import SLOW, refusal
from edgernn.target_sections import DEFAULT_TARGETS, BoardSection, TargetSection
from edgernn.targets import TARGETS, Combination
from edgernn.train_sections import Positive, PruneSection, QatSection, Share, TrainSection


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
        refuse_misfit(self)
        return self

    @property
    def judge(self) -> Judge:
        """What outputs are held to."""
        return Judge(METRICS[self.verify.metric or self.metrics[0]], self.verify.tolerance)

    @property
    def metrics(self) -> list[str]:
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
