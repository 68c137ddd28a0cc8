"""Text that a network writes after a prompt, or as its answer to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from edgernn import generation
from edgernn import network as networks
from edgernn.datasets import text_files
from edgernn.decide import SampleRule, sample
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.folder import BuildFolder
from edgernn.network import Network, Vocabulary
from edgernn.run.model import token_stream

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
    A network of parallel text answers the prompt, and stops at the end of its answer.

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
    begin, bits = token_stream(paths)
    drawn = generation.written(begin(), generation.read(network.vocabulary, prompt), bits, rule, seed)
    for number, one in enumerate(generation.spelled(network.vocabulary, islice(drawn, length)), start=1):
        yield {"step": number, "text": one}


def decisions(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, source: Path
) -> Iterator[dict[str, Any]]:
    """The answer of a network of parallel text to each line of `source`, given with its number."""
    rule = _rule(network, None, None)
    begin, bits = token_stream(paths)
    with closing(text_files.lines(source)) as lines:
        for number, prompt in lines:
            drawn = generation.written(begin(), generation.read(vocabulary, prompt), bits, rule, seed=0)
            yield {"line": number, "text": "".join(generation.spelled(vocabulary, islice(drawn, LENGTH)))}


def opening(folder: Path, prompt: str) -> str:
    """What stands before what a build's network writes after a prompt, for a person to read."""
    vocabulary = networks.load(BuildFolder(folder).network).vocabulary
    return generation.opening(vocabulary, prompt) if vocabulary else prompt


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
