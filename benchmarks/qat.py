"""Quantisation-aware training against post-training quantisation, in int8, from one float network a seed.

    python benchmarks/qat.py [--recipe recipes/activity.yaml] [--seeds 0 1 2] [--networks "the recipe" ...]
        [--folder build/qat] [--json FILE]

Pruning is off. On the test subjects: accuracy, the share of windows in which the integers decide as the float
network does, and the mean |integer - float| of the outputs. C is the integer reference, which the generated C
equals bit for bit; LiteRT runs model.int8.tflite with an int8 state. Each is trained in its own arithmetic. What is
in the folder already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from edgernn import metric, reference
from edgernn import recipe as recipes
from edgernn.build import Build
from edgernn.engines import litert
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.lowering import native
from edgernn.progress import Progress
from edgernn.targets import target

NETWORKS = {"the recipe": [], "one GRU of 12": ["network.layers=[{gru: {units: 12}}, {dense: {}}]"]}
ENGINES = {
    "C": ["targets={c: {precisions: [int8]}}", "quantize.qat={learning_rate: 0.0003}"],
    "LiteRT, int8 state": [
        "targets={tflite: {forms: [sequence], precisions: [int8]}}",
        "quantize.qat={learning_rate: 0.001}",
        "quantize.state=int8",
    ],
}
WAYS = {"PTQ": ["quantize.qat=null"], "QAT": []}
COLUMNS = ("accuracy", "agreement", "error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/activity.yaml"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--folder", type=Path, default=Path("build/qat"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name in options.networks:
        for seed in options.seeds:
            rows += compared(options.recipe, name, seed, options.folder)
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def prepared(recipe: Path, seed: int, overrides: Sequence[str], out: Path) -> Build:
    plan = recipes.load(recipe, [f"seed={seed}", "prune=null", *overrides])
    return Build(plan, recipe.parent, BuildFolder(out), Progress(quiet=True))


def trained(recipe: Path, name: str, seed: int, folder: Path) -> Build:
    """The float network that both ways of a seed start from."""
    work = prepared(recipe, seed, NETWORKS[name], folder / f"{name.replace(' ', '-')}-{seed}")
    with work.folder.opened(work.recipe):
        if not work.folder.network.exists():
            work.data()
            work.train()
            work.prune()
    return work


def compared(recipe: Path, name: str, seed: int, folder: Path) -> list[dict[str, object]]:
    """The rows of both ways on both engines."""
    start, rows = trained(recipe, name, seed, folder), []
    for engine, settings in ENGINES.items():
        for way, override in WAYS.items():
            out = start.folder.root.with_name(f"{start.folder.root.name}-{engine.split(',')[0]}-{way}")
            work = prepared(recipe, seed, [*NETWORKS[name], *settings, *override], out)
            rows.append({"network": name, "engine": engine, "way": way, "seed": seed, **measured(work, start)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def measured(work: Build, start: Build) -> dict[str, float]:
    """The figures of one way of quantising the network of `start`."""
    with work.folder.opened(work.recipe):
        for made, copy in ((start.folder.splits, work.folder.splits), (start.folder.network, work.folder.network)):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made, copy)
        work.quantize()
    test, network = work.splits.test, work.network
    wanted = reference.float_outputs(network, normalize.apply(test.x, network.mean, network.std))[:, -1]
    return figures(in_c(work) if "c" in work.recipe.targets else in_litert(work), wanted, test.y)


def in_c(work: Build) -> np.ndarray:
    integers = reference.integer_outputs(
        work.quantized, reference.quantize_input(work.quantized, work.splits.test.x)
    )
    return native(work.quantized)[-1].output.dequantize(integers[:, -1])


def in_litert(work: Build) -> np.ndarray:
    path = target("tflite").export(work.network, work.quantized, "sequence", "int8", work.folder.artifacts)
    return litert.open(path, "sequence", 1).outputs(work.splits.test.x)


def figures(found: np.ndarray, wanted: np.ndarray, y: np.ndarray) -> dict[str, float]:
    return {
        "float": metric.accuracy(wanted, y),
        "accuracy": metric.accuracy(found, y),
        "agreement": float(np.mean(found.argmax(axis=1) == wanted.argmax(axis=1))),
        "error": float(np.abs(found - wanted).mean()),
    }


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Means over the seeds and the standard deviation between them."""
    shown = Table("network", "engine", "quantised", "float", *COLUMNS)
    for name in dict.fromkeys(row["network"] for row in rows):
        for engine in ENGINES:
            for way in WAYS:
                own = [r for r in rows if (r["network"], r["engine"], r["way"]) == (name, engine, way)]
                cells = [spread([float(str(row[key])) for row in own]) for key in ("float", *COLUMNS)]
                shown.add_row(str(name), engine, way, *cells)
    return shown


def spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=len(values) > 1):.4f}"


if __name__ == "__main__":
    main()
