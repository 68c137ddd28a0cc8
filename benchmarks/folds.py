"""The activity recipe on three disjoint folds of test subjects, against its baseline.

    python benchmarks/folds.py [--recipe recipes/activity.yaml] [--seeds 0] [--folder build/folds]

Subject 1 always trains. The recipe's hyper-parameters were chosen by cross-validation inside subjects 1 to
7, the training subjects of the last fold, which is the recipe's own; its test subjects took no part. The subjects
of the first two folds did, so those two lines are mildly optimistic for the network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from edgernn import network as networks
from edgernn import recipe as recipes
from edgernn import reference, verify
from edgernn.datasets.splits import Split
from edgernn.folder import BuildFolder
from edgernn.network import Network
from edgernn.pipeline import Build
from edgernn.progress import Progress

FOLDS = {"2 3 4": "7", "5 6 7": "4", "8 9 10": "7"}  # test subjects: validation subject


def accuracy(network: Network, test: Split) -> float:
    outputs = reference.float_outputs(network, (test.x - network.mean) / network.std)
    return verify.accuracy(outputs[:, -1], test.y)


def fold(recipe: Path, test: str, validation: str, seed: int, folder: Path) -> tuple[float, float, float]:
    """Accuracy of the baseline, of the trained network and of the pruned network on the test subjects."""
    split = f"data.split={{test: [{test.replace(' ', ', ')}], validation: [{validation}]}}"
    plan = recipes.load(recipe, [split, f"seed={seed}"])
    build = Build(plan, BuildFolder(folder), Progress(quiet=True))
    with build.folder.opened(plan):
        for stage in (build.data, build.baseline, build.train, build.prune):
            stage()
    baseline = json.loads(build.folder.baseline.read_text())["value"]
    trained = networks.load(build.folder.trained)
    return baseline, accuracy(trained, build.splits.test), accuracy(build.network, build.splits.test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/activity.yaml"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--folder", type=Path, default=Path("build/folds"))
    options = parser.parse_args()
    print("| test subjects | seed | random forest | trained | pruned |\n|---|---|---|---|---|")
    rows = []
    for seed in options.seeds:
        for test, validation in FOLDS.items():
            folder = options.folder / f"{test.replace(' ', '-')}.{seed}"
            rows.append(fold(options.recipe, test, validation, seed, folder))
            print(f"| {test} | {seed} | " + " | ".join(f"{value:.3f}" for value in rows[-1]) + " |", flush=True)
    print("| mean | | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    main()
