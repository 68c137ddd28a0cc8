"""TFLite artifacts, written straight into the flatbuffer: no converter, so nothing is fused, unrolled or lost.

A step model is the step program as operators. A sequence model is a WHILE loop whose body is that same
program: both come from the same tensors.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import get_args

from edgernn import archive
from edgernn.network import Form, Network, Precision, QuantizedNetwork
from edgernn.targets import Combination, Content, artifact_name, metadata
from edgernn.targets.tflite.content import METADATA, Description, Port, content, describe
from edgernn.targets.tflite.flatbuffer import ModelWriter
from edgernn.targets.tflite.operators import BOUNDARY, MATRIX_PRODUCTS
from edgernn.targets.tflite.plan import planned
from edgernn.targets.tflite.sequence import write_sequence
from edgernn.targets.tflite.step import write_step

__all__ = [
    "BOUNDARY",
    "MATRIX_PRODUCTS",
    "METADATA",
    "SUPPORTED",
    "Content",
    "Description",
    "Port",
    "content",
    "describe",
    "export",
]

SUPPORTED: frozenset[tuple[Form, Precision]] = frozenset(product(get_args(Form), get_args(Precision)))


def export(network: Network, quantized: QuantizedNetwork, form: Form, precision: Precision, folder: Path) -> Path:
    """Write one artifact into `folder` and return its path.

    Step form: inputs `input` [1, frames_per_step * inputs] and the states, outputs `output` [1, outputs] and the
    next states. Sequence form: input `input` [1, frames, inputs], output `output` [1, outputs], or
    [1, steps, outputs] where the network gives its output after every step.
    """
    writer = ModelWriter()
    passes = planned(network, quantized, precision)
    if form == "step":
        write_step(writer, passes[0].plans[0])
    else:
        write_sequence(writer, passes, network.steps, network.every_step)
    typed = passes[0].plans[0].typed
    about = metadata(network, form, precision, typed)
    writer.metadata(METADATA, json.dumps(about, sort_keys=True).encode())
    path = folder / artifact_name(Combination("tflite", form, precision))
    archive.write_bytes(path, writer.to_bytes())
    return path
