"""The activity recipe on three disjoint folds of test subjects, against its baseline.

    python benchmarks/folds.py [--recipe recipes/activity.yaml] [--seeds 0] [--folder build/folds] [--tune]

The fold of subjects 8 to 10 is the recipe's own: its hyper-parameters were chosen by cross-validation inside
the other subjects. `--tune` chooses anew for every fold, among CANDIDATES, by cross-validation inside that
fold's training subjects, so that no test subject takes part in any choice; it takes about half an hour.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgernn import metric, reference
from edgernn import network as networks
from edgernn import recipe as recipes
from edgernn.build import Build
from edgernn.datasets.splits import Split
from edgernn.features import normalize
from edgernn.folder import BuildFolder
from edgernn.network import Network
from edgernn.progress import Progress

SUBJECTS = tuple(range(1, 11))
FOLDS = {(2, 3, 4): 7, (5, 6, 7): 4, (8, 9, 10): 7}  # test subjects: validation subject
CANDIDATES = {
    "the recipe": [],
    "without augmentation": ["train.augment={}"],
}
INNER = 3  # parts that the training subjects of a fold are cut into


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/activity.yaml"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--folder", type=Path, default=Path("build/folds"))
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    print("| test subjects | chosen | seed | random forest | trained | pruned |\n|---|---|---|---|---|---|")
    rows = []
    for test, validation in FOLDS.items():
        chosen = tuned(options.recipe, test, options.folder) if options.tune else "the recipe"
        for seed in options.seeds:
            folder = options.folder / f"{'-'.join(map(str, test))}.{seed}"
            work = prepared(options.recipe, test, validation, [*CANDIDATES[chosen], f"seed={seed}"], folder)
            rows.append(fold(work))
            told = " | ".join(f"{value:.3f}" for value in rows[-1])
            print(f"| {', '.join(map(str, test))} | {chosen} | {seed} | {told} |", flush=True)
    print("| mean | | | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")


def tuned(recipe: Path, test: Sequence[int], folder: Path) -> str:
    """The candidate with the best mean accuracy on the training subjects that were held out in turn."""
    inside = [subject for subject in SUBJECTS if subject not in test]
    parts = [tuple(int(s) for s in part) for part in np.array_split(inside, INNER)]
    means = {}
    for name, overrides in CANDIDATES.items():
        scores = []
        for part in parts:
            judge = next(s for s in reversed(inside) if s not in part)
            out = folder / "tune" / "-".join(map(str, (*test, "without", *part, list(CANDIDATES).index(name))))
            hidden = [f"data.split.exclude=[{', '.join(map(str, test))}]"]
            work = prepared(recipe, part, judge, [*overrides, *hidden], out)
            scores.append(trained(work))
        means[name] = float(np.mean(scores))
        print(f"| {', '.join(map(str, test))} | inside: {name} | | | {means[name]:.3f} | |", flush=True)
    return max(means, key=lambda name: means[name])


def prepared(recipe: Path, test: Sequence[int], validation: int, overrides: Sequence[str], out: Path) -> Build:
    split = [f"data.split.test=[{', '.join(map(str, test))}]", f"data.split.validation=[{validation}]"]
    plan = recipes.load(recipe, [*split, *overrides])
    return Build(plan, recipe.parent, BuildFolder(out), Progress(quiet=True))


def trained(work: Build) -> float:
    """Accuracy of the trained network on the test subjects."""
    with work.folder.opened(work.recipe):
        work.data()
        work.train()
    return accuracy(networks.load(work.folder.trained), work.splits.test)


def fold(work: Build) -> tuple[float, float, float]:
    """Accuracy of the baseline, of the trained network and of the pruned network on the test subjects."""
    full = trained(work)
    with work.folder.opened(work.recipe):
        work.baseline()
        work.prune()
    baseline = json.loads(work.folder.baseline.read_text())["value"]
    return baseline, full, accuracy(work.network, work.splits.test)


def accuracy(network: Network, test: Split) -> float:
    outputs = reference.float_outputs(network, normalize.apply(test.x, network.mean, network.std))
    return metric.accuracy(outputs[:, -1], test.y)


if __name__ == "__main__":
    main()
