"""What decisions along a long stream come to: words or anomalies found. One module a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgernn.cases import Case
from edgernn.datasets.scene import Scene
from edgernn.decide import AlarmRule, WordRule
from edgernn.decide_sections import AlarmSection, StreamedSection
from edgernn.detection import alarms, words
from edgernn.network import Network, QuantizedNetwork


def rule(section: StreamedSection, network: Network, scenes: Mapping[str, Scene]) -> WordRule | AlarmRule:
    """The rule that a recipe asks for; with `threshold: auto` the scene `validation` chooses that."""
    if isinstance(section, AlarmSection):
        return alarms.chosen(section, network, scenes["validation"])
    if section.threshold != "auto":
        return WordRule(section.smooth, section.threshold, section.refractory)
    return words.chosen(network, scenes["validation"], section)


def measured(
    network: Network, quantized: QuantizedNetwork, scenes: Mapping[str, Scene], cases: Iterable[Case], cache: Path
) -> dict[str, Any] | None:
    """The report's section `detection`, of the scene `test`; None of a network whose rule reads no stream.

    `cache` is a folder for what engines read and write.
    """
    if isinstance(network.decide, AlarmRule):
        return alarms.measured(network, quantized, scenes, cases, cache)
    if isinstance(network.decide, WordRule):
        return words.measured(network, quantized, scenes["test"], cases)
    return None
