"""Decisions on texts, one a line.

What a line without a word gets is what the recipe's `data.empty` says of such texts: with `skip` it is left out,
with `refuse` a file ends there. A stream on standard input goes on, since nobody can mend its lines: with `refuse`
such a line is answered with what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import recipe
from edgernn.datasets import text_files
from edgernn.datasets.sections import TextData
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.folder import BuildFolder
from edgernn.network import Network, Vocabulary
from edgernn.run.meaning import told
from edgernn.run.model import whole


def decisions(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, source: Path
) -> Iterator[dict[str, Any]]:
    """A decision a line, given with its number: that after the last step of the text.

    Raises InputError at a line of a file that has no word, unless the recipe skips such texts.
    """
    run, skip = whole(paths, "step" if network.streams else "sequence"), _skips(paths)
    with closing(text_files.lines(source)) as lines:
        for number, text in lines:
            words = tokens.read(vocabulary, text)
            if words:
                yield {"line": number} | told(network, run(_frames(network, vocabulary, words)))
            elif not skip:
                yield {"line": number} | _without_a_token(source, number, vocabulary)


def _skips(paths: BuildFolder) -> bool:
    """Whether the recipe of a build leaves texts out that have no token."""
    data = recipe.load(paths.recipe).data
    return isinstance(data, TextData) and data.empty == "skip"


def _without_a_token(source: Path, number: int, vocabulary: Vocabulary) -> dict[str, Any]:
    """What a line of a stream is answered with that has no token."""
    fault = f"the text has no {vocabulary.kind.removesuffix('s')}"
    if not text_files.live(source):
        raise InputError(
            f"{source}, line {number}: {fault}; remove the line, or build with data.empty: skip, which leaves "
            "such texts out"
        )
    return {"error": fault}


def _frames(network: Network, vocabulary: Vocabulary, words: Sequence[str]) -> np.ndarray:
    """What the network reads of a text, float32 [frames, 1]: whole steps, one at least."""
    read = tokens.encode(vocabulary, words, network.steps).astype(np.float32)[:, None]
    steps = len(read) // network.frames_per_step * network.frames_per_step
    missing = 0 if steps else network.frames_per_step - len(read)
    return np.pad(read, ((0, missing), (0, 0))) if missing else read[:steps]
