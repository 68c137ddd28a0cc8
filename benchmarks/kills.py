"""Kill a build at random moments, start it again each time, and compare it with an undisturbed build.

    python benchmarks/kills.py [--recipe recipes/activity.yaml] [--kills 10] [--seed 0] [--folder build/kills]

Prints one line a kill and ends with exit code 0 when every artifact has the same sha256 in both builds.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

START_S = 8.0  # what a start costs before work goes on: imports, above all that of TensorFlow


def command(recipe: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "edgernn.cli", "build", str(recipe), "--out", str(folder)]


def undisturbed(recipe: Path, folder: Path) -> float:
    """Build without a kill; returns the seconds it took."""
    started = time.monotonic()
    ended = subprocess.run(command(recipe, folder), check=False)
    if ended.returncode not in (0, 1):  # 1: a gate failed, which is none of this script's business
        raise SystemExit(f"the undisturbed build ended with exit code {ended.returncode}")
    return time.monotonic() - started


def disturbed(recipe: Path, folder: Path, kills: int, seconds: float, seed: int) -> None:
    """Build with `kills` SIGKILLs at moments drawn uniformly over the whole build.

    A start costs START_S before it goes on where the last one was killed. Should a build end before its kill,
    the next one begins at a stage drawn at random, so that every kill hits work in progress.
    """
    from edgernn.pipeline import STAGES

    rng = random.Random(seed)
    moments = sorted(rng.uniform(0, seconds) for _ in range(kills))
    patience = [later - earlier + START_S for earlier, later in zip([0.0, *moments], moments, strict=False)]
    again: list[str] = []
    while patience:
        if _killed([*command(recipe, folder), *again], folder, patience[0]):
            print(
                f"kill {kills - len(patience) + 1}: after {patience.pop(0):.1f} s, in {_stage(folder)}", flush=True
            )
            again = []
        else:
            again = ["--from", rng.choice(STAGES[STAGES.index("quantize") :])]
            patience[0] /= 2


def _killed(arguments: list[str], folder: Path, patience: float) -> bool:
    """Run a build for `patience` seconds and kill it; False when it ended before."""
    with (folder.parent / "disturbed.log").open("a") as log:
        child = subprocess.Popen(arguments, stdout=log, stderr=log, start_new_session=True)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            return True
    return False


def sums(folder: Path) -> dict[str, str]:
    """The sha256 of every artifact, of the networks too, from the build's manifest."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    return {
        name: entry["sha256"]
        for name, entry in files.items()
        if name.startswith("artifacts/") or name.endswith(".npz")
    }


def _stage(folder: Path) -> str:
    """The stage that a killed build was in: the one after the last that has a record."""
    from edgernn.pipeline import STAGES

    done = {path.stem for path in (folder / "cache" / "stages").glob("*.json")}
    return next((stage for stage in STAGES if stage not in done), "none: all were done")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/activity.yaml"))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build/kills"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    whole, killed = options.folder / "undisturbed", options.folder / "disturbed"
    seconds = undisturbed(options.recipe, whole)
    print(f"undisturbed: {seconds:.1f} s", flush=True)
    disturbed(options.recipe, killed, options.kills, seconds, options.seed)
    undisturbed(options.recipe, killed)
    wanted, got = sums(whole), sums(killed)
    different = sorted(name for name in wanted | got if wanted.get(name) != got.get(name))
    print(f"{len(wanted)} files, {len(different)} differ: {', '.join(different) or 'none'}")
    raise SystemExit(1 if different else 0)


if __name__ == "__main__":
    main()
