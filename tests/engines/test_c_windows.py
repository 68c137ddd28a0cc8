"""The C engine on what is no plain stream of int8 frames: strides, tokens, int16, whole windows, every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from networks import Options, random_frames, random_network

from edgernn import reference
from edgernn.engines import c as engine
from edgernn.errors import InputError
from edgernn.features import normalize
from edgernn.lowering import native
from edgernn.network import Precision, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import c as target

STRIDED: list[tuple[str, Options]] = [("conv", {"units": 5, "kernel": 4, "stride": 2}), ("gru", 4)]
TOKENS: list[tuple[str, Options]] = [("embedding", {"entries": 9, "units": 3}), ("gru", 4)]
BOTH_WAYS: list[tuple[str, Options]] = [
    ("gru", {"units": 4, "bidirectional": True}),
    ("conv", {"units": 5, "kernel": 3, "stride": 2}),
]


def quantized_network(cells: list[tuple[str, Options]], every_step: bool) -> QuantizedNetwork:
    network = random_network(2, 1 if cells is TOKENS else 5, cells, 3, 13, every_step)
    return quantize(network, normalize.apply(random_frames(network), network.mean, network.std))


def exported(quantized: QuantizedNetwork, precision: Precision, folder: Path) -> Path:
    form = "step" if quantized.network.streams else "sequence"
    return target.export(quantized.network, quantized, form, precision, folder)


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("cells", [STRIDED, TOKENS, BOTH_WAYS], ids=["strided", "tokens", "both_ways"])
def test_outputs_equal_the_reference(
    cells: list[tuple[str, Options]], every_step: bool, precision: Precision, tmp_path: Path
) -> None:
    """Windows of 13 frames: the last one fills no step of two."""
    quantized = quantized_network(cells, every_step)
    path = exported(quantized, precision, tmp_path)
    quantized = quantized.at(precision)
    frames = random_frames(quantized.network, 7, 5)
    expected = reference.integer_outputs(quantized, reference.quantize_input(quantized, frames))
    session = engine.open(path, "sequence", 1)
    wanted = expected if every_step else expected[:, -1]
    np.testing.assert_array_equal(session.integer_outputs(frames), wanted)
    output = native(quantized)[-1].output
    np.testing.assert_array_equal(session.outputs(frames), output.dequantize(wanted).astype(np.float32))
    session.prepare(frames[4])
    session.invoke()
    assert session.per_invoke == 1
    np.testing.assert_array_equal(session.prepared_outputs, np.atleast_2d(wanted[4]))
    if quantized.network.streams:
        np.testing.assert_array_equal(engine.open(path, "step", 1).integer_outputs(frames), expected)


def test_a_model_of_windows_has_no_steps_and_takes_no_other_length(tmp_path: Path) -> None:
    quantized = quantized_network(BOTH_WAYS, False)
    path = exported(quantized, "int8", tmp_path)
    with pytest.raises(InputError, match="takes whole windows only"):
        engine.open(path, "step", 1)
    session = engine.open(path, "sequence", 1)
    frames = random_frames(quantized.network, 2)
    with pytest.raises(InputError, match="takes windows of 13 frames, not 12"):
        session.outputs(frames[:, :12])
