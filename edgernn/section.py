"""Sections of a recipe: the base of their models, strict number types, and one clear line for what is wrong.

A recipe is rejected at the door. Every fault is told as `file: dotted.path ...`, with the value, and with the
nearest valid name where a name is misspelt.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, Strict, Tag, ValidationError

from edgernn.errors import InputError


class Section(BaseModel):
    """Frozen, without unknown keys and without infinite or undefined numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


def _empty_if_null(value: object) -> object:
    return {} if value is None else value


Whole = Annotated[int, Strict()]  # refuses 3.0, "3" and true
Number = Annotated[float, Strict()]  # takes 3 and 3.0, refuses "3" and true
Flag = Annotated[bool, Strict()]
# of a field that is text, a number or a list: as JSON, which pydantic's own way of a union warns about
LIST_OR_ONE = PlainSerializer(lambda value: list(value) if isinstance(value, tuple) else value, when_used="json")
NULL_IS_EMPTY = BeforeValidator(_empty_if_null)  # `key:` with nothing after it means the section's defaults

S = TypeVar("S", bound=Section)

# C99, 6.4.1; those with a capital cannot be recipe names anyway.
C_KEYWORDS = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
    while
    """.split()  # noqa: SIM905 (a list of words reads better)
)

_REASONS = {
    "missing": "is missing",
    "int_type": "must be a whole number, not {value}",
    "float_type": "must be a number, not {value}",
    "finite_number": "must be a finite number, not {value}",
    "bool_type": "must be true or false, not {value}",
    "string_type": "must be text, not {value}",
    "string_too_short": "must not be empty",
    "literal_error": "must be {expected}, not {value}",
    "model_type": "must be a section with keys, not {value}",
    "dict_type": "must be a section with keys, not {value}",
    "tuple_type": "must be a list, not {value}",
    "too_short": "must not be empty",
    "greater_than": "must be greater than {gt}, not {value}",
    "greater_than_equal": "must be at least {ge}, not {value}",
    "less_than": "must be less than {lt}, not {value}",
    "less_than_equal": "must be at most {le}, not {value}",
    "value_error": "{error}",
}


def validate(model: type[S], document: object, source: str) -> S:
    """The section that `document` describes.

    Raises:
        InputError: the document does not fit the model; one line that starts with `source`.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # A misspelt key is also a missing one: the spelling is what helps.
        fault = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
        raise InputError(f"{source}: {_sentence(model, fault)}") from None


def recipe_name(value: str) -> str:
    """`value`, if it can name a recipe.

    Raises:
        ValueError: it cannot name a C symbol; the message goes on after "name ".
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", value):
        raise ValueError(f"is {value!r}; it names C symbols: a lowercase letter, then up to 47 of a-z, 0-9 and _")
    if value in C_KEYWORDS:
        raise ValueError(f"is {value!r}, a keyword of C; choose another, as in my_{value}")
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean x?` for the name closest to `name`, else the list of known names."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(names)}"


def _sentence(model: type[Section], fault: Mapping[str, Any]) -> str:
    path, owner = _path(model, fault["loc"])
    if fault["type"] == "extra_forbidden":
        names = nearest(path[-1], owner.model_fields)
        prefix = ".".join([*path[:-1], ""])
        known = names.replace("did you mean ", f"did you mean {prefix}")
        return f"{'.'.join(path)} is not a known key{known}"
    template = _REASONS.get(fault["type"], "{message}, not {value}")
    limits = {key: _plain(limit) for key, limit in fault.get("ctx", {}).items()}
    context = {**limits, "value": reprlib.repr(fault["input"]), "message": fault["msg"].lower()}
    return f"{'.'.join(path) or 'the recipe'} {template.format(**context)}"


def _plain(limit: object) -> object:
    """A limit as a recipe would have it: 1, not 1.0."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _path(model: type[Section], location: tuple[str | int, ...]) -> tuple[list[str], type[Section]]:
    """The keys as the user writes them, and the section that the last of them belongs to."""
    kind: Any = model
    owner, path = model, []
    for part in location:
        tagged = _tagged(kind, part)
        if tagged is not None:
            kind = tagged
            continue
        path.append(" ".join(str(part).split()))  # a key may hold line breaks
        if isinstance(kind, type) and issubclass(kind, Section):
            owner = kind
        kind = _member(kind, part)
    return path, owner


def _tagged(kind: Any, part: str | int) -> Any:
    """The member of a discriminated union that the location names by a tag, which the user never wrote."""
    for member in get_args(kind):
        tags = [data.tag for data in getattr(member, "__metadata__", ()) if isinstance(data, Tag)]
        if part in tags:
            return get_args(member)[0]
    return None


def _member(kind: Any, part: str | int) -> Any:
    """The type below `kind` at a key or an index; None where there is none."""
    if isinstance(kind, type) and issubclass(kind, Section):
        field = kind.model_fields.get(str(part))
        return _bare(field.annotation) if field else None
    members = [m for m in get_args(kind) if m is not Ellipsis]
    return _bare(members[-1]) if members else None  # tuple[item, ...] and dict[str, item]


def _bare(kind: Any) -> Any:
    """Without `Annotated` and without `| None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    members = [m for m in get_args(kind) if m is not type(None)]
    return _bare(members[0]) if len(members) == 1 and type(None) in get_args(kind) else kind
