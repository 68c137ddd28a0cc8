"""The user's recordings of words: `<path>/<label>/*.wav` or .flac, as Speech Commands has them.

The speaker is the part of a file's name before the first `_`; a name without one is a speaker of its own. Where
`testing_list.txt` and `validation_list.txt` are there, they say which files (as `label/name.wav`) are held out.
Folders whose name begins with `_` are no labels; `_background_noise_` holds recordings of noise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgernn.datasets import sound, splitting
from edgernn.datasets.audio_sections import SILENCE, UNKNOWN, AudioData, SpeechData
from edgernn.datasets.series import Series
from edgernn.datasets.speech import PARTS, Clip, Speech
from edgernn.datasets.splits import LeftOut, counted
from edgernn.errors import InputError
from edgernn.section import nearest

ENDINGS = (".wav", ".flac")
BACKGROUND = "_background_noise_"
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
KEPT = 2  # a clip that is longer than its place is kept to so many times that: its loudest part
_SHARES = {"train": (0.0, 0.7), "validation": (0.7, 0.85), "test": (0.85, 1.0)}  # of a background, in time


def load(section: SpeechData, base: Path, rate_hz: int, seed: int) -> Speech:
    """The recordings in order of their names, at `rate_hz`.

    Raises InputError when the folder is missing or empty, a label has one file or none in a split, a label of the
    recipe is not there, or a file cannot be used (see `sound.read`); MissingToolError without the extra `audio`.
    """
    assert isinstance(section, AudioData)
    root = base / section.path
    files = _files(root)
    chosen = _chosen(files, section, root, seed)
    parts = _parts(chosen, section, root, seed)
    longest = round(section.seconds * rate_hz)
    clips: dict[str, list[Clip]] = {part: [] for part in PARTS}
    cut = 0
    for path, part in parts.items():
        whole = sound.read(path, rate_hz)
        pcm = sound.trimmed(sound.loudest(whole, KEPT * longest), rate_hz)
        clips[part].append(Clip(sound.loudest(pcm, longest), chosen[path], speaker(path)))
        cut += len(sound.trimmed(whole, rate_hz)) > longest
    words = section.words or tuple(sorted({label for label in chosen.values() if label != UNKNOWN}))
    pooled = (UNKNOWN,) if UNKNOWN in chosen.values() else ()
    labels = (*words, *pooled, *((SILENCE,) if section.silence else ()))
    _refuse_missing(clips, (*words, *pooled))
    others = {part: tuple(clip.pcm for clip in found if clip.label not in words) for part, found in clips.items()}
    found = {part: tuple(found) for part, found in clips.items()}
    left_out = counted(
        LeftOut(sum(map(len, files.values())) - len(chosen), "recordings", "of labels that data.words has not"),
        LeftOut(len(chosen) - len(parts), "recordings", "data.split.exclude"),
        LeftOut(cut, "recordings", f"more than {section.seconds:g} s of sound", cut=True),
    )
    return Speech(found, others, _backgrounds(root, rate_hz), labels, left_out)


def speaker(path: Path) -> str:
    """Who speaks in a file, by its name."""
    return path.stem.partition("_")[0]


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
    words = section.words or tuple(name for name in files if name not in pooled)
    named = {path: label for label in words for path in files[label]}
    if isinstance(section.unknown, tuple):
        return named | {path: UNKNOWN for label in section.unknown for path in files[label]}
    rest = [path for label, paths in files.items() if label not in words for path in paths]
    share = section.unknown / (1 - section.unknown - section.silence) if section.unknown else 0.0
    count = min(len(rest), round(share * len(named)))
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rest))[:count])
    return named | {rest[i]: UNKNOWN for i in drawn}


def _parts(chosen: Mapping[Path, str], section: AudioData, root: Path, seed: int) -> dict[Path, str]:
    """The split of every file but those of excluded speakers; a listed file takes its speaker with it."""
    none = np.zeros((0, 1), np.float32)
    series = [Series(none, label, speaker(path), path.name) for path, label in chosen.items()]
    there = {f"{path.parent.name}/{path.name}": speaker(path) for path in chosen}
    listed = {part: {there[name] for name in _listed(root / file) if name in there} for part, file in LISTS.items()}
    both = sorted(listed["test"] & listed["validation"])
    if both:
        raise InputError(f"{root}: the speaker {both[0]} is in {' and in '.join(LISTS.values())}; correct one")
    update = {part: tuple(sorted(names)) for part, names in listed.items() if names}
    groups = splitting.assign(series, section.split.model_copy(update=update), seed)
    place = {group: part for part, names in zip(PARTS, groups, strict=True) for group in names}
    return {path: place[speaker(path)] for path in chosen if speaker(path) in place}


def _listed(path: Path) -> list[str]:
    return path.read_text("utf-8").split() if path.is_file() else []


def _refuse_missing(clips: Mapping[str, Sequence[Clip]], labels: Sequence[str]) -> None:
    for part, found in clips.items():
        counts = Counter(clip.label for clip in found)
        missing = next((label for label in labels if not counts[label]), None)
        if missing is not None:
            raise InputError(
                f"data: the label {missing} has no recording in {part}; add recordings by other speakers"
            )


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
