"""Words heard in sound, as they are said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import network as networks
from edgernn.datasets import sound
from edgernn.decide import WordRule, words
from edgernn.engines import c_features
from edgernn.features.log_mel import FRACTION_BITS, LogMel
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.network import Network
from edgernn.run.meaning import told
from edgernn.run.model import outputs


def decisions(paths: BuildFolder, network: Network, source: Path) -> Iterator[dict[str, Any]]:
    """Every word that the network's rule decides for, and when; without a rule, what it says after every step.

    `source` is a sound file, or `-` for int16 samples at the network's rate on standard input.
    """
    assert network.features is not None
    mel = LogMel(**network.features["log_mel"])  # type: ignore[arg-type]
    rule, qtype = network.decide, native(networks.load_quantized(paths.quantized))[-1].output
    detector = None
    if isinstance(rule, WordRule):
        detector = words.Detector(words.fraction_bits(qtype.scale), words.words(network.labels), rule)
    with closing(sound.pieces(source, mel.rate_hz)) as pieces:
        found = outputs(paths, frames(mel, pieces), network.frames_per_step)
        for step, output in enumerate(found, start=1):
            samples = (step * network.frames_per_step - 1) * mel.hop + mel.frame
            when = {"seconds": round(samples / mel.rate_hz, 3)}
            if detector is None:
                yield when | told(network, output)
                continue
            word = detector.push(qtype.quantize(output))
            if word != words.NOTHING:
                yield when | {"word": network.labels[word]}


def frames(mel: LogMel, pieces: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Log-mel energies in log2 units, float32 [mels], of int16 samples in pieces of any length."""
    kept = np.zeros(0, np.int16)
    for piece in pieces:
        kept = np.concatenate([kept, piece])
        if mel.frames(len(kept)):
            found = c_features.log_mel(mel, kept[None])[0]
            yield from found.astype(np.float32) / np.float32(2**FRACTION_BITS)
            kept = kept[len(found) * mel.hop :]
