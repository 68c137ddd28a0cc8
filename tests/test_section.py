"""What a section says about a fault, by the shape of its model."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, Tag, ValidationError

from edgernn.errors import InputError
from edgernn.section import NULL_IS_EMPTY, Flag, Number, Section, Whole, nearest, recipe_name, validate


class Inner(Section):
    size: Whole = 1
    share: Number = 0.5
    on: Flag = False


class Left(Section):
    kind: Literal["left"]
    lower: int = 0


class Right(Section):
    kind: Literal["right"]
    upper: int = 0


class Outer(Section):
    inner: Annotated[Inner, NULL_IS_EMPTY] = Inner()
    maybe: Inner | None = None
    items: tuple[Inner, ...] = ()
    named: tuple[dict[str, Annotated[Inner, NULL_IS_EMPTY]], ...] = ()
    side: (
        Annotated[
            Annotated[Left, Tag("left")] | Annotated[Right, Tag("right")],
            Discriminator(lambda value: value["kind"]),
        ]
        | None
    ) = None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"iner": 1}, "iner is not a known key; did you mean inner?"),
        ({"inner": {"sise": 1}}, "inner.sise is not a known key; did you mean inner.size?"),
        ({"maybe": {"sise": 1}}, "maybe.sise is not a known key; did you mean maybe.size?"),
        ({"items": [{}, {"sise": 1}]}, "items.1.sise is not a known key; did you mean items.1.size?"),
        ({"named": [{"a": {"sise": 1}}]}, "named.0.a.sise is not a known key; did you mean named.0.a.size?"),
        ({"inner": {"zzzzzz": 1}}, "inner.zzzzzz is not a known key; known: on, share, size"),
        ({"side": {"kind": "left", "lowr": 1}}, "side.lowr is not a known key; did you mean side.lower?"),
        ({"side": {"kind": "right", "upper": "x"}}, "side.upper "),
        ({"inner": {"size": "3"}}, "inner.size must be a whole number, not '3'"),
        ({"inner": {"on": 1}}, "inner.on must be true or false, not 1"),
        ({"items": {}}, "items must be a list, not {}"),
        ({"named": [{3: {}}]}, "named.0.3"),
        ([], "the recipe must be a section with keys, not []"),
    ],
)
def test_one_line_with_the_path_as_written(document: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(Outer, document, "f.yaml")
    assert str(caught.value).startswith(f"f.yaml: {message}")
    assert "\n" not in str(caught.value)


def test_long_values_are_cut() -> None:
    with pytest.raises(InputError) as caught:
        validate(Outer, {"inner": {"size": ["x" * 1000] * 1000}}, "f.yaml")
    assert len(str(caught.value)) < 400


def test_a_misspelt_required_key_is_told_as_misspelt() -> None:
    with pytest.raises(InputError, match="did you mean kind"):
        validate(Left, {"kinds": "left"}, "f.yaml")


def test_null_is_the_defaults() -> None:
    assert validate(Outer, {"inner": None, "named": [{"a": None}]}, "f") == validate(
        Outer, {"named": [{"a": {}}]}, "f"
    )


def test_sections_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Inner().size = 2


def test_nearest_or_all() -> None:
    assert nearest("gur", ["gru", "lstm"]) == "; did you mean gru?"
    assert nearest("conv", ["lstm", "gru"]) == "; known: gru, lstm"


@pytest.mark.parametrize("name", ["a", "activity", "net_2", "a" * 48])
def test_a_recipe_has_a_name_of_c(name: str) -> None:
    assert recipe_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "2a", "_a", "a b", "a\n", "../a", "a/b", "a.b", "ä", "a" * 49])
def test_what_cannot_be_in_c_names_no_recipe(name: str) -> None:
    with pytest.raises(ValueError, match="it names C symbols: a lowercase letter"):
        recipe_name(name)


def test_a_keyword_of_c_names_no_recipe() -> None:
    with pytest.raises(ValueError, match="is 'while', a keyword of C; choose another, as in my_while"):
        recipe_name("while")
