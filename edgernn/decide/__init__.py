"""From a network's outputs to decisions: one module a rule, each with its definition, which C repeats bit for bit.

A new rule is such a module, with a frozen dataclass whose `NAME` recipes use, and a place in `Rule` and `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgernn.decide.alarm import AlarmRule
from edgernn.decide.sample import SampleRule
from edgernn.decide.top import TopRule
from edgernn.decide.words import WordRule

__all__ = ["RULES", "AlarmRule", "Rule", "SampleRule", "TopRule", "WordRule", "described", "from_description"]

Rule = WordRule | AlarmRule | SampleRule | TopRule
RULES: Mapping[str, type[Rule]] = {kind.NAME: kind for kind in (WordRule, AlarmRule, SampleRule, TopRule)}


def described(rule: Rule) -> dict[str, Any]:
    """A rule as JSON: its name as `rule`, and its numbers."""
    return {"rule": rule.NAME, **asdict(rule)}


def from_description(about: Mapping[str, Any]) -> Rule:
    """What `described` was given; of before there were other rules, that of words.

    Raises KeyError for an unknown rule and TypeError for numbers that it does not have.
    """
    return RULES[about.get("rule", WordRule.NAME)](**{key: value for key, value in about.items() if key != "rule"})
