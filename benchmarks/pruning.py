"""The activity recipe dense, and pruned by element and by block: accuracy as float and int8, and sizes.

    python benchmarks/pruning.py [--recipe recipes/activity.yaml] [--seeds 0 1 2] [--folder build/pruning]
        [--json FILE]

Both GRUs have 48 units here, so that 8 rows divide them. Blocks of 8x4 are for the second GRU only: the first one
reads 6 channels, which 4 does not divide. One float training a seed, and every pruning starts from it; what is
in the folder already is not trained again. Accuracy is that on the test subjects, int8 by the integer reference.
Sizes are in bytes, of the weight matrices alone (biases are the same in all rows) or of model.int8.tflite. `stored`
is what a sparse format takes: for each matrix the least of one byte a weight; one bit a weight and a byte for
each that is not zero; one bit a block and a byte for each weight of the blocks that are not all zero.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from edgernn import metric, reference
from edgernn import recipe as recipes
from edgernn.build import Build
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.network import QuantizedNetwork
from edgernn.progress import Progress

COMMON = (
    "network.layers=[{gru: {units: 48}}, {gru: {units: 48}}, {dense: {}}]",
    "targets={tflite: {forms: [sequence], precisions: [int8]}}",
)
DENSE = "prune=null"
VARIANTS = {
    "dense": (DENSE, (1, 1)),
    "element 50 %": ("prune.sparsity=0.5", (1, 1)),
    "element 80 %": ("prune.sparsity=0.8", (1, 1)),
    "block 4x2 50 %": ("prune.sparsity=0.5", (4, 2)),
    "block 4x2 80 %": ("prune.sparsity=0.8", (4, 2)),
    "block 8x4 50 %, gru_2": ("prune.sparsity=0.5", (8, 4)),
    "block 8x4 80 %, gru_2": ("prune.sparsity=0.8", (8, 4)),
}
COLUMNS = ("zeros", "accuracy", "int8", "weights", "gzip", "stored", "file", "file gzip")
WIDTH = 120  # the table, in a log too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/activity.yaml"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("build/pruning"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        dense = trained(options.recipe, seed, options.folder / f"seed-{seed}")
        for name, (override, block) in VARIANTS.items():
            work = pruned(dense, options.recipe, seed, name, override, block)
            rows.append({"variant": name, "seed": seed, **figures(work, block)})
            print(json.dumps(rows[-1]), flush=True)
    Console(width=WIDTH).print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def prepared(recipe: Path, seed: int, overrides: Sequence[str], out: Path) -> Build:
    plan = recipes.load(recipe, [f"seed={seed}", *COMMON, *overrides])
    return Build(plan, recipe.parent, BuildFolder(out), Progress(quiet=True))


def trained(recipe: Path, seed: int, out: Path) -> Build:
    """The float network of a seed, which all its prunings start from."""
    work = prepared(recipe, seed, [DENSE], out)
    with work.folder.opened(work.recipe):
        work.data()
        work.train()
    return work


def pruned(dense: Build, recipe: Path, seed: int, name: str, override: str, block: tuple[int, int]) -> Build:
    """The variant of that name of the dense network, quantised and written as model.int8.tflite."""
    overrides = [override]
    if block != (1, 1):
        overrides.append(f"prune.block=[{block[0]}, {block[1]}]")
    if name.endswith("gru_2"):
        overrides.append("prune.layers=[gru_2]")
    out = dense.folder.root.with_name(f"{dense.folder.root.name}-{re.sub(r'[^a-z0-9]+', '-', name).strip('-')}")
    work = prepared(recipe, seed, overrides, out)
    with work.folder.opened(work.recipe):
        for made, copy in ((dense.folder.splits, work.folder.splits), (dense.folder.trained, work.folder.trained)):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made, copy)
        work.prune()
        work.quantize()
        work.export()
    return work


def figures(work: Build, block: tuple[int, int]) -> dict[str, float]:
    network, quantized, test = work.network, work.quantized, work.splits.test
    outputs = reference.float_outputs(network, normalize.apply(test.x, network.mean, network.std))
    integers = reference.integer_outputs(quantized, reference.quantize_input(quantized, test.x))
    weights = list(quantized.weights.values())
    file = (work.folder.artifacts / "model.int8.tflite").read_bytes()
    return {
        "zeros": network.sparsity,
        "accuracy": metric.accuracy(outputs[:, -1], test.y),
        "int8": metric.accuracy(integers[:, -1], test.y),
        "weights": sum(weight.size for weight in weights),
        "gzip": len(gzip.compress(b"".join(weight.tobytes() for weight in weights), mtime=0)),
        "stored": stored(quantized, block),
        "file": len(file),
        "file gzip": len(gzip.compress(file, mtime=0)),
    }


def stored(quantized: QuantizedNetwork, block: tuple[int, int]) -> int:
    """Bytes of all matrices, each in the smallest of the three formats."""
    return sum(min(w.size, sparse(w, (1, 1)), sparse(w, block)) for w in quantized.weights.values())


def sparse(weight: np.ndarray, block: tuple[int, int]) -> int:
    """Bytes of a matrix as a bitmap of its blocks and the weights of those that are not all zero."""
    rows, columns = weight.shape
    if rows % block[0] or columns % block[1]:
        return weight.size
    grid = weight.reshape(rows // block[0], block[0], columns // block[1], block[1])
    kept = int((grid != 0).any(axis=(1, 3)).sum())
    return math.ceil(weight.size / math.prod(block) / 8) + kept * math.prod(block)


def table(rows: Sequence[dict[str, float]]) -> Table:
    """Mean and standard deviation over the seeds."""
    found = Table("network", *COLUMNS)
    for name in VARIANTS:
        own = [[row[column] for column in COLUMNS] for row in rows if row["variant"] == name]
        if own:
            spread = np.std(own, axis=0, ddof=1) if len(own) > 1 else np.zeros(len(COLUMNS))
            pairs = zip(COLUMNS, np.mean(own, axis=0), spread, strict=True)
            found.add_row(name, *(told(*pair) for pair in pairs))
    return found


def told(column: str, mean: float, spread: float) -> str:
    if column in ("zeros", "accuracy", "int8"):
        return f"{mean:.1%} ± {100 * spread:.1f}" if column != "zeros" else f"{mean:.1%}"
    return f"{mean:.0f} ± {spread:.0f}" if spread else f"{mean:.0f}"


if __name__ == "__main__":
    main()
