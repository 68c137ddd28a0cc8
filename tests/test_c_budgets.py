"""Instructions, flash and RAM of EdgeMark's networks on emulated boards: counts are exact, so they have limits.

The networks are those of EdgeMark (arXiv:2502.01700): 100 steps x 32 -> GRU or LSTM of 64 units -> Dense 32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from networks import random_frames, random_network

from edgernn import reference
from edgernn.features import normalize
from edgernn.firmware import BOARDS, Measured, measure
from edgernn.network import QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets import c

pytestmark = pytest.mark.board

STEPS = 100
PER_MAC = {"cortex-m4": 1.8, "cortex-m55": 0.45, "riscv32": 5.0, "cortex-m0plus": 6.0}
FLASH_BYTES = {"gru": 40_000, "lstm": 50_000}
RAM_BYTES = 4_000


def of_edgemark(cell: str) -> QuantizedNetwork:
    network = random_network(1, 32, [(cell, 64)], 32, STEPS)
    return quantize(network, normalize.apply(random_frames(network, 4), network.mean, network.std))


def products(quantized: QuantizedNetwork) -> int:
    """Multiply-accumulates of a window: the cell's at every step, the dense layer's once."""
    dense = quantized.weights["dense_1/kernel"].size
    return STEPS * (sum(weight.size for weight in quantized.weights.values()) - dense) + dense


def measured(quantized: QuantizedNetwork, board: str, folder: Path) -> Measured:
    path = c.export(quantized.network, quantized, "sequence", "int8", folder)
    x = reference.quantize_input(quantized, random_frames(quantized.network, 1, 5)).astype(np.int8)
    found = measure(path, BOARDS[board], "speed", x, "sequence")
    wanted = reference.integer_outputs(quantized, x)[:, -1:]
    np.testing.assert_array_equal(found.outputs, wanted)
    return found


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("board", PER_MAC)
def test_a_window_stays_within_its_instructions_flash_and_ram(board: str, cell: str, tmp_path: Path) -> None:
    quantized = of_edgemark(cell)
    found = measured(quantized, board, tmp_path)
    assert found.instructions is not None
    assert found.stack_bytes is not None
    assert found.instructions / products(quantized) <= PER_MAC[board]
    assert found.flash_bytes <= FLASH_BYTES[cell]
    assert found.static_ram_bytes + found.stack_bytes <= RAM_BYTES
