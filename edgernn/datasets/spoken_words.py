"""Words spoken by espeak-ng in many voices: data for keyword spotting where there are no recordings yet.

Every voice says every word once, and its share of other words; rate and pitch are drawn. In training a sentence of
each voice is cut into more that is unknown: running speech. What was said is kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import cycle, product
from pathlib import Path

import numpy as np

from edgernn import archive
from edgernn.datasets import espeak, sound
from edgernn.datasets.audio_sections import SILENCE, UNKNOWN, SpeechData, SpokenWordsData
from edgernn.datasets.catalog import cache_folder
from edgernn.datasets.espeak import Utterance
from edgernn.datasets.speech import PARTS, Clip, Speech
from edgernn.datasets.vocabulary import ACCENTS, OTHER_WORDS, SENTENCES, VARIANTS

HELD_OUT = 3  # validation and test have a third of the training voices each
RATES = (120, 230)  # words a minute
PITCHES = (15, 85)  # of 0 to 99, about the variant's own
RANGES = (20, 80)
CACHE_VERSION = 1  # changes with what is kept


def load(section: SpeechData, base: Path, rate_hz: int, seed: int) -> Speech:
    """All words in all voices, at `rate_hz`.

    Raises MissingToolError without the extras `speech` and `audio`, ExportError when espeak-ng fails.
    """
    assert isinstance(section, SpokenWordsData)
    said = {part: tuple(_planned(section, part, number, seed)) for number, part in enumerate(PARTS)}
    sentences = {part: tuple(_sentences(section, part, number, seed)) for number, part in enumerate(PARTS)}
    orders = [order for plan in (said, sentences) for part in PARTS for order in plan[part]]
    spoken = iter(_spoken(orders, rate_hz))
    longest = round(section.seconds * rate_hz)
    words = set(section.words)
    clips = {
        part: tuple(
            Clip(
                sound.loudest(sound.trimmed(next(spoken), rate_hz), longest),
                order.text if order.text in words else UNKNOWN,
                order.voice,
            )
            for order in said[part]
        )
        for part in PARTS
    }
    told = {part: [sound.trimmed(next(spoken), rate_hz) for _ in sentences[part]] for part in PARTS}
    others = {part: (*(clip.pcm for clip in clips[part] if clip.label == UNKNOWN), *told[part]) for part in PARTS}
    if section.unknown:
        clips["train"] += tuple(
            Clip(piece, UNKNOWN, order.voice)
            for order, pcm in zip(sentences["train"], told["train"], strict=True)
            for piece in _pieces(pcm, longest)
        )
    pooled = [UNKNOWN] if section.unknown else []
    labels = (*section.words, *pooled, *([SILENCE] if section.silence else []))
    return Speech(clips, others, dict.fromkeys(PARTS, ()), labels)


def voices(part: str, count: int, seed: int) -> list[str]:
    """`count` voices of a split, as different as they can be: every variant once before any comes again."""
    accents, variants = ACCENTS[part], VARIANTS[part]
    rng = np.random.default_rng(seed)
    pairs = [(a, v) for a, v in product(rng.permutation(len(accents)), rng.permutation(len(variants)))]
    turns = sorted(pairs, key=lambda pair: (pair[0] - pair[1]) % len(accents))  # a diagonal has each variant once
    return [f"{accents[a]}+{variants[v]}" for a, v in turns[:count]]


def _planned(section: SpokenWordsData, part: str, number: int, seed: int) -> Iterator[Utterance]:
    count = section.voices if part == "train" else -(-section.voices // HELD_OUT)
    rng = np.random.default_rng([seed, number])
    others = [word for word in OTHER_WORDS if word not in section.words]
    share = section.unknown if isinstance(section.unknown, float) else 0.0
    unknown = round(share / (1 - share - section.silence) * len(section.words))
    unknown = max(1, unknown) if share else 0  # a voice that is tested says every class
    for voice in voices(part, count, seed):
        for word in (*section.words, *rng.choice(others, min(unknown, len(others)), replace=False)):
            yield _drawn(str(word), voice, rng)


def _sentences(section: SpokenWordsData, part: str, number: int, seed: int) -> Iterator[Utterance]:
    """One of every training voice; of the others' voices, every sentence twice."""
    rng = np.random.default_rng([seed, number, 1])
    known = SENTENCES[part]
    count = section.voices if part == "train" else 2 * len(known)
    for voice, text in zip(voices(part, count, seed), cycle(known), strict=False):
        yield _drawn(text, voice, rng)


def _pieces(pcm: np.ndarray, samples: int) -> list[np.ndarray]:
    """Running speech in clips of `samples`, and what is left at the end where it is half of that."""
    found = [pcm[start : start + samples] for start in range(0, len(pcm), samples)]
    return [piece for piece in found if 2 * len(piece) >= samples]


def _drawn(text: str, voice: str, rng: np.random.Generator) -> Utterance:
    rate, pitch, spread = (int(rng.integers(low, high + 1)) for low, high in (RATES, PITCHES, RANGES))
    return Utterance(text, voice, rate, pitch, spread)


def _spoken(orders: Sequence[Utterance], rate_hz: int) -> list[np.ndarray]:
    """int16 [samples] of each order, from the cache where the same was said before."""
    told = json.dumps([CACHE_VERSION, espeak.version(), rate_hz, orders])
    path = cache_folder() / "spoken_words" / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.npz"
    if not path.is_file():
        said, found_hz = espeak.speak(orders)
        pcm = [sound.to_int16(sound.resampled(one.astype(np.float32), found_hz, rate_hz)) for one in said]
        lengths = np.array([len(one) for one in pcm], np.int64)
        archive.save(path, {}, {"pcm": np.concatenate(pcm), "lengths": lengths})
    _, arrays = archive.load(path)
    return list(np.split(arrays["pcm"], np.cumsum(arrays["lengths"])[:-1]))
