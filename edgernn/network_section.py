"""The recipe's network: its layers, and which of them can stand where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, NamedTuple

from pydantic import Discriminator, Field, Tag, create_model, model_validator

from edgernn.cells import CELLS
from edgernn.errors import InputError
from edgernn.network import KINDS, Layer
from edgernn.section import NULL_IS_EMPTY, Flag, Section, nearest


class LayerChoice(NamedTuple):
    """One layer to build: its name in the network, a key of `KINDS`, and its options."""

    name: str
    kind: str
    options: Any

    @property
    def bidirectional(self) -> bool:
        return bool(getattr(self.options, "bidirectional", False))


def _entry(kind: str) -> Any:
    """The model of `- kind: {options}`."""
    options = (Annotated[KINDS[kind].Options, NULL_IS_EMPTY], ...)
    return create_model(f"{kind}_layer", __base__=Section, **{kind: options})  # type: ignore[call-overload]


def _kind_of(value: Any) -> str:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((kind for kind in KINDS if kind in keys), next(iter(KINDS)))


_ENTRIES = [Annotated[_entry(kind), Tag(kind)] for kind in KINDS]
LayerField: Any = Annotated[reduce(or_, _ENTRIES), Discriminator(_kind_of)]


class NetworkSection(Section):
    """The layers in order, each a mapping with one key: `- gru: {units: 32}`."""

    layers: Annotated[tuple[LayerField, ...], Field(min_length=1)]
    # a sequence model gives the result after every step, not only that after the last one
    every_step: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        """Before the options: those of another layer would only be told to be unknown."""
        entries = values.get("layers") if isinstance(values, Mapping) else None
        for index, entry in enumerate(entries if isinstance(entries, list | tuple) else ()):
            if isinstance(entry, Mapping) and len(entry) != 1:
                raise ValueError(f"has {len(entry)} keys in layers.{index}; write one layer an item")
            kind = next(iter(entry)) if isinstance(entry, Mapping) else ""
            if kind and kind not in KINDS:
                raise ValueError(f"has {kind} in layers.{index}, which is not a layer{nearest(str(kind), KINDS)}")
        return values

    @model_validator(mode="after")
    def _stackable(self) -> NetworkSection:
        choices = self.choices()
        for index, (_, kind, options) in enumerate(choices):
            if kind == "dense" and options.units is None and index + 1 < len(choices):
                raise ValueError(f"needs units in layers.{index}.dense, as in dense: {{units: 32}}")
            if kind == "embedding" and index:
                raise ValueError(f"has an embedding in layers.{index}; it reads tokens, so it must come first")
        if choices[-1].kind != "dense":
            raise ValueError(f"ends with {choices[-1].kind}; the last layer must be dense, one unit a class")
        if not {kind for _, kind, _ in choices} & set(CELLS):
            raise ValueError(f"has no recurrent layer; add one of: {', '.join(CELLS)}")
        return self

    def choices(self) -> tuple[LayerChoice, ...]:
        """The layers with their names: gru, gru_2, dense."""
        kinds = [_kind_of(entry) for entry in self.layers]
        names = layer_names(kinds)
        pairs = zip(names, kinds, self.layers, strict=True)
        return tuple(LayerChoice(name, kind, getattr(entry, kind)) for name, kind, entry in pairs)

    def stack(self, outputs: int, entries: int | None = None) -> tuple[LayerChoice, ...]:
        """The layers, the last with one unit for each class or quantity: `outputs`.

        An embedding that the recipe gives no size has `entries`.

        Raises:
            InputError: the recipe gives the last layer another number of units.
        """
        first, *between, last = self.choices()
        if first.kind == "embedding" and first.options.entries is None:
            first = first._replace(options=first.options.model_copy(update={"entries": entries}))
        others = (first, *between)
        if last.options.units not in (None, outputs):
            where = f"network.layers.{len(others)}.dense.units"
            raise InputError(
                f"{where} is {last.options.units}, but the data asks for {outputs}, one a class or a quantity; "
                "remove it or correct it"
            )
        return (*others, last._replace(options=last.options.model_copy(update={"units": outputs})))

    @property
    def streams(self) -> bool:
        """Whether it has a step form."""
        return not any(choice.bidirectional for choice in self.choices())

    @property
    def tokens(self) -> bool:
        return self.choices()[0].kind == "embedding"


def without_weights(choices: Sequence[LayerChoice], inputs: int) -> tuple[Layer, ...]:
    """The layers of a network whose frames have `inputs` elements, before they have weights."""
    layers: list[Layer] = []
    for name, kind, options in choices:
        width = layers[-1].outputs if layers else inputs
        layers.append(Layer(name, kind, width, options, ()))
    return tuple(layers)


def layer_names(kinds: Sequence[str]) -> list[str]:
    """Layers are named for their kind: the second GRU is gru_2."""
    counts = [1 + kinds[:index].count(kind) for index, kind in enumerate(kinds)]
    return [kind if count == 1 else f"{kind}_{count}" for kind, count in zip(kinds, counts, strict=True)]
