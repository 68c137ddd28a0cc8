"""Random networks on every path of the kernels that this machine runs, against the integer reference, bit for bit.

`pytest tests/test_c_paths.py --networks 1000` is the full run. Every network is in int8 and in int16x8, and most
are pruned in blocks.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import models
import pytest
from compilation import HERE, KERNELS, compiled

pytestmark = pytest.mark.toolchain

LEAST = 100  # networks of a run
OF_BATCH = 25
COMMAND = ("gcc", "-std=c99", "-Wall", "-Wextra")
FAST = {models.DENSE, (16, 4), (4, 4)}  # how matrices are stored that have kernels of their own

Objects = Mapping[str, list[Path]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first" in metafunc.fixturenames:
        count = max(LEAST, metafunc.config.getoption("--networks"))
        metafunc.parametrize("first", range(0, count, OF_BATCH))


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """By path."""
    folder = tmp_path_factory.mktemp("kernels")
    return {name: compiled((*COMMAND, "-O3", *path.flags), KERNELS, folder / name) for name, path in HERE.items()}


def test_every_path_gives_the_references_integers(first: int, kernels: Objects, tmp_path: Path) -> None:
    drawn = [model for seed in range(first, first + OF_BATCH) for model in models.drawn(seed)]
    storages = {storage for model in drawn for storage in model.storages}
    assert storages > FAST, "every fast storage is among them, and blocks of other sizes"
    batch = models.write(tmp_path, drawn)
    for name in HERE:
        batch.hold(program(batch, name, kernels[name]), name)


def program(batch: models.Batch, name: str, kernels: list[Path]) -> Path:
    command = (*COMMAND, "-O1", *HERE[name].flags, f"-I{batch.folder}")
    objects = compiled(command, [*batch.sources, models.GUARDED], batch.folder / name)
    subprocess.run(["gcc", *objects, *kernels, "-o", batch.folder / name / "batch"], check=True)
    return batch.folder / name / "batch"
