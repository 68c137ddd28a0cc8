"""How far a training is, on disk after every epoch, so that an interrupted one goes on from there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import __version__, archive
from edgernn.datasets.splits import Splits
from edgernn.network import Network
from edgernn.train.backend import tf


@dataclass(frozen=True, eq=False)
class Progress:
    """`epoch` comes next; `best` are the weights of the lowest validation loss, those after `best_epoch`."""

    epoch: int
    best_epoch: int
    best_loss: float
    best: tuple[np.ndarray, ...]

    def after(self, loss: float | None, weights: list[np.ndarray], keep_from: int) -> Progress:
        """One epoch on; epochs before `keep_from` are never the best. Without a validation loss the last one is."""
        ahead = replace(self, epoch=self.epoch + 1)
        if loss is None:
            return replace(ahead, best_epoch=self.epoch, best=tuple(weights))
        if self.epoch < keep_from or loss >= self.best_loss:
            return ahead
        return replace(ahead, best_epoch=self.epoch, best_loss=loss, best=tuple(weights))


def start(keep_from: int) -> Progress:
    """Before the first epoch; patience counts from `keep_from`."""
    return Progress(0, keep_from - 1, float("inf"), ())


def key(stage: str, settings: object, network: Network, splits: Splits) -> str:
    """A hash of all that the result depends on: settings (JSON), first weights, data and versions."""
    digest = hashlib.sha256()
    versions = [__version__, tf.__version__, np.__version__]
    digest.update(json.dumps([stage, settings, versions], sort_keys=True).encode())
    weights = [weight for layer in network.layers for weight in layer.weights]
    data = [getattr(split, name) for split in (splits.train, splits.validation) for name in ("x", "y")]
    for array in [network.mean, network.std, *weights, *data]:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save(path: Path, run: str, progress: Progress, state: list[Any]) -> None:
    """Write `progress` and the values of the variables `state`; `run` is the training's key."""
    header = {
        "run": run,
        "epoch": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
    }
    arrays = {f"state:{index}": variable.numpy() for index, variable in enumerate(state)}
    arrays |= {f"best:{index}": weight for index, weight in enumerate(progress.best)}
    archive.save(path, header, arrays)


def resume(path: Path, run: str, state: list[Any]) -> Progress | None:
    """Set the variables `state` to what `save` wrote; None, and nothing set, if the file is another run's."""
    if not path.exists():
        return None
    header, arrays = archive.load(path)
    if header.get("run") != run:
        return None
    for index, variable in enumerate(state):
        variable.assign(arrays[f"state:{index}"])
    kept = sum(name.startswith("best:") for name in arrays)
    best = tuple(arrays[f"best:{index}"] for index in range(kept))
    return Progress(header["epoch"], header["best_epoch"], header["best_loss"], best)
