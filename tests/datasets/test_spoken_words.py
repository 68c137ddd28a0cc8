"""Words by espeak-ng: the same every time, and nobody who is tested has trained."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import numpy as np
import pytest

from edgernn.datasets import espeak, spoken_words
from edgernn.datasets.audio_sections import COMMANDS, SpokenWordsData
from edgernn.datasets.espeak import Utterance
from edgernn.datasets.speech import PARTS, Speech
from edgernn.datasets.vocabulary import ACCENTS, OTHER_WORDS, SENTENCES, VARIANTS
from edgernn.errors import ExportError, MissingToolError

ORDERS = [Utterance(word, voice, 170, 50, 50) for word in ("yes", "no") for voice in ("en-us+m3", "en+f2")]


def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int = 0, **changes: object) -> Speech:
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    section = SpokenWordsData.model_validate({"source": "spoken_words", "voices": 4, **changes})
    return spoken_words.load(section, tmp_path, 16_000, seed)


def test_no_variant_is_in_two_splits_and_one_accent_is_only_tested() -> None:
    families = {
        part: {re.sub(r"(?<=..)\d+$", "", name).lower() for name in names} for part, names in VARIANTS.items()
    }
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        assert not families[one] & families[other]
    assert "en-gb-scotland" in ACCENTS["test"]
    assert "en-gb-scotland" not in (*ACCENTS["train"], *ACCENTS["validation"])


def test_other_words_are_many_and_no_sentence_has_a_command() -> None:
    assert len(set(OTHER_WORDS)) == len(OTHER_WORDS) >= 25
    assert not set(OTHER_WORDS) & set(COMMANDS)
    assert len(SENTENCES["train"]) >= 100
    said = [sentence for part in SENTENCES.values() for sentence in part]
    assert len(set(said)) == len(said)
    for sentence in said:
        assert not set(re.findall(r"\w+", sentence.lower())) & set(COMMANDS), sentence


def test_voices_take_every_variant_once_before_any_again() -> None:
    names = spoken_words.voices("train", 2 * len(VARIANTS["train"]), 0)
    assert len(set(names)) == len(names)
    first = [name.partition("+")[2] for name in names[: len(VARIANTS["train"])]]
    assert sorted(first) == sorted(VARIANTS["train"])


def test_every_voice_says_another_word_however_small_their_share() -> None:
    section = SpokenWordsData.model_validate(
        {"source": "spoken_words", "voices": 4, "words": ["go"], "unknown": 0.1}
    )
    for number, part in enumerate(PARTS):
        said = [order.text for order in spoken_words._planned(section, part, number, 0)]
        assert [text == "go" for text in said] == [True, False] * (len(said) // 2)


def test_without_espeak_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(espeak.metadata, "version", none)
    with pytest.raises(MissingToolError, match=r"install it with: pip install 'edgernn\[speech,audio\]'"):
        espeak.speak(ORDERS)
    assert espeak.installed() == ""


@pytest.mark.speech
def test_the_same_is_said_the_same_way_in_any_order() -> None:
    said, rate = espeak.speak(ORDERS)
    again, _ = espeak.speak(ORDERS[:2])
    assert rate == 22_050
    for one, other in zip(said, again, strict=False):
        np.testing.assert_array_equal(one, other)
    assert all(0.2 * rate < len(one) < 2 * rate and np.abs(one).max() > 1000 for one in said)
    assert not np.array_equal(said[0], said[1])


@pytest.mark.speech
def test_a_voice_that_is_not_there_is_told() -> None:
    with pytest.raises(ExportError, match="espeak-ng failed: RuntimeError: it has no voice xx"):
        espeak.speak([Utterance("yes", "xx", 170, 50, 50)])


@pytest.mark.speech
def test_words_are_said_by_every_voice_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speech = load(tmp_path, monkeypatch, unknown=0.25, silence=0.05)
    assert speech.labels == (*COMMANDS, "unknown", "silence")
    assert {part: len({clip.group for clip in clips}) for part, clips in speech.clips.items()} == {
        "train": 4,
        "validation": 2,
        "test": 2,
    }
    assert [clip.label for clip in speech.clips["test"]].count("stop") == 2
    assert [clip.label for clip in speech.clips["test"]].count("unknown") == 8
    assert [clip.label for clip in speech.clips["train"]].count("unknown") >= 16 + 4  # pieces of a sentence each
    longest = max(len(clip.pcm) for clips in speech.clips.values() for clip in clips)
    assert 0.3 * 16_000 < longest <= 16_000
    assert len(speech.others["test"]) == 8 + 2 * len(SENTENCES["test"])
    monkeypatch.setattr(espeak, "speak", lambda orders: pytest.fail("it was said before"))
    again = load(tmp_path, monkeypatch, unknown=0.25, silence=0.05)
    np.testing.assert_array_equal(again.clips["test"][0].pcm, speech.clips["test"][0].pcm)
