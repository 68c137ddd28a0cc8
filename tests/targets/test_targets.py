"""What every target must keep to, over every artifact that there can be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
from networks import random_frames, random_network

from edgernn import targets
from edgernn.cells import CELLS
from edgernn.errors import ExportError
from edgernn.network import QuantizedNetwork, StateType
from edgernn.quantize import quantize
from edgernn.targets import TARGETS, Combination, Content, Operator, audit, supported, target


@cache
def sample(cell: str, state: StateType) -> QuantizedNetwork:
    network = random_network(cells=[(cell, 6), (cell, 4)])
    return quantize(network, (random_frames(network) - network.mean) / network.std, state)


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("state", get_args(StateType))
@pytest.mark.parametrize("combination", sorted(supported()), ids="-".join)
def test_float_is_float_and_integer_is_integer(
    combination: Combination, state: StateType, cell: str, tmp_path: Path
) -> None:
    quantized, writer = sample(cell, state), target(combination.target)
    path = writer.export(quantized.network, quantized, combination.form, combination.precision, tmp_path)
    found = audit(combination, path)
    integer, floats = (
        {op.name for op in found.operators if op.arithmetic == kind} for kind in ("integer", "float")
    )
    if combination.precision == "float32":
        assert integer == set()
        assert floats >= writer.MATRIX_PRODUCTS & {op.name for op in found.operators} != set()
        assert found.integer_weight_bytes == 0
    if combination.precision == "int8":
        assert floats <= writer.BOUNDARY
        assert integer & writer.MATRIX_PRODUCTS
        assert found.float_weight_bytes == 0


@pytest.mark.parametrize("name", TARGETS)
def test_no_product_is_at_the_boundary(name: str) -> None:
    assert not target(name).BOUNDARY & target(name).MATRIX_PRODUCTS


@pytest.mark.parametrize(("operator", "fault"), [("ADD", r"float operators \['ADD'\]"), ("QUANTIZE", "")])
def test_float_is_allowed_at_the_boundary_only(
    operator: str, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = Content((Operator("FC", 1, "integer"), Operator(operator, 1, "float")), 0, 12)
    writer = SimpleNamespace(content=lambda _: found, BOUNDARY=frozenset({"QUANTIZE"}))
    monkeypatch.setattr(targets, "target", lambda _: writer)
    if not fault:
        assert audit(Combination("tflite", "step", "int8"), tmp_path) == found
        return
    with pytest.raises(ExportError, match=fault):
        audit(Combination("tflite", "step", "int8"), tmp_path)
