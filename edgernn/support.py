"""Which artifact exists for which network: the one table that recipes are held to and README is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import get_args

from edgernn.network import KINDS, Form, Precision
from edgernn.network_section import LayerChoice
from edgernn.targets import TARGETS, Combination, target

Layers = Sequence[LayerChoice]


@dataclass(frozen=True)
class Rule:
    """Something that cannot be: artifacts of these targets, forms and precisions for networks that it `meets`."""

    meets: Callable[[LayerChoice], bool]
    targets: tuple[str, ...]
    forms: tuple[Form, ...]
    precisions: tuple[Precision, ...]
    reason: str

    def forbids(self, combination: Combination) -> bool:
        return (
            combination.target in self.targets
            and combination.form in self.forms
            and combination.precision in self.precisions
        )


ALL_FORMS: tuple[Form, ...] = get_args(Form)
ALL_PRECISIONS: tuple[Precision, ...] = get_args(Precision)

# What no target can have with some layer. What a target has with none is in its own SUPPORTED.
RULES = (
    Rule(
        lambda layer: layer.bidirectional,
        tuple(TARGETS),
        ("step",),
        ALL_PRECISIONS,
        "reads the window backwards too, so it has no step form; ask for forms: [sequence], or leave forms out",
    ),
)

MISSING: Mapping[tuple[str, str], str] = {
    ("c", "float32"): "C is for integers: float networks run on LiteRT or onnxruntime",
    ("c", "dynamic"): "C is for integers: dynamic networks run on LiteRT or onnxruntime",
}
SLOW = "onnxruntime runs an integer sequence as a slow Scan; ask for it with targets.onnx.integer_sequence: true"


def refusal(layers: Layers, combination: Combination) -> str:
    """Why an artifact cannot be for a network of these layers, naming the layer; empty when it can."""
    for rule in RULES:
        layer = next((layer for layer in layers if rule.meets(layer)), None)
        if layer and rule.forbids(combination):
            return f"{layer.name} {rule.reason}"
    if (combination.form, combination.precision) not in target(combination.target).SUPPORTED:
        key = (combination.target, combination.precision)
        return MISSING.get(key, f"{combination.target} has no {combination.form} form in {combination.precision}")
    return ""


def combinations() -> list[Combination]:
    """Every target, form and precision, whether it exists or not."""
    return [Combination(*triple) for triple in product(TARGETS, ALL_FORMS, ALL_PRECISIONS)]


def matrix() -> str:
    """The table of README: layers by target and form, with the precisions that exist."""
    columns = [(name, form) for name in TARGETS for form in ALL_FORMS]
    header = ["layer", *(f"{name} {form}" for name, form in columns)]
    rows = [[label, *(_cell(layer, *column) for column in columns)] for label, layer in _variants()]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _variants() -> Iterable[tuple[str, LayerChoice]]:
    for kind in KINDS:
        fields = KINDS[kind].Options.model_fields
        needed = {"units": 1, "entries": 2, "kernel": 1}
        options = KINDS[kind].Options.model_validate({key: needed[key] for key in fields if key in needed})
        yield f"`{kind}`", LayerChoice(kind, kind, options)
        if "bidirectional" in fields:
            yield (
                f"`{kind}`, bidirectional",
                LayerChoice(kind, kind, options.model_copy(update={"bidirectional": True})),
            )


def _cell(layer: LayerChoice, name: str, form: Form) -> str:
    there = [p for p in ALL_PRECISIONS if not refusal([layer], Combination(name, form, p))]
    if there == list(ALL_PRECISIONS):
        return "all"
    return ", ".join(there) or "no"
