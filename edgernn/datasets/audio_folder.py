"""The user's recordings of words: `<path>/<label>/*.wav` or .flac, as Speech Commands has them.

Folders `unknown` and `silence` are those classes. Folders whose name begins with `_` are no labels;
`_background_noise_` holds recordings of noise. Who speaks in a file, and which are held out, is told by names and
lists: see `audio_speakers`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgernn.datasets import audio_speakers, sound
from edgernn.datasets.audio_sections import SILENCE, UNKNOWN, AudioData, SpeechData
from edgernn.datasets.speech import PARTS, Clip, Speech
from edgernn.decide.words import QUIET
from edgernn.errors import InputError
from edgernn.section import nearest

ENDINGS = (".wav", ".flac")
BACKGROUND = "_background_noise_"
KEPT = 2  # a clip that is longer than its place is kept to so many times that: its loudest part
_SHARES = {"train": (0.0, 0.7), "validation": (0.7, 0.85), "test": (0.85, 1.0)}  # of a background, in time


_LOG = logging.getLogger(__name__)


def load(section: SpeechData, base: Path, rate_hz: int, seed: int) -> Speech:
    """The recordings in order of their names, at `rate_hz`.

    Raises InputError when the folder is missing or empty, a label has too few files or speakers, or none in a
    split, a label of the recipe is not there, or a list or a file cannot be used (see `audio_speakers.parts` and
    `sound.read`); MissingToolError without the extra `audio`.
    """
    assert isinstance(section, AudioData)
    root = base / section.path
    files = _files(root)
    chosen = _chosen(files, section, root, seed)
    every = [path for paths in files.values() for path in paths]
    parts = audio_speakers.parts(chosen, every, section.split, root, seed)
    longest = round(section.seconds * rate_hz)
    clips: dict[str, list[Clip]] = {part: [] for part in PARTS}
    for path, part in parts.items():
        pcm = sound.read(path, rate_hz)
        if chosen[path] != SILENCE:  # which has no sound to look for
            pcm = sound.trimmed(sound.loudest(pcm, KEPT * longest), rate_hz)
        clips[part].append(Clip(sound.loudest(pcm, longest), chosen[path], audio_speakers.speaker(path)))
    others = {part: tuple(clip.pcm for clip in found if clip.label == UNKNOWN) for part, found in clips.items()}
    found = {part: tuple(found) for part, found in clips.items()}
    return Speech(found, others, _backgrounds(root, rate_hz), _labels(chosen, section))


def _files(root: Path) -> dict[str, list[Path]]:
    """The files of each label."""
    if not root.is_dir():
        raise InputError(f"{root}: is no folder; data.path names one with a folder of recordings for each label")
    found = {
        folder.name: sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(("_", "."))
    }
    if not found:
        raise InputError(f"{root}: has no folder for a label; put recordings into {root.name}/<label>/*.wav")
    for label, paths in found.items():
        if len(paths) < len(PARTS):
            raise InputError(
                f"{root / label}: has {len(paths)} recordings, and every split needs one; add some or remove it"
            )
    return found


def _chosen(files: Mapping[str, list[Path]], section: AudioData, root: Path, seed: int) -> dict[Path, str]:
    """The files to read, each with its class."""
    asked = (*section.words, *(section.unknown if isinstance(section.unknown, tuple) else ()))
    missing = next((name for name in asked if name not in files), None)
    if missing is not None:
        raise InputError(f"{root}: has no folder {missing}{nearest(missing, files)}")
    pooled = section.unknown if isinstance(section.unknown, tuple) else ()
    words = section.words or tuple(name for name in files if name not in (*pooled, *QUIET))
    labels = {name: name for name in (*words, *QUIET) if name in files} | dict.fromkeys(pooled, UNKNOWN)
    named = {path: label for name, label in labels.items() for path in files[name]}
    rest = [path for name, paths in files.items() if name not in labels for path in paths]
    if section.unknown and UNKNOWN not in labels.values() and not rest:
        _LOG.warning("data.unknown has no effect: every folder of %s is a word; name the words in data.words", root)
    drawn = _drawn(len(rest), _lacking(list(named.values()), section), seed)
    return named | {rest[i]: UNKNOWN for i in drawn}


def _drawn(files: int, count: int, seed: int) -> list[int]:
    """The numbers of `count` files, or of all where there are fewer, in order."""
    return sorted(np.random.default_rng(seed).permutation(files)[:count].tolist())


def _lacking(named: Sequence[str], section: AudioData) -> int:
    """How many recordings of other folders the share `data.unknown` of all examples takes beside these labels."""
    if not section.unknown or isinstance(section.unknown, tuple):
        return 0
    silent = named.count(SILENCE)
    words = len(named) - silent - named.count(UNKNOWN)
    made = words / (1 - section.unknown - section.silence)  # all examples, where noise is made for silence
    every = max(made, (words + silent) / (1 - section.unknown))
    return max(0, round(section.unknown * every) - named.count(UNKNOWN))


def _labels(chosen: Mapping[Path, str], section: AudioData) -> tuple[str, ...]:
    """The classes, words first: `decide` counts on it."""
    found = set(chosen.values())
    words = section.words or tuple(sorted(found - set(QUIET)))
    quiet = found | {SILENCE} if section.silence else found
    return (*words, *(label for label in QUIET if label in quiet))


def _backgrounds(root: Path, rate_hz: int) -> dict[str, tuple[np.ndarray, ...]]:
    """Each recording of noise is divided in time, so that no split hears what another has heard."""
    folder = root / BACKGROUND
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS) if folder.is_dir() else []
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    for path in paths:
        pcm = sound.read(path, rate_hz)
        for part, (start, end) in _SHARES.items():
            found[part].append(pcm[int(start * len(pcm)) : max(1, int(end * len(pcm)))])
    return {part: tuple(found[part]) for part in PARTS}
