"""Decisions on texts, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.datasets import text_files
from edgernn.errors import InputError
from edgernn.features import tokens
from edgernn.folder import BuildFolder
from edgernn.network import Network, Vocabulary
from edgernn.run.meaning import told
from edgernn.run.model import whole


def decisions(
    paths: BuildFolder, network: Network, vocabulary: Vocabulary, source: Path
) -> Iterator[dict[str, Any]]:
    """A decision a line, given with its number: that after the last step of the text."""
    run = whole(paths, "step" if network.streams else "sequence")
    with closing(text_files.lines(source)) as lines:
        for number, text in lines:
            words = tokens.read(vocabulary, text)
            if not words:
                raise InputError(f"line {number}: the text has no word; remove the line")
            read = tokens.encode(vocabulary, words, network.steps).astype(np.float32)[:, None]
            steps = len(read) // network.frames_per_step * network.frames_per_step
            missing = 0 if steps else network.frames_per_step - len(read)
            frames = np.pad(read, ((0, missing), (0, 0))) if missing else read[:steps]
            yield {"line": number} | told(network, run(frames))
