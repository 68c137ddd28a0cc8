"""YAML without surprises: plain `no`, `010`, `1:30` and dates stay text, `1e-3` is a number, keys are unique.

Only what JSON also has (null, true, false, decimal numbers, text, lists, mappings) is given a type: the core
schema of YAML 1.2 less octal and hexadecimal numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from edgernn.errors import InputError

_PLAIN = (
    ("null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""]),
    ("bool", re.compile(r"^(?:true|false)$"), list("tf")),
    ("int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"^(?:[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's hook)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} appears twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        try:
            str(value).encode()
        except UnicodeEncodeError:
            fault = "half a surrogate pair is no character"
            raise yaml.constructor.ConstructorError(None, None, fault, node.start_mark) from None
        return value


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's hook)


for _name, _pattern, _first in _PLAIN:
    for _side in (_Loader, _Dumper):
        _side.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, _first)


def parse(text: str, source: str) -> Any:
    """The value of a YAML text.

    Raises:
        InputError: it is not YAML, or a key appears twice; one line that starts with `source`.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
        raise InputError(f"{source}{where}: not valid YAML: {reason}") from None
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        # PyYAML's constructors raise these for `!!int x`, `!!bool x`, `!!timestamp x` and endless brackets.
        raise InputError(f"{source}: not valid YAML: {type(error).__name__} while reading a value") from None


def read(path: Path) -> Any:
    """The value in a YAML file.

    Raises:
        InputError: the file cannot be read, is not UTF-8 or not YAML.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    return parse(text, str(path))


def write(value: Any) -> str:
    """YAML text in ASCII that `parse` turns back into `value`; keys keep their order."""
    # PyYAML's allow_unicode loses the line break U+0085 in a single-quoted text.
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=100)


def override(document: Any, overrides: Sequence[str]) -> Any:
    """`document` with each `section.key=value` set; a value is YAML, a number as key indexes a list.

    Raises:
        InputError: an override has no `=`, an empty key, or leads through something that has no keys.
    """
    for text in overrides:
        path, equals, value = text.partition("=")
        parts = path.strip().split(".")
        if not equals or not all(parts):
            raise InputError(f"--set {text}: write it as section.key=value")
        document = _replaced(document, parts, parse(value, f"--set {text}"), text)
    return document


def _replaced(node: Any, parts: Sequence[str], value: Any, text: str) -> Any:
    if not parts:
        return value
    head, *rest = parts
    if isinstance(node, list):
        if not head.isdecimal() or int(head) >= len(node):
            raise InputError(f"--set {text}: {head} is not an index into a list of {len(node)}")
        index = int(head)
        return [*node[:index], _replaced(node[index], rest, value, text), *node[index + 1 :]]
    if node is not None and not isinstance(node, dict):
        raise InputError(f"--set {text}: nothing can be set below {node!r}")
    below = node or {}
    return {**below, head: _replaced(below.get(head), rest, value, text)}
