"""Text that a network writes after a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from edgernn import generation
from edgernn import network as networks
from edgernn.decide import SampleRule, sample
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.folder import BuildFolder
from edgernn.network import Network
from edgernn.run.model import token_step

LENGTH = 400  # tokens


def text(
    folder: Path,
    prompt: str,
    length: int = LENGTH,
    temperature: float | None = None,
    top_k: int | None = None,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """The tokens that the network writes after `prompt`, each as soon as it is drawn.

    `temperature` and `top_k` are those of the build's rule where they are None; a seed gives the same text again.
    What the network does not know in the prompt it reads as `<unk>`, as in training; an empty prompt is a new line.

    Raises InputError for a network that does not say what comes next in a text, and for numbers that no rule has;
    MissingToolError when no engine can run the build's int8 step model.
    """
    paths = BuildFolder(folder)
    network = networks.load(paths.network)
    if network.task != "next" or not network.vocabulary or network.vocabulary.kind == "items":
        raise InputError(f"{folder}: the network writes no text; give it --input")
    rule = _rule(network, temperature, top_k)
    if length < 1:
        raise InputError(f"--length is {length}; it is a number of tokens, from 1")
    if not 0 <= seed <= sample.STATE:
        raise InputError(f"--seed is {seed}; it is a whole number from 0 to {sample.STATE}")
    step, bits = token_step(paths)
    found = generation.written(step, generation.read(network.vocabulary, prompt), bits, rule, seed)
    for number, token in enumerate(islice(found, length), start=1):
        yield {"step": number, "text": network.labels[token]}


def unknown(folder: Path, prompt: str) -> list[str]:
    """What the vocabulary of a build's network does not have of a prompt, each once, in order."""
    vocabulary = networks.load(BuildFolder(folder).network).vocabulary
    if vocabulary is None:
        return []
    return list(
        dict.fromkeys(token for token in tokens.read(vocabulary, prompt) if token not in vocabulary.numbers)
    )


def _rule(network: Network, temperature: float | None, top_k: int | None) -> SampleRule:
    own = network.decide if isinstance(network.decide, SampleRule) else SampleRule(1.0, 0)
    rule = replace(
        own,
        temperature=own.temperature if temperature is None else temperature,
        top_k=own.top_k if top_k is None else top_k,
    )
    low, high = sample.TEMPERATURES
    if not low <= rule.temperature <= high:
        raise InputError(f"--temperature is {rule.temperature:g}; it is from {low:g} to {high:g}")
    if rule.top_k < 0:
        raise InputError(f"--top-k is {rule.top_k}; it is how many tokens can be drawn, 0 for all")
    return rule
