"""What an output means, in the words of the network's labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgernn.network import Network


def told(network: Network, output: np.ndarray) -> dict[str, Any]:
    """What an output means: a class and its score, or of a regression every quantity by its name."""
    if network.task == "regress":
        return {label: float(value) for label, value in zip(network.labels, output, strict=True)}
    best = int(output.argmax())
    return {"label": network.labels[best], "output": float(output[best])}
