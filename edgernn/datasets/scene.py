"""A long stream with words or anomalies at known times: what a device meets that never stops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from edgernn import archive
from edgernn.datasets import sound
from edgernn.datasets.audio_sections import SpeechData
from edgernn.datasets.speech import PARTS, Speech, frames
from edgernn.decide.words import QUIET
from edgernn.features.log_mel import LogMel

WORDS = 0.25  # share of what is said that is a word to recognise
GAPS = (0.3, 1.5)  # seconds between what is said
LEVEL_DB = 3.0  # how much louder or softer than the others something is said
NOISE_SECONDS = 30.0  # after which the noise changes
AT_ONCE = 100  # frames whose features are computed together


@dataclass(frozen=True, eq=False)
class Scene:
    """Raw frames float32 [frames, channels], and what is to be found in them.

    `spans` int64 [spans, 3] are class, first frame, and the frame after the last one. None where that is not known.
    """

    frames: np.ndarray
    spans: np.ndarray | None

    @classmethod
    def labelled(cls, frames: np.ndarray, anomaly: np.ndarray | None) -> Scene:
        """A series whose frames are known to be abnormal where `anomaly` bool [frames] is: spans of class 0."""
        if anomaly is None:
            return cls(frames, None)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], anomaly.astype(np.int8), [0]]))).reshape(-1, 2)
        return cls(frames, np.concatenate([np.zeros((len(edges), 1), np.int64), edges], axis=1))


def scenes(speech: Speech, data: SpeechData, log_mel: LogMel, seconds: float, seed: int) -> dict[str, Scene]:
    """One of `seconds` for validation and one for test, each of that split's own clips and noise."""
    found = {}
    for number, part in enumerate(PARTS[1:]):
        rng = np.random.default_rng([seed, len(PARTS) + number])
        pcm, words = _stream(speech, part, data, log_mel, seconds, rng)
        found[part] = Scene(_frames(pcm, log_mel), words)
    return found


def save(found: dict[str, Scene], path: Path) -> None:
    """Write scenes to a .npz file, whole or not at all."""
    arrays = {f"{part}_{name}": getattr(found[part], name) for part in found for name in ("frames", "spans")}
    archive.save(path, {}, {name: array for name, array in arrays.items() if array is not None})


def load(path: Path) -> dict[str, Scene]:
    """What `save` wrote. Raises InputError when the file is missing or damaged."""
    _, arrays = archive.load(path)
    parts = sorted({name.partition("_")[0] for name in arrays})
    return {part: Scene(arrays[f"{part}_frames"], arrays.get(f"{part}_spans")) for part in parts}


def _stream(
    speech: Speech, part: str, data: SpeechData, log_mel: LogMel, seconds: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """int16 [samples], and the words in it, in frames."""
    rate = log_mel.rate_hz
    words = [(clip.pcm, speech.labels.index(clip.label)) for clip in speech.clips[part] if clip.label not in QUIET]
    others = [(pcm, -1) for pcm in speech.others[part]]
    mixed, told = np.zeros(round(seconds * rate)), []
    place = 0
    coming = {True: _turns(words, rng), False: _turns(others or words, rng)}
    while True:
        place += round(rng.uniform(*GAPS) * rate)
        pcm, label = next(coming[bool(rng.random() < WORDS)])
        if place + len(pcm) > len(mixed):
            break
        mixed[place : place + len(pcm)] = pcm * 10 ** (rng.uniform(-LEVEL_DB, LEVEL_DB) / 20)
        if label >= 0:
            told.append((label, place // log_mel.hop, -(-(place + len(pcm)) // log_mel.hop)))
        place += len(pcm)
    power = float(np.median([sound.active_power(pcm, rate) for pcm, _ in words]))
    noise = _noise(speech, part, data, len(mixed), round(NOISE_SECONDS * rate), rng)
    return sound.to_int16(mixed + np.sqrt(power) * noise), np.array(told, np.int64).reshape(-1, 3)


def _noise(
    speech: Speech, part: str, data: SpeechData, samples: int, piece: int, rng: np.random.Generator
) -> np.ndarray:
    """float64 [samples] against speech of mean square 1, of another kind and level every `piece` samples."""
    section, source = data.noise, speech.noise(part)
    if section is None:
        return np.zeros(samples)
    pieces = []
    for start, end in pairwise([*range(0, samples, piece), samples]):
        drawn = float(rng.uniform(*section.snr_db))
        snr_db = section.test_snr_db if section.test_snr_db is not None else drawn
        pieces.append(10 ** (-snr_db / 20) * source.draw(end - start, rng))
    return np.concatenate(pieces)


def _turns(clips: Sequence[tuple[np.ndarray, int]], rng: np.random.Generator) -> Iterator[tuple[np.ndarray, int]]:
    """All clips in a drawn order, and then again in another."""
    while True:
        for index in rng.permutation(len(clips)):
            yield clips[index]


def _frames(pcm: np.ndarray, log_mel: LogMel) -> np.ndarray:
    """Log-mel energies, float32 [frames, mels]: those of whole pieces of 100 frames."""
    span = (AT_ONCE - 1) * log_mel.hop + log_mel.frame
    count = 1 + (len(pcm) - span) // (AT_ONCE * log_mel.hop)

    def piece(number: int) -> np.ndarray:
        start = number * AT_ONCE * log_mel.hop
        return pcm[start : start + span]

    return frames(log_mel, count, piece).reshape(-1, log_mel.mels)
