"""Written artifacts read back and held to what the recipe asked for: precision, sparsity, states."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import targets
from edgernn.errors import ExportError
from edgernn.inspect import inspect
from edgernn.lowering import TypedPass, native, operators
from edgernn.network import Network, QuantizedNetwork
from edgernn.targets import Combination


def hold(combination: Combination, path: Path, network: Network, quantized: QuantizedNetwork) -> None:
    """Raises ExportError when the file at `path` is not the artifact that `combination` names.

    An integer artifact works in integers and has integer states of the types that were chosen; every layer has at
    least the zeros that the float network has.
    """
    targets.audit(combination, path)
    found = inspect(path)
    _require_zeros(found, network, path)
    if combination.form == "step":
        _require_states(found, combination, quantized, path)


def _require_zeros(found: Mapping[str, Any], network: Network, path: Path) -> None:
    written: dict[str, int] = {}
    for constant in found["constants"]:
        if constant["role"] == "weight":
            written[constant["layer"]] = written.get(constant["layer"], 0) + constant["zeros"]
    for layer in network.layers:
        matrices = [value for value in layer.constants().values() if value.ndim == 2]
        wanted = sum(int(value.size - np.count_nonzero(value)) for value in matrices)
        if wanted and written.get(layer.name, 0) < wanted:
            raise ExportError(
                f"{path.name} has {written.get(layer.name, 0)} zeros in the weights of {layer.name}, "
                f"and the pruned network {wanted}; please report this"
            )


def _require_states(
    found: Mapping[str, Any], combination: Combination, quantized: QuantizedNetwork, path: Path
) -> None:
    states = sorted((tuple(t["shape"])[-1], t["dtype"]) for t in found["tensors"] if t["role"] == "state")
    wanted = sorted(_states(combination, quantized))
    if states != wanted:
        raise ExportError(f"{path.name} has the states {states} and not {wanted}; please report this")


def _states(combination: Combination, quantized: QuantizedNetwork) -> list[tuple[int, str]]:
    """Size and type of every state."""
    if combination.precision in ("float32", "dynamic"):
        program = quantized.network.program()
        return [(program.sizes[state.name], "float32") for state in program.states]
    typing = native if combination.target == "c" else operators
    passes: tuple[TypedPass, ...] = typing(quantized.at(combination.precision))
    typed = passes[0].forward
    return [(typed.program.sizes[state.name], typed.types[state.name].dtype) for state in typed.program.states]
