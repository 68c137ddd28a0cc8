"""A recipe's profiles: named changes to it, such as one that builds in a minute. `profile` says which one holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgernn import strict_yaml
from edgernn.errors import InputError
from edgernn.section import nearest

CHOICE, TABLE = "profile", "profiles"
PATH = "data.path"


def document(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The recipe in a file with its chosen profile merged into it, and over that `overrides` (section.key=value).

    Sections of the profile are merged key by key; all else in it takes the place of what it names, and so do limits
    at steps: another stream has other steps. A path in a recipe is relative to its folder; one that is set is
    relative to where one is, as all others on a command line.

    Raises:
        InputError: the file is no mapping, an override is wrong, or there is no such profile.
    """
    own = strict_yaml.read(path)
    overrides = [_absolute(one) for one in overrides]
    changed = strict_yaml.override(own, overrides)
    if not isinstance(changed, Mapping):
        raise InputError(f"{path}: must be a mapping with at least name, data and network")
    profile = _chosen(changed, path)
    found = strict_yaml.override(_merged(own, profile), overrides) if profile else changed
    return {key: value for key, value in found.items() if key not in (CHOICE, TABLE)}


def _absolute(override: str) -> str:
    """An override whose path, if it sets one, is absolute."""
    key, _, text = override.partition("=")
    if key.strip() != PATH:
        return override
    value = strict_yaml.parse(text, f"--set {override}")
    return f"{PATH}={json.dumps(str(Path(value).expanduser().absolute()))}" if isinstance(value, str) else override


def _chosen(recipe: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """What the chosen profile changes; empty without one."""
    name, table = recipe.get(CHOICE), recipe.get(TABLE)
    if not isinstance(table, Mapping | None):
        raise InputError(f"{path}: {TABLE} must be a section with keys, not {table!r}")
    if name is None:
        return {}
    profiles = {str(key): changes for key, changes in (table or {}).items()}
    if not isinstance(name, str | int) or str(name) not in profiles:
        known = nearest(str(name), profiles) if profiles else "; the recipe has no profiles"
        raise InputError(f"{path}: profile is {name!r}, which is not a profile{known}")
    chosen = profiles[str(name)]
    if not isinstance(chosen, Mapping):
        raise InputError(f"{path}: profiles.{name} must be a section with keys, not {chosen!r}")
    return chosen


def _merged(own: Any, change: Any) -> Any:
    if not isinstance(own, Mapping) or not isinstance(change, Mapping):
        return change
    if any(isinstance(key, int) for key in change):  # steps
        return change
    return {**own, **{key: _merged(own.get(key), value) for key, value in change.items()}}
