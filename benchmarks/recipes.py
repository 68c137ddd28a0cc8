"""All shipped recipes, built and set side by side; README's table is what this writes.

    python benchmarks/recipes.py [--seeds 0 1 2] [--only NAME ...] [--folder build/recipes] [--board cortex-m4]
                                 [--read] [--readme]

Float, baseline and int8 are the recipe's metric on its held-out test split, means over the seeds with the standard
deviation; int8 is the worst of all engines. Loss and agreement are those of that worst. Latency is the median of a
step on one thread, the first seed's; bytes are step.int8.tflite's. Instructions a step are those of the C,
optimised for speed, on an emulated board, where its compiler and emulator are there: the first seed's. Minutes are
those of that seed's build, each of its stages when it ran.
Builds are cached: a second call only checks them. With `--read` none is started, and the reports that are there
are set side by side. `--readme` writes the rows between the table's marks in README.md; those of recipes that were
left out stay as they are.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgernn import archive
from edgernn.report import units
from edgernn.report.verdict import precision_of

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MARKS = re.compile(r"(<!-- benchmarks/recipes.py -->\n)(.*?)(<!-- end -->)", re.DOTALL)
COLUMNS = (
    *("recipe", "seeds", "metric", "baseline", "float", "int8", "loss", "agreement", "parameters", "int8 bytes"),
    *("µs a step: LiteRT", "onnxruntime", "C", "instructions a step", "build, minutes"),
)
ENGINES = ("litert", "onnxruntime", "c")

Report = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--folder", type=Path, default=Path("build/recipes"))
    parser.add_argument("--profile", default="")
    parser.add_argument("--board", default="cortex-m4")
    parser.add_argument("--read", action="store_true")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    paths = [p for p in sorted((ROOT / "recipes").glob("*.yaml")) if not options.only or p.stem in options.only]
    found = {
        path.stem: [
            report(path, seed, options)
            for seed in options.seeds
            if not options.read or (place(path, seed, options) / "report.json").is_file()
        ]
        for path in paths
    }
    found = {name: reports for name, reports in found.items() if reports}
    rows = [row(name, reports) for name, reports in found.items()]
    print(table(rows))
    if options.readme:
        archive.write_text(README, with_rows(README.read_text("utf-8"), rows))
    raise SystemExit(0 if all(report["passed"] for reports in found.values() for report in reports) else 1)


def place(recipe: Path, seed: int, options: argparse.Namespace) -> Path:
    """The build folder of a recipe with that seed."""
    return Path(options.folder / f"{recipe.stem}.{seed}")


def report(recipe: Path, seed: int, options: argparse.Namespace) -> Report:
    """The report of a recipe with that seed; a failed gate is reported, everything else ends this program."""
    out = place(recipe, seed, options)
    if not options.read:
        changes = [f"seed={seed}", *([f"profile={options.profile}"] if options.profile else [])]
        ended = edgernn(
            "build", str(recipe), "--out", str(out), *(part for one in changes for part in ("--set", one))
        )
        if ended not in (0, 1):
            raise SystemExit(f"{recipe} with seed {seed} ends with exit code {ended}")
        if seed == options.seeds[0]:  # what has no C, or does not fit, or lacks a tool, has no instructions
            edgernn("firmware", str(out), "--board", options.board, "--optimise", "speed", "--run")
    return json.loads((out / "report.json").read_text())  # type: ignore[no-any-return]


def edgernn(*arguments: str) -> int:
    """The exit code of a command."""
    return subprocess.run([sys.executable, "-m", "edgernn.cli", *arguments, "--quiet"], check=False).returncode


def row(name: str, reports: Sequence[Report]) -> tuple[str, ...]:
    first = reports[0]
    measures = [anomalies(report) or measured(report) for report in reports]
    return (
        f"`{name}`",
        str(len(reports)),
        measures[0].metric,
        f"{measures[0].baseline.replace('_', ' ')} {spread([one.level for one in measures])}",
        spread([one.exact for one in measures]),
        spread([one.int8 for one in measures]),
        units.significant(float(np.mean([one.drop for one in measures])), 2),
        units.percent(min(result["agreement"] for report in reports for result in int8(report))),
        units.count(first["network"]["parameters"]),
        units.count(next((a["bytes"] for a in first["artifacts"] if a["name"] == "step.int8.tflite"), 0)),
        *(latency(first, engine) for engine in ENGINES),
        instructions(first),
        minutes(first),
    )


class Measure(NamedTuple):
    """What a recipe is about, by its metric: of the best baseline, the float network and the worst int8."""

    metric: str
    baseline: str
    level: float
    exact: float
    int8: float
    drop: float


def measured(report: Report) -> Measure:
    metric = report["metric"]
    worst = max(int8(report), key=lambda result: result["metric_drop"])
    best = metric["baseline"]
    return Measure(
        metric["name"], best["name"], best["value"], metric["float"], worst["metric"], worst["metric_drop"]
    )


def anomalies(report: Report) -> Measure | None:
    """Of a recipe that finds labelled anomalies, how well; None of any other."""
    found = report.get("detection", {})
    rows = [row for row in found.get("results", ()) if row.get("auc") is not None]
    if not rows:
        return None
    best = max(found["baselines"], key=lambda row: row["auc"])
    worst = min((row for row in rows if precision_of(report, row) == "int8"), key=lambda row: row["auc"])
    own = next(row["auc"] for row in rows if row["artifact"] == "network")
    return Measure("AUC of anomalies", best["name"], best["auc"], own, worst["auc"], worst["auc_drop"])


def int8(report: Report) -> list[Any]:
    """Results of int8 files over the whole test split."""
    rows = [r for r in report["results"] if r["status"] == "ok" and precision_of(report, r) == "int8"]
    return [r for r in rows if "optimisation" not in r]


def spread(values: Sequence[float]) -> str:
    mean = units.significant(float(np.mean(values)), 3)
    return mean if len(values) == 1 else f"{mean} ± {units.significant(float(np.std(values, ddof=1)), 1)}"


def latency(report: Report, engine: str) -> str:
    times = [r["latency_us"]["median"] for r in int8(report) if r["engine"] == engine and of_a_step(r)]
    return units.significant(min(times), 2) if times else units.NONE


def of_a_step(result: Mapping[str, Any]) -> bool:
    return bool(result["latency_us"]) and result["latency_us"]["per"] == "step"


def instructions(report: Report) -> str:
    """Of the image that is optimised for speed, with its board."""
    found = [r for r in report["results"] if r.get("optimisation") == "speed" and r["instructions"]]
    return f"{units.count(found[0]['instructions'])} ({found[0]['device']})" if found else units.NONE


def minutes(report: Report) -> str:
    return units.fixed(sum(stage["seconds"] for stage in report["provenance"]["stages"]) / 60, 1)


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_rows(readme: str, rows: Sequence[Sequence[str]]) -> str:
    """README with these rows in its table, and those of other recipes as they were, in order of their names.

    Raises SystemExit where the table's marks are not there, or its columns are others and rows would stay.
    """
    marked = MARKS.search(readme)
    if not marked:
        raise SystemExit("README.md has no marks for the table")
    head, _, *lines = [tuple(line.strip("| ").split(" | ")) for line in marked[2].splitlines()] or [COLUMNS, ()]
    kept = {line[0]: line for line in lines} | {line[0]: tuple(line) for line in rows}
    if head != COLUMNS and len(kept) > len(rows):
        raise SystemExit("README.md's table has other columns; build all recipes to write it anew")
    return MARKS.sub(lambda found: f"{found[1]}{table([kept[name] for name in sorted(kept)])}\n{found[3]}", readme)


if __name__ == "__main__":
    main()
