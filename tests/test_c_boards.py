"""Random networks on every board, against the integer reference, bit for bit.

`pytest tests/test_c_boards.py --networks 50` is the full run; every network is in int8 and in int16x8, and most are
pruned in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import models
import pytest

from edgernn.errors import MissingToolError
from edgernn.firmware import BOARDS, measure

pytestmark = pytest.mark.board

OF_BATCH = 8  # networks of an image
MEMORY_BYTES = 12_000  # of a Cortex-M0+'s 16 KiB, for a window, its outputs and the state; the rest is stack
WEIGHTS_BYTES = 13_500  # of one model, so that 16 of them and their code are in 256 KiB of flash: a GRU of 64 units


@pytest.fixture(scope="module")
def batches(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> list[models.Batch]:
    networks = list(islice(small(), pytestconfig.getoption("--networks")))
    starts = range(0, len(networks), OF_BATCH)
    groups = [[model for pair in networks[start : start + OF_BATCH] for model in pair] for start in starts]
    return [models.write(tmp_path_factory.mktemp("batch"), group) for group in groups]


def small() -> Iterator[tuple[models.Model, ...]]:
    """Random networks that the smallest board holds."""
    return (drawn for drawn in map(models.drawn, count()) if all(fits(model) for model in drawn))


def fits(model: models.Model) -> bool:
    memory = model.x[0].nbytes + model.wanted[0].nbytes + model.state_bytes
    return memory <= MEMORY_BYTES and model.weights <= WEIGHTS_BYTES


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if board.kind != "host"])
def test_every_board_gives_the_references_integers(name: str, batches: list[models.Batch]) -> None:
    for index, batch in enumerate(batches):
        try:
            measured = measure(batch.folder, BOARDS[name], "size" if index % 2 else "speed", batch.x, "step")
        except MissingToolError as error:
            pytest.skip(str(error))
        batch.check(measured.outputs, name)
