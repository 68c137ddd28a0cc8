"""The recipe: everything that decides what a build makes, validated before any work starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field, PlainValidator, field_validator, model_validator

from edgernn import strict_yaml
from edgernn.cells import CELLS
from edgernn.datasets.sections import DataField
from edgernn.engines import ENGINES
from edgernn.errors import InputError
from edgernn.network import KINDS, Form, Granularity, Precision, StateType
from edgernn.section import NULL_IS_EMPTY, Flag, Number, Section, Whole, nearest, recipe_name, validate
from edgernn.targets import TARGETS, supported

Positive = Annotated[Whole, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Rate = Annotated[Number, Field(gt=0, le=1)]


class FeaturesSection(Section):
    """What happens to a frame before the network sees it."""

    normalize: Literal["standard", "none"] = "standard"  # (x - mean) / std by channel, of the training windows


class LayerOptions(Section):
    """Options of one layer; `units` may be left out of the last layer, which has one unit a class."""

    units: Annotated[Whole, Field(gt=0, le=4096)] | None = None


class LayerChoice(NamedTuple):
    """One layer to build: a key of `CELLS` or `LAYERS`, and its number of units."""

    kind: str
    units: int


class NetworkSection(Section):
    """The layers in order, each a mapping with one key: `- gru: {units: 32}`."""

    layers: Annotated[
        tuple[dict[str, Annotated[LayerOptions, NULL_IS_EMPTY]], ...],
        Field(min_length=1),
    ]

    @model_validator(mode="after")
    def _stackable(self) -> NetworkSection:
        for index, entry in enumerate(self.layers):
            if len(entry) != 1:
                raise ValueError(f"has {len(entry)} keys in layers.{index}; write one layer an item")
            (kind,) = entry
            if kind not in KINDS:
                raise ValueError(f"has {kind} in layers.{index}, which is not a layer{nearest(kind, KINDS)}")
            if entry[kind].units is None and index + 1 < len(self.layers):
                raise ValueError(f"needs units in layers.{index}.{kind}, as in {kind}: {{units: 32}}")
        kinds = [kind for entry in self.layers for kind in entry]
        if kinds[-1] != "dense":
            raise ValueError(f"ends with {kinds[-1]}; the last layer must be dense, one unit a class")
        if not set(kinds) & set(CELLS):
            raise ValueError(f"has no recurrent layer; add one of: {', '.join(CELLS)}")
        return self

    def stack(self, classes: int) -> tuple[LayerChoice, ...]:
        """The layers, the last with one unit for each of the `classes`.

        Raises:
            InputError: the recipe gives the last layer another number of units.
        """
        pairs = [pair for entry in self.layers for pair in entry.items()]
        last = pairs[-1][1].units
        if last not in (None, classes):
            where = f"network.layers.{len(pairs) - 1}.dense.units"
            raise InputError(f"{where} is {last}, but the data has {classes} classes; remove it or correct it")
        return tuple(LayerChoice(kind, options.units or classes) for kind, options in pairs)


class AugmentSection(Section):
    """Random changes to training windows, drawn anew in every epoch; 0 or an empty list is off.

    Spreads are standard deviations of normal draws, one for each window.
    """

    speed: Share = 0.0  # tempo up to 1 + speed times as fast or as slow
    rates: tuple[str, ...] = ()  # channels that grow with the tempo: angular velocities
    rate_gain: Share = 0.0  # spread of the logarithm of a factor on all of `rates`
    mirror: tuple[str, ...] = ()  # channels that change sign in every second window: the other side of the body
    rotate_degrees: Annotated[Number, Field(ge=0, le=180)] = 0.0  # spread of a turn about a random axis
    # and about the first axis; channels are x, y, z, ...
    roll_degrees: Annotated[Number, Field(ge=0, le=180)] = 0.0
    scale: Share = 0.0  # spread of a factor on each channel
    jitter: Annotated[Number, Field(ge=0, le=10)] = 0.0  # spread of noise, in units of normalised input


class TrainSection(Section):
    """How the float network is trained."""

    epochs: Annotated[Whole, Field(gt=0, le=100_000)] = 60
    batch_size: Annotated[Whole, Field(gt=0, le=65_536)] = 64
    learning_rate: Rate = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    clip_norm: Annotated[Number, Field(ge=0)] = 1.0  # of the gradient over all weights; 0 is off
    weight_decay: Share = 0.0
    dropout: Share = 0.2  # between the recurrent layers and the dense layer
    layer_dropout: Share = 0.0  # between recurrent layers
    input_dropout: Share = 0.0
    label_smoothing: Share = 0.0
    loss_from: Share = 0.5  # share of the window after which every step's output counts in the loss
    average: Share = 0.995  # memory of the running average of weights, which is what is kept; 0 is off
    patience: Positive = 15  # epochs without a better validation loss before training stops
    augment: Annotated[AugmentSection, NULL_IS_EMPTY] = AugmentSection()


class PruneSection(Section):
    """Sets the smallest weights to zero and trains the others on; without this section nothing is pruned."""

    sparsity: Share  # share of zeros in every weight matrix; 0 is off
    layers: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(KINDS)  # kinds of layers to prune
    epochs: Annotated[Whole, Field(gt=0, le=100_000)] = 10
    learning_rate: Rate = 5e-4

    @field_validator("layers")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = next((kind for kind in value if kind not in KINDS), None)
        if unknown is not None:
            raise ValueError(f"has {unknown}, which is not a layer{nearest(unknown, KINDS)}")
        return value


class QuantizeSection(Section):
    """How the integer network gets its scales."""

    precision: Literal["int8"] = "int8"
    weights: Granularity = "tensor"  # one scale a matrix, as NPUs and TFLite's specification have it, or a row
    state: StateType = "int16"  # of the hidden state in TFLite and ONNX; the C code always keeps int16
    calibration: Literal["minmax", "percentile"] = "minmax"
    # the share of values that the ranges keep; half of the rest is left out at either end
    percentile: Annotated[Number, Field(ge=99.9, le=100)] = 99.99


class TargetSection(Section):
    """Artifacts of one target: every combination of these that the target can have."""

    forms: Annotated[tuple[Form, ...], Field(min_length=1)] = ("sequence", "step")
    precisions: Annotated[tuple[Precision, ...], Field(min_length=1)] = ("float32", "dynamic", "int8")


DEFAULT_TARGETS = {
    "tflite": TargetSection(),
    "onnx": TargetSection(),
    "c": TargetSection(forms=("step",), precisions=("int8",)),
}


class Gates(Section):
    """Limits that make a build fail; one that is not given is not checked."""

    # float metric - that of the worst quantised artifact, 0.01 is a point
    metric_drop_max: Annotated[Number, Field(ge=0, le=1)] | None = None
    # share of windows where the worst quantised artifact decides as float
    agreement_min: Annotated[Number, Field(ge=0, le=1)] | None = None
    metric_above_baseline: Flag | None = None  # the float metric must be above that of `verify.baseline`
    # bytes of model.int8.tflite / model.float32.tflite
    size_ratio_max: Annotated[Number, Field(gt=0)] | None = None
    parameters_max: Positive | None = None  # of the float network


def _engines(value: object) -> str | tuple[str, ...]:
    if value == "all":
        return "all"
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"must be all, or a list of: {', '.join(ENGINES)}")
    for name in value:
        if name not in ENGINES:
            raise ValueError(f"has {name!r}, which is not an engine{nearest(str(name), ENGINES)}")
    return tuple(value)


class VerifySection(Section):
    """What the artifacts are held to."""

    engines: Annotated[Literal["all"] | tuple[str, ...], PlainValidator(_engines)] = "all"
    baseline: Literal["random_forest", "majority"] = "random_forest"
    gates: Annotated[Gates, NULL_IS_EMPTY] = Gates()


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

    def artifacts(self) -> tuple[tuple[str, Form, Precision], ...]:
        """What to write, as (target, form, precision) in a fixed order; a C folder (both forms) is `step`.

        Raises:
            InputError: a target is unknown or has none of the asked combinations.
        """
        unknown = next((name for name in self.targets if name not in TARGETS), None)
        if unknown is not None:
            raise InputError(f"targets.{unknown} is not a known target{nearest(unknown, TARGETS)}")
        possible = supported()
        return tuple(triple for name in TARGETS for triple in self._of_target(name, possible))

    def _of_target(
        self, name: str, possible: frozenset[tuple[str, Form, Precision]]
    ) -> list[tuple[str, Form, Precision]]:
        if name not in self.targets:
            return []
        section = self.targets[name]
        forms: tuple[Form, ...] = ("step",) if name == "c" else section.forms
        wanted = {(name, form, precision) for form in forms for precision in section.precisions}
        if not wanted & possible:
            offers = ", ".join(
                sorted(f"{form} {precision}" for target, form, precision in possible if target == name)
            )
            asked = f"forms {', '.join(section.forms)} with precisions {', '.join(section.precisions)}"
            raise InputError(f"targets.{name} asks for {asked}, and it has none of these; it has: {offers}")
        order = [(name, form, precision) for form in get_args(Form) for precision in get_args(Precision)]
        return [triple for triple in order if triple in wanted & possible]


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, after `overrides` of the form `section.key=value`.

    Raises:
        InputError: the file, an override or the recipe is wrong; one line.
    """
    document = strict_yaml.override(strict_yaml.read(path), overrides)
    if not isinstance(document, Mapping):
        raise InputError(f"{path}: must be a mapping with at least name, data and network")
    recipe = validate(Recipe, document, str(path))
    try:
        recipe.artifacts()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return recipe


def dump(recipe: Recipe) -> str:
    """The recipe as YAML with every default written out; `load` reads it back as an equal recipe."""
    return strict_yaml.write(recipe.model_dump(mode="json", exclude_none=True))
