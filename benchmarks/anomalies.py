"""Anomalies found by forecasts and by discords: both series of the catalog, several seeds, several lengths.

    python benchmarks/anomalies.py [--seeds 0 1 2] [--folder build/anomalies]

Builds recipes/ecg_anomaly.yaml, and its profile `blood_pressure`, once a seed. The first table is what the reports
say: AUC of the float network and of the worst int8 engine, and of the better discord, over as many frames in a row;
whether the largest score is of an anomaly; anomalies found, false alarms and delay of the C. In the second one sums
and subsequences have other lengths than the recipe's; nothing was chosen by it. Builds are cached.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import network as networks
from edgernn.datasets import scene
from edgernn.decide import AlarmRule
from edgernn.detection import alarms
from edgernn.folder import BuildFolder
from edgernn.lowering import native

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "ecg_anomaly.yaml"
PROFILES = {"ecg": (), "blood_pressure": ("--set", "profile=blood_pressure")}
LENGTHS = (10, 20, 40, 60, 100)

Report = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("build/anomalies"))
    options = parser.parse_args()
    reports: list[Sequence[str]] = [
        ("series", "seed", "float", "int8", "discord", "top", "found", "false", "delay")
    ]
    lengths: list[Sequence[str]] = [("series", "seed", "method", *map(str, LENGTHS))]
    for name, profile in PROFILES.items():
        for seed in options.seeds:
            out = options.folder / f"{name}.{seed}"
            reports.append((name, str(seed), *told(built(out, seed, profile))))
            lengths += [(name, str(seed), *row) for row in by_length(out)]
    print(f"{table(reports)}\n\n{table(lengths)}")


def table(rows: Sequence[Sequence[str]]) -> str:
    """In Markdown; the first row is the header."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (rows[0], ["---"] * len(rows[0]), *rows[1:]))


def built(out: Path, seed: int, profile: Sequence[str]) -> Report:
    """The report of a build; a failed gate is no end of it."""
    command = [sys.executable, "-m", "edgernn.cli", "build", str(RECIPE), "--out", str(out), "--quiet"]
    done = subprocess.run([*command, "--set", f"seed={seed}", *profile], check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{RECIPE} with seed {seed} ends with exit code {done.returncode}")
    return json.loads((out / "report.json").read_text())  # type: ignore[no-any-return]


def told(report: Report) -> Sequence[str]:
    found = report["detection"]
    rows = {(row["artifact"], row["engine"]): row for row in found["results"]}
    own, device = rows["network", "numpy"], rows["c/int8", "c"]
    worst = min(row["auc"] for (artifact, _), row in rows.items() if "int8" in artifact)
    best = max(found["baselines"], key=lambda row: row["auc"])
    return (
        f"{own['auc']:.4f}",
        f"{worst:.4f}",
        f"{best['name']} {best['auc']:.4f}",
        "yes" if all(row["top"] for row in rows.values()) else "no",
        f"{device['found']} of {device['anomalies']}",
        str(device["false_alarms"]),
        str(device["delay"]),
    )


def by_length(out: Path) -> list[Sequence[str]]:
    """The AUC of the float network and of both discords, by the frames of a sum."""
    folder = BuildFolder(out)
    network, scenes = networks.load(folder.network), scene.load(folder.scenes)
    qtype = native(networks.load_quantized(folder.quantized))[-1].output
    assert isinstance(network.decide, AlarmRule)
    y = alarms.outputs(network, scenes["test"])
    rules = [replace(network.decide, smooth=length) for length in LENGTHS]
    areas = {"network": [alarms.of_forecasts(y, scenes["test"], rule, qtype).auc for rule in rules]}
    for name, shape in alarms.DISCORDS.items():
        areas[name] = [alarms.of_discords(scenes, rule, network.outputs, shape).auc for rule in rules]
    return [(name, *(f"{np.nan if auc is None else auc:.4f}" for auc in found)) for name, found in areas.items()]


if __name__ == "__main__":
    main()
