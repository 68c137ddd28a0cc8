"""The keyword recipe by seed: accuracy on voices that did not train, and words found in a long stream.

    python benchmarks/keywords.py [--recipe recipes/keyword_spotting.yaml] [--seeds 0 1 2] [--set KEY=VALUE ...]
        [--folder build/keywords] [--json FILE]

A seed decides the weights, what the voices say and how, and the noise behind it. Every seed is a whole build, and
the numbers are those of its report.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edgernn import pipeline
from edgernn import recipe as recipes
from edgernn.progress import Progress

COLUMNS = (
    "float",
    "int8 C",
    "hit rate",
    "false accepts an hour",
    "hit rate, int8 C",
    "false accepts an hour, int8 C",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/keyword_spotting.yaml"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--folder", type=Path, default=Path("build/keywords"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        plan = recipes.load(options.recipe, [*options.overrides, f"seed={seed}"])
        out = options.folder / f"seed{seed}"
        rows.append({"seed": seed} | row(pipeline.build(plan, options.recipe.parent, out, Progress(quiet=True))))
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def row(report: dict[str, Any]) -> dict[str, float]:
    """The numbers of a report, in the order of the columns."""
    by_c = next(one for one in report["results"] if (one["artifact"], one["form"]) == ("c/int8", "step"))
    found = {one["artifact"]: one for one in report["detection"]["results"]}
    pairs = [(found[name]["hit_rate"], found[name]["false_accepts_per_hour"]) for name in ("network", "c/int8")]
    values = (report["metric"]["float"], by_c["metric"], *pairs[0], *pairs[1])
    return dict(zip(COLUMNS, values, strict=True))


def table(rows: list[dict[str, Any]]) -> Table:
    found = Table("seed", *COLUMNS)
    for one in rows:
        found.add_row(str(one["seed"]), *(f"{one[name]:.3f}" for name in COLUMNS))
    return found


if __name__ == "__main__":
    main()
