"""Text that a network writes: what it says comes next is drawn, read, and so on.

A network of parallel text has `<to>` in its vocabulary: it answers a prompt, and ends its answer with `<end>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any

import numpy as np

from edgernn import reference
from edgernn.cases import Case
from edgernn.decide import SampleRule, described, sample, words
from edgernn.decide_sections import SampleSection
from edgernn.engines import c_model
from edgernn.features import tokens
from edgernn.lowering import native
from edgernn.network import END, TO, Network, QuantizedNetwork, Vocabulary

Step = Callable[[int], np.ndarray]  # reads a token, gives outputs, int16 [classes]
FIRST = "\n"  # what stands for an empty prompt where the network knows it: text begins as a line does


def answers(vocabulary: Vocabulary) -> bool:
    """Whether a network with this vocabulary answers a prompt; any other goes on after it."""
    return TO in vocabulary.numbers


def read(vocabulary: Vocabulary, prompt: str) -> list[int]:
    """The numbers of a prompt's tokens, 0 of those that are not known; of an empty one that of a new line.

    Of what is to be answered, that of `<to>` comes last.
    """
    split = tokens.read(vocabulary, prompt)
    numbers = tokens.encode(vocabulary, split, len(split)).tolist()
    if answers(vocabulary):
        return [*numbers, vocabulary.numbers[TO]]
    return numbers or [vocabulary.numbers.get(FIRST, 1)]


def opening(vocabulary: Vocabulary, prompt: str) -> str:
    """What stands before what is written after a prompt, for a person to read."""
    return f"{prompt} → " if answers(vocabulary) else prompt


def spelled(vocabulary: Vocabulary, written: Iterable[int]) -> Iterator[str]:
    """What tokens say up to `<end>`, each as soon as it is there; words with a space before all but the first."""
    between = " " if vocabulary.kind == "words" else ""
    for place, token in enumerate(written):
        if vocabulary.entries[token] == END:
            return
        yield between * (place > 0) + vocabulary.entries[token]


def written(step: Step, prompt: Sequence[int], bits: int, rule: SampleRule, seed: int) -> Iterator[int]:
    """Tokens that go on after a prompt, without end; `step` gives outputs with so many fraction bits."""
    state = sample.seeded(seed)
    outputs = [step(token) for token in prompt][-1]
    while True:
        token, state = sample.draw(outputs, bits, rule, state)
        yield token
        outputs = step(token)


def float_step(network: Network, bits: int) -> Step:
    """The float network from the start of a stream; its outputs are rounded to `bits` fraction bits."""
    stream = reference.FloatStream(network)
    return lambda token: sample.integers(stream.step(np.array([token])), bits)


def c_step(model: c_model.Model, bits: int) -> Step:
    """The generated C from the start of a stream; `bits` are those of its outputs, which are taken as they are."""
    model.reset()
    return lambda token: sample.integers(model.step([token]), bits)


def measured(
    network: Network, quantized: QuantizedNetwork, section: SampleSection, cases: Iterable[Case]
) -> dict[str, Any]:
    """The report's section `samples`: what the float network writes after prompts, and the int8 C on this machine.

    All draw by the same random numbers from outputs in the integer type of the C.
    """
    bits = words.fraction_bits(native(quantized)[-1].output.scale)
    rows: list[tuple[str, str, Callable[[], Step]]] = [("network", "numpy", lambda: float_step(network, bits))]
    case = next((one for one in cases if one.device_steps), None)
    if case:
        model = c_model.load(case.path, "int8", streams=1)
        rows.append((case.artifact, case.engine, lambda: c_step(model, bits)))
    return {
        "rule": described(section.chosen()),
        "seed": section.seed,
        "length": section.length,
        "texts": [_of_prompt(network, prompt, section, bits, rows) for prompt in section.prompts],
    }


def _of_prompt(
    network: Network,
    prompt: str,
    section: SampleSection,
    bits: int,
    rows: Sequence[tuple[str, str, Callable[[], Step]]],
) -> dict[str, Any]:
    """What each writes after a prompt, and after how many tokens they part, None where they do not."""
    vocabulary = network.vocabulary
    assert vocabulary is not None
    start = read(vocabulary, prompt)
    drawn = [written(begin(), start, bits, section.chosen(), section.seed) for _, _, begin in rows]
    found = [list(spelled(vocabulary, islice(one, section.length))) for one in drawn]
    apart = [at for at, pair in enumerate(zip_longest(*found)) if len({*pair}) > 1]
    return {
        "prompt": opening(vocabulary, prompt),
        "written": [
            {"artifact": name, "engine": engine, "text": "".join(text)}
            for (name, engine, _), text in zip(rows, found, strict=True)
        ],
        "part_after": apart[0] if apart else None,
    }
