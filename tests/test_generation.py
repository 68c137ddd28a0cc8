"""What a network writes: float and C by the same definition, token by token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import generation, reference
from edgernn.cases import cases
from edgernn.decide import SampleRule, sample, words
from edgernn.decide_sections import SampleSection
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import QuantizedNetwork, Tokens, Vocabulary
from edgernn.quantize import quantize
from edgernn.targets import Combination, target

ENTRIES = ("<unk>", " ", "e", "\n", "A", "a", "é", '"', "\\", "?")
RULE = SampleRule(0.8, 5)
C = Combination("c", "step", "int8")


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGERNN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def quantized() -> QuantizedNetwork:
    cells = [("embedding", {"entries": len(ENTRIES), "units": 6}), ("lstm", 8)]
    network = random_network(4, 1, cells, len(ENTRIES), 12, every_step=True)  # type: ignore[arg-type]
    vocabulary = Vocabulary("characters", ENTRIES, case="keep")
    return quantize(
        replace(network, task="next", labels=ENTRIES, decide=RULE, vocabulary=vocabulary), random_frames(network)
    )


def test_a_float_stream_gives_what_a_window_gives(quantized: QuantizedNetwork) -> None:
    network = quantized.network
    frames = normalize.apply(random_frames(network, 1), network.mean, network.std)
    stream = reference.FloatStream(network)
    found = np.stack([stream.step(frame) for frame in frames[0]])
    np.testing.assert_array_equal(found, reference.float_outputs(network, frames)[0])


@pytest.mark.parametrize(
    ("prompt", "numbers"), [("Aa?", [4, 5, 9]), ("xA", [0, 4]), ("", [3]), ("\0", [3]), ("é", [6])]
)
def test_a_prompt_is_read_as_training_read_texts(
    prompt: str, numbers: list[int], quantized: QuantizedNetwork
) -> None:
    assert quantized.network.vocabulary is not None
    assert generation.read(quantized.network.vocabulary, prompt) == numbers


def test_an_empty_prompt_is_the_commonest_token_where_there_is_no_line() -> None:
    assert generation.read(Vocabulary("characters", ("<unk>", "e", "a")), "") == [1]


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_a_prompt_that_is_answered_ends_with_its_mark(kind: Tokens) -> None:
    vocabulary = Vocabulary(kind, ("<unk>", "<to>", "<end>", "a", "b"))
    assert generation.answers(vocabulary)
    assert generation.read(vocabulary, "ab" if kind == "characters" else "a b") == [3, 4, 1]
    assert generation.read(vocabulary, "") == [1]
    assert generation.opening(vocabulary, "a") == "a → "
    said = list(generation.spelled(vocabulary, [3, 4, 4, 2, 3]))
    assert said == (["a", " b", " b"] if kind == "words" else ["a", "b", "b"])
    assert list(generation.spelled(vocabulary, [2, 3])) == []


def by_hand(quantized: QuantizedNetwork, prompt: list[int], count: int, seed: int) -> str:
    """The float network over all tokens so far, again for every token."""
    bits, state, read = words.fraction_bits(native(quantized)[-1].output.scale), sample.seeded(seed), list(prompt)
    for _ in range(count):
        outputs = reference.float_outputs(quantized.network, np.array(read, float)[None, :, None])[0, -1]
        token, state = sample.draw(sample.integers(outputs, bits), bits, RULE, state)
        read.append(token)
    return "".join(ENTRIES[token] for token in read[len(prompt) :])


def test_samples_are_what_each_writes_and_where_they_part(quantized: QuantizedNetwork, tmp_path: Path) -> None:
    target("c").export(quantized.network, quantized, "step", "int8", tmp_path)
    there = cases([C], "all", tmp_path)
    section = SampleSection(rule="sample", temperature=0.8, top_k=5, prompts=("Aa", ""), length=120, seed=2)
    found = generation.measured(quantized.network, quantized, section, there)
    assert found["rule"] == {"rule": "sample", "temperature": 0.8, "top_k": 5}
    for one, start in zip(found["texts"], ([4, 5], [3]), strict=True):
        real, integer = one["written"]
        assert (real["artifact"], integer["artifact"]) == ("network", "c/int8")
        assert len(real["text"]) == len(integer["text"]) == 120
        assert real["text"] == by_hand(quantized, start, 120, 2)
        apart = one["part_after"]
        assert apart is None or real["text"][:apart] == integer["text"][:apart]
        assert apart is None or real["text"][apart] != integer["text"][apart]
    alone = generation.measured(quantized.network, quantized, section, ())
    assert [len(one["written"]) for one in alone["texts"]] == [1, 1]


def test_a_sample_of_answers_shows_each_up_to_its_end(quantized: QuantizedNetwork) -> None:
    entries = ("<unk>", "<to>", "<end>", *ENTRIES[3:])
    vocabulary = Vocabulary("words", entries)
    network = replace(quantized.network, labels=entries, vocabulary=vocabulary)
    section = SampleSection(rule="sample", temperature=2, prompts=("a",), length=200, seed=1)
    (found,) = generation.measured(network, quantized, section, ())["texts"]
    bits = words.fraction_bits(native(quantized)[-1].output.scale)
    drawn = generation.written(generation.float_step(network, bits), [5, 1], bits, SampleRule(2, 0), 1)
    wanted = [entries[token] for token in islice(drawn, 200)]
    assert 0 < wanted.index("<end>") < 200
    assert found["prompt"] == "a → "
    assert found["written"][0]["text"] == " ".join(wanted[: wanted.index("<end>")])


def test_what_is_written_is_read(quantized: QuantizedNetwork) -> None:
    """The tokens that a network is asked about are the prompt and all that it wrote."""
    asked: list[int] = []

    def step(token: int) -> np.ndarray:
        asked.append(token)
        return np.eye(1, 10, (token + 1) % 10, dtype=np.int16)[0] * 30_000

    found = list(islice(generation.written(step, [4, 5], 10, SampleRule(0.1, 1), 0), 4))
    assert found == [6, 7, 8, 9]
    assert asked == [4, 5, 6, 7, 8]
