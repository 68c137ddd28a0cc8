from __future__ import annotations

from pathlib import Path

import pytest
from networks import STACKS, stack_network

from edgernn import support
from edgernn.network import Network
from edgernn.network_section import LayerChoice
from edgernn.targets import Combination, supported

README = Path(__file__).parent.parent / "README.md"


def choices(network: Network) -> list[LayerChoice]:
    return [LayerChoice(layer.name, layer.kind, layer.options) for layer in network.layers]


def test_readme_holds_the_table() -> None:
    assert support.matrix() in README.read_text("utf-8")


@pytest.mark.parametrize("combination", support.combinations(), ids=str)
def test_what_a_target_does_not_write_is_refused(combination: Combination) -> None:
    refused = support.refusal(choices(stack_network("gru")), combination)
    assert bool(refused) == (combination not in supported())


@pytest.mark.parametrize("name", STACKS)
def test_only_bidirectional_networks_lack_forms(name: str) -> None:
    network = stack_network(name)
    refused = {c.form for c in supported() if support.refusal(choices(network), c)}
    assert refused == (set() if network.streams else {"step"})
