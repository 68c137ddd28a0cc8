"""Random quantised models, many of them in one C folder that poses as one model: `batch.h` and `batch.c` here.

A step of the batch runs one of its models over a window. So whatever builds and runs a model of this project, a
board or a compiler with its flags, builds and runs many at a time.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

import numpy as np
from networks import STACKS, Options, Stack, any_network, normalised, random_frames, random_network

from edgernn import reference
from edgernn.cells import CELLS
from edgernn.network import IntegerPrecision, Network, QuantizedNetwork
from edgernn.quantize import quantize
from edgernn.targets.c.write import render

STEPS = (50, 56)  # 56 are seven times the eight that a sequence takes at once, 50 leave a rest
WINDOWS = 2  # one of frames as they come, one of any integers
WHOLE = (16, 32, 48, 64, 80, 96)  # sizes that vectors divide, and such as leave every rest
BROKEN = (17, 18, 19, 20, 24, 31, 33, 36, 40, 63, 65, 68, 70)
INPUTS = (1, 2, 3, 4, 5, 6, 8, 13, 16, 17, 40)
BLOCKS = (None, (16, 4), (4, 4), (1, 4), (1, 1))  # rows and columns that pruning takes, in turn; None is no pruning

# What calls kernels that no network of `networks.STACKS` does, and the seed that prunes them and mixes precisions.
RARE: Mapping[str, tuple[Stack, int]] = {
    "larger than a cache": ([("gru", 120)], 0),
    "softmax": ([("gru", 6), ("dense", {"units": 5, "activation": "softmax"})], 0),
    "int8 from int16": ([("dense", 9), ("dense", 8), ("gru", 5)], 11),
    "int8 from int16, sparse": ([("dense", 24), ("dense", 32), ("gru", 5)], 15),
    "int8 from int8, sparse": ([("dense", 24), ("dense", 32), ("gru", 5)], 4),
}

Storage = tuple[int, int]  # rows and columns of the blocks that a matrix is stored in
DENSE: Storage = (0, 0)
GUARDED = Path(__file__).with_name("guarded.c")  # a program that runs a batch


@dataclass(frozen=True, eq=False)
class Model:
    """A model, windows `x` [windows, frames, inputs] in its integers, and what C has to give for them.

    `wanted` is int16 [windows, values]: of a network that streams the output of every step, then what `sequence`
    gives; of another one what `sequence` gives.
    """

    quantized: QuantizedNetwork
    files: Mapping[str, str]  # its C folder
    x: np.ndarray
    wanted: np.ndarray

    @property
    def name(self) -> str:
        return self.quantized.network.name

    @property
    def storages(self) -> set[Storage]:
        """How its matrices are stored, as the source says."""
        source = self.files[f"{self.name}.c"]
        blocks = re.findall(r" as blocks of \[(\d+)\]\[(\d+)\] \*/", source)
        return {(int(rows), int(columns)) for rows, columns in blocks} | (
            {DENSE} if " packed */" in source else set()
        )

    @property
    def weights(self) -> int:
        return sum(weight.size for weight in self.quantized.weights.values())

    @property
    def state_bytes(self) -> int:
        found = re.search(r"_STATE_BYTES (\d+)", self.files[f"{self.name}.h"])
        assert found, "the header has the size of the state"
        return int(found[1])


@dataclass(frozen=True, eq=False)
class Batch:
    """A written folder, `x` int8 [windows, models, bytes] and `wanted` int16 [windows, models, values].

    What is shorter than the longest has zeros behind it.
    """

    folder: Path
    names: tuple[str, ...]
    x: np.ndarray
    wanted: np.ndarray

    @property
    def sources(self) -> list[Path]:
        """All but the kernels."""
        return [self.folder / "batch.c", *(self.folder / source_name(name) for name in self.names)]

    def check(self, outputs: np.ndarray, where: str) -> None:
        """Raises AssertionError, naming the models, where `outputs` are not the integers that are wanted."""
        outputs = outputs.reshape(self.wanted.shape)
        wrong = np.argwhere((outputs != self.wanted).any(axis=(0, 2))).ravel()
        assert not len(wrong), f"{where}: not the reference's integers in {[self.names[i] for i in wrong]}"

    def hold(self, program: Path, where: str) -> None:
        """`check` of a program that has been made with `GUARDED`; also raises AssertionError where it fails."""
        done = subprocess.run([program], input=self.x.tobytes(), capture_output=True, check=False)
        outputs = np.frombuffer(done.stdout, np.int16)
        failed = self.names[outputs.size // self.wanted.shape[2] % len(self.names)]
        assert (done.returncode, done.stderr.decode()) == (0, ""), f"{where}: {failed} failed"
        self.check(outputs, where)


def drawn(seed: int) -> tuple[Model, ...]:
    """A random network in int8 (every fourth in both precisions, by layer) and in int16x8."""
    network = any_network(seed) if seed % 2 else wide_network(seed)
    return models(replace(network, name=f"n{seed}", every_step=seed % 3 == 0), seed)


def named(name: str) -> tuple[Model, ...]:
    """One of `networks.STACKS` or `RARE` in both precisions."""
    index = [*STACKS, *RARE].index(name)
    stack, seed = RARE[name] if name in RARE else (STACKS[name], 0)
    inputs = 1 if stack[0][0] == "embedding" else 3
    return models(replace(random_network(index, inputs, stack, outputs=5), name=f"s{index}"), seed)


def wide_network(seed: int) -> Network:
    """A network of one or two cells of many units, where vectors begin to matter."""
    rng = np.random.default_rng(seed)
    widths = WHOLE if _block(seed) == (16, 4) or rng.random() < 0.3 else BROKEN
    layers = [_wide_cell(rng, widths) for _ in range(1 + (rng.random() < 0.25))]
    if rng.random() < 0.2:
        layers = [("dense", {"units": int(rng.choice(widths)), "activation": "tanh"}), *layers]
    return random_network(seed, int(rng.choice(INPUTS)), layers, int(rng.integers(1, 21)))


def _wide_cell(rng: np.random.Generator, widths: Sequence[int]) -> tuple[str, Options]:
    kind = str(rng.choice(list(CELLS)))
    options = {"reset_after": bool(rng.random() < 0.8)} if kind == "gru" else {}
    return kind, {"units": int(rng.choice(widths)), "bidirectional": bool(rng.random() < 0.05), **options}


def _block(seed: int) -> Storage | None:
    return BLOCKS[seed // 2 % len(BLOCKS)]


def models(network: Network, seed: int) -> tuple[Model, ...]:
    """The network in both precisions, over one of `STEPS`; one that reads whole windows, over as many frames."""
    strides, steps = network.frames_per_step, STEPS[seed // 2 % 2]
    steps = steps * strides if network.streams else -(-steps // strides) * strides
    network = replace(network, steps=steps)
    names = [layer.name for layer in network.layers[1::2]] if seed % 4 == 3 else []
    frames = random_frames(network, 4, seed)
    precisions: dict[str, IntegerPrecision] = dict.fromkeys(names, "int16x8")
    quantized = _pruned(quantize(network, normalised(network, frames), precisions=precisions), seed)
    return tuple(_model(quantized, precision, frames[:1], seed) for precision in ("int8", "int16x8"))


def _pruned(quantized: QuantizedNetwork, seed: int) -> QuantizedNetwork:
    """Most blocks of every matrix become zeros."""
    block = _block(seed)
    if block is None:
        return quantized
    rng = np.random.default_rng(seed)
    kept = rng.uniform(0.1, 0.5)
    weights = {name: _without_blocks(rng, weight, block, kept) for name, weight in quantized.weights.items()}
    return replace(quantized, weights=weights)


def _without_blocks(rng: np.random.Generator, weight: np.ndarray, block: Storage, kept: float) -> np.ndarray:
    grid = rng.random([-(-side // of) for side, of in zip(weight.shape, block, strict=True)]) < kept
    rows, columns = weight.shape
    return weight * np.kron(grid, np.ones(block, np.int8))[:rows, :columns].astype(np.int8)


def _model(quantized: QuantizedNetwork, precision: IntegerPrecision, frames: np.ndarray, seed: int) -> Model:
    network = replace(quantized.network, name=f"{quantized.network.name}_{precision}")
    quantized = replace(quantized, network=network).at(precision)
    real = reference.quantize_input(quantized, frames)
    ends = np.iinfo(real.dtype)
    anything = np.random.default_rng(seed).integers(ends.min, ends.max + 1, real.shape)
    x = np.concatenate([real, anything.astype(real.dtype)])
    outputs = reference.integer_outputs(quantized, x)
    whole = outputs if network.every_step else outputs[:, -1:]
    parts = [outputs, whole] if network.streams else [whole]
    wanted = np.concatenate(parts, axis=1).reshape(WINDOWS, -1).astype(np.int16)
    return Model(quantized, render(quantized), x, wanted)


def write(folder: Path, batch: Sequence[Model]) -> Batch:
    """Write models, kernels and the batch into `folder`, which then is a C folder of one model."""
    for model in batch:
        for name, text in model.files.items():
            (folder / (source_name(model.name) if name == f"{model.name}.c" else name)).write_text(text)
    x = _padded([model.x.reshape(WINDOWS, -1).view(np.int8) for model in batch])
    wanted = _padded([model.wanted for model in batch])
    (folder / "batch.h").write_text(_header(batch, x.shape[2], wanted.shape[2]))
    (folder / "batch.c").write_text(Path(__file__).with_name("batch.c").read_text())
    return Batch(folder, tuple(model.name for model in batch), x, wanted)


def _header(batch: Sequence[Model], inputs: int, outputs: int) -> str:
    kinds = [("STREAM" if model.quantized.network.streams else "WINDOW", model.name) for model in batch]
    return Template(Path(__file__).with_name("batch.h.in").read_text()).substitute(
        includes="\n".join(f'#include "{name}.h"' for _, name in kinds),
        inputs=inputs,
        outputs=outputs,
        models=len(batch),
        state_bytes=4 + -(-max(model.state_bytes for model in batch) // 4) * 4,
        list=" \\\n".join(f"    {kind}({name}, {name.upper()})" for kind, name in kinds),
    )


def source_name(model: str) -> str:
    """Of a model's source in a batch: like a kernel's, so that the batch is the folder's only model."""
    return f"ernn_{model}.c"


def _padded(rows: Iterable[np.ndarray]) -> np.ndarray:
    """Arrays [windows, any number] as [windows, rows, the largest number] of the same type."""
    listed = list(rows)
    whole = np.zeros((WINDOWS, len(listed), max(row.shape[1] for row in listed)), listed[0].dtype)
    for index, row in enumerate(listed):
        whole[:, index, : row.shape[1]] = row
    return whole
