"""Who speaks in the files of a folder of recordings, and which split that puts them in.

The speaker is the part of a file's name before the first `_`; a name without one is a speaker of its own. Where
`testing_list.txt` and `validation_list.txt` are there, they say which files are held out, a line `label/name.wav`
each; a listed file takes its speaker with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgernn.datasets import splitting, text_files
from edgernn.datasets.audio_sections import UNKNOWN
from edgernn.datasets.series import Series
from edgernn.datasets.speech import PARTS
from edgernn.datasets.split_sections import SplitSection
from edgernn.errors import InputError

LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
_RULE = "a file's name up to its first _ is read as the speaker"
_RENAME = "rename files to <speaker>_<anything>.wav, or to names without _ where each is by another speaker"


def speaker(path: Path) -> str:
    """Who speaks in a file, by its name."""
    return path.stem.partition("_")[0]


def parts(
    chosen: Mapping[Path, str], every: Sequence[Path], split: SplitSection, root: Path, seed: int
) -> dict[Path, str]:
    """The split of each file of `chosen`, which have classes, but those of excluded speakers.

    Lists may name any file of `every`, which has those of all folders below `root`.

    Raises InputError when a class has fewer than three speakers or none in a split, and when a list is not UTF-8,
    names no file that is there, or names a speaker of the other list.
    """
    there = {path: label for path, label in chosen.items() if speaker(path) not in split.exclude}
    _refuse_few_speakers(chosen, there, root)
    update = _held_out({speaker(path) for path in there}, every, root)
    groups = splitting.assign(_recordings(chosen), split.model_copy(update=update), seed, _remedy(update))
    place = {group: part for part, names in zip(PARTS, groups, strict=True) for group in names}
    found = {path: place[speaker(path)] for path in there}
    _refuse_missing({(part, chosen[path]) for path, part in found.items()}, chosen, update)
    return found


def _recordings(chosen: Mapping[Path, str]) -> list[Series]:
    none = np.zeros((0, 1), np.float32)
    return [Series(none, label, speaker(path), path.name) for path, label in chosen.items()]


def _held_out(speakers: set[str], every: Sequence[Path], root: Path) -> dict[str, tuple[str, ...]]:
    """Those of the speakers that a list names, by split; of a split without any there is nothing."""
    listed = {part: _listed(root / file, every) & speakers for part, file in LISTS.items()}
    both = sorted(listed["test"] & listed["validation"])
    if both:
        raise InputError(f"{root}: the speaker {both[0]} is in {' and in '.join(LISTS.values())}; correct one")
    return {part: tuple(sorted(names)) for part, names in listed.items() if names}


def _listed(path: Path, every: Sequence[Path]) -> set[str]:
    """The speakers of the files that a list names. Those of folders that were left out are no fault."""
    if not path.is_file():
        return set()
    there = {f"{file.parent.name}/{file.name}": speaker(file) for file in every}
    names = [line for _, line in text_files.lines(path)]
    found = {there[name] for name in names if name in there}
    if names and not found:
        raise InputError(
            f"{path}: none of its {len(names)} lines names a file that is there, as {next(iter(there))} would; "
            "correct or remove it"
        )
    return found


def _remedy(held_out: Mapping[str, Sequence[str]]) -> str:
    where = " and ".join(LISTS[part] for part in held_out) or "data.split"
    return f"name fewer speakers in {where}, or add recordings by others; {_RULE}"


def _refuse_few_speakers(chosen: Mapping[Path, str], there: Mapping[Path, str], root: Path) -> None:
    """A class that fewer people say than there are splits has none in one of them, however they are drawn."""
    names: dict[str, set[str]] = defaultdict(set)
    for path, label in there.items():
        names[label].add(speaker(path))
    few = next((label for label in dict.fromkeys(chosen.values()) if len(names[label]) < len(PARTS)), None)
    if few is None:
        return
    alone = len(set.union(*names.values())) == 1
    raise InputError(
        f"{root}: {'all files' if alone else f'the files of {few}'} are by {_told(names[few], few)}, and train, "
        f"validation and test need one each: {_RULE}; {_more(few)}, or {_RENAME}"
    )


def _told(names: set[str], label: str) -> str:
    """`1 speaker (the label itself, yes)`, `2 speakers (ann, bob)`."""
    count = f"{len(names)} speaker{'' if len(names) == 1 else 's'}"
    if not names:
        return count
    return f"{count} ({'the label itself, ' if names == {label} else ''}{', '.join(sorted(names))})"


def _refuse_missing(
    found: set[tuple[str, str]], chosen: Mapping[Path, str], held_out: Mapping[str, Sequence[str]]
) -> None:
    labels = dict.fromkeys(chosen.values())
    missing = next(((part, label) for part in PARTS for label in labels if (part, label) not in found), None)
    if missing is not None:
        part, label = missing
        remedy = f"name one in {LISTS[part]}" if part in held_out else f"{_more(label)}, or {_RENAME}"
        raise InputError(f"data: the label {label} has no recording in {part}: {_RULE}; {remedy}")


def _more(label: str) -> str:
    return f"{'raise data.unknown where it is a share, ' if label == UNKNOWN else ''}add recordings by others"
