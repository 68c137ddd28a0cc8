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
from edgernn.datasets.splits import LeftOut, counted
from edgernn.decide.words import QUIET
from edgernn.errors import InputError
from edgernn.section import nearest

ENDINGS = (".wav", ".flac")
BACKGROUND = "_background_noise_"
SHORTEST_SECONDS = 0.025  # of a word: a frame of features
KEPT = 2  # a clip that is longer than its place is kept to so many times that: its loudest part
_SHARES = {"train": (0.0, 0.7), "validation": (0.7, 0.85), "test": (0.85, 1.0)}  # of a background, in time

_LOG = logging.getLogger(__name__)


def load(section: SpeechData, base: Path, rate_hz: int, seed: int) -> Speech:
    """The recordings in order of their names, at `rate_hz`.

    Raises InputError when the folder is missing or empty, there is no word or one class only, a label of the recipe
    is not there, or has too few files or speakers, or none in a split, or a list or a file cannot be used (see
    `audio_speakers.parts` and `sound.read`); MissingToolError without the extra `audio`.
    """
    assert isinstance(section, AudioData)
    root = base / section.path
    files = _files(root)
    chosen = _chosen(files, section, root, seed)
    labels = _labels(chosen, section, root)
    every = [path for paths in files.values() for path in paths]
    parts = audio_speakers.parts(chosen, every, section.split, root, seed)
    read, cut = _clips({path: chosen[path] for path in parts}, round(section.seconds * rate_hz), rate_hz)
    clips = {part: tuple(clip for path, clip in read.items() if parts[path] == part) for part in PARTS}
    _refuse_missing(clips, set(chosen.values()))
    others = {part: tuple(clip.pcm for clip in found if clip.label == UNKNOWN) for part, found in clips.items()}
    left_out = counted(
        LeftOut(len(every) - len(chosen), "recordings", "of labels that data.words has not"),
        LeftOut(len(chosen) - len(parts), "recordings", "data.split.exclude"),
        LeftOut(len(parts) - len(read), "recordings", f"silent, or shorter than {1000 * SHORTEST_SECONDS:g} ms"),
        LeftOut(cut, "recordings", f"more than {section.seconds:g} s of sound", cut=True),
    )
    return Speech(clips, others, _backgrounds(root, rate_hz), labels, left_out)


def _files(root: Path) -> dict[str, list[Path]]:
    """The files of each label."""
    if not root.is_dir():
        raise InputError(f"{root}: is no folder; data.path names one with a folder of recordings for each label")
    found = {
        folder.name: _recordings(folder)
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(("_", "."))
    }
    if not found:
        raise InputError(f"{root}: has no folder for a label; put recordings into {root.name}/<label>/*.wav")
    return found


def _recordings(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and not p.name.startswith("."))


def _chosen(files: Mapping[str, list[Path]], section: AudioData, root: Path, seed: int) -> dict[Path, str]:
    """The files to read, each with its class."""
    asked = (*section.words, *(section.unknown if isinstance(section.unknown, tuple) else ()))
    missing = next((name for name in asked if name not in files), None)
    if missing is not None:
        raise InputError(f"{root}: has no folder {missing}{nearest(missing, files)}")
    pooled = section.unknown if isinstance(section.unknown, tuple) else ()
    words = section.words or tuple(name for name in files if name not in (*pooled, *QUIET))
    labels = {name: name for name in (*words, *QUIET) if name in files} | dict.fromkeys(pooled, UNKNOWN)
    _refuse_few(files, list(labels), root)
    named = {path: label for name, label in labels.items() for path in files[name]}
    rest = [path for name, paths in files.items() if name not in labels for path in paths]
    if section.unknown and UNKNOWN not in labels.values() and not rest:
        _LOG.warning("data.unknown has no effect: every folder of %s is a word; name the words in data.words", root)
    drawn = _drawn(len(rest), _lacking(list(named.values()), section), seed)
    return named | {rest[i]: UNKNOWN for i in drawn}


def _refuse_few(files: Mapping[str, list[Path]], names: Sequence[str], root: Path) -> None:
    few = next((name for name in names if len(files[name]) < len(PARTS)), None)
    if few is not None:
        raise InputError(
            f"{root / few}: has {len(files[few])} recordings, and every split needs one; add some or remove it"
        )


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


def _labels(chosen: Mapping[Path, str], section: AudioData, root: Path) -> tuple[str, ...]:
    """The classes, words first: `decide` counts on it."""
    found = set(chosen.values())
    words = section.words or tuple(sorted(found - set(QUIET)))
    if not words:
        raise InputError(f"{root}: has no folder for a word; put recordings into {root.name}/<word>/*.wav")
    quiet = found | {SILENCE} if section.silence else found
    labels = (*words, *(label for label in QUIET if label in quiet))
    if len(labels) < 2:
        raise InputError(
            f"{root}: has one class only ({words[0]}), and a classifier needs two; add a folder of other words, or "
            "set data.silence"
        )
    return labels


def _clips(chosen: Mapping[Path, str], longest: int, rate_hz: int) -> tuple[dict[Path, Clip], int]:
    """What is heard in each file, in up to `longest` samples, and how many have more; without those with no sound.

    Recorded silence may be of any kind.
    """
    found: dict[Path, Clip] = {}
    faults: list[str] = []
    cut = 0
    for path, label in chosen.items():
        pcm = sound.read(path, rate_hz)
        if label != SILENCE:  # which has no sound to look for
            if fault := _fault(pcm, rate_hz):
                faults.append(f"{path} {fault}")
                continue
            cut += len(sound.trimmed(pcm, rate_hz)) > longest
            pcm = sound.trimmed(sound.loudest(pcm, KEPT * longest), rate_hz)
        found[path] = Clip(sound.loudest(pcm, longest), label, audio_speakers.speaker(path))
    if faults:  # large collections have some
        more = f", and so are {len(faults) - 1} more" if len(faults) > 1 else ""
        _LOG.warning("%s, and is left out%s; move recordings of silence into a folder silence", faults[0], more)
    return found, cut


def _fault(pcm: np.ndarray, rate_hz: int) -> str:
    """Why no word can be heard in these samples, if so."""
    if not pcm.any():
        return "is silent"
    if len(pcm) < SHORTEST_SECONDS * rate_hz:
        return f"has {1000 * len(pcm) / rate_hz:.3g} ms of sound"
    return ""


def _refuse_missing(clips: Mapping[str, Sequence[Clip]], labels: set[str]) -> None:
    """Silent recordings may have been all that a class had in a split."""
    for part, found in clips.items():
        missing = sorted(labels - {clip.label for clip in found})
        if missing:
            raise InputError(f"data: the label {missing[0]} has no recording with sound in {part}; add some")


def _backgrounds(root: Path, rate_hz: int) -> dict[str, tuple[np.ndarray, ...]]:
    """Each recording of noise is divided in time, so that no split hears what another has heard."""
    folder = root / BACKGROUND
    paths = _recordings(folder) if folder.is_dir() else []
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    for path in paths:
        pcm = sound.read(path, rate_hz)
        for part, (start, end) in _SHARES.items():
            found[part].append(pcm[int(start * len(pcm)) : max(1, int(end * len(pcm)))])
    return {part: tuple(found[part]) for part in PARTS}
