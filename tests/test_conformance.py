"""Every layer in every form, precision and target on every engine, against the float and the integer reference.

All parameters come from the tables: a new cell, target or engine is tested without being asked. Beside the named
networks (`networks.STACKS`) there are random ones; `--networks 500` is the full run.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from networks import STACKS, any_network, normalised, random_frames, stack_network

from edgernn import audit, reference
from edgernn.cases import Case, cases
from edgernn.engines import engine
from edgernn.lowering import native
from edgernn.network import Network, QuantizedNetwork, StateType
from edgernn.network_section import LayerChoice
from edgernn.quantize import quantize
from edgernn.support import refusal
from edgernn.targets import Combination, artifact_name, supported, target
from edgernn.train import keras_outputs

WINDOWS = 6

# Mean and largest difference from the float network, as shares of the spread of its outputs. The first are measured
# on `STACKS`: at most 2.5 times the worst of what the comments say.
BUDGETS = {
    "float32": (2e-6, 2e-5),
    "dynamic": (0.03, 0.15),
    "int8": (0.08, 0.5),
    "int16x8": (0.04, 0.2),
    "native int8": (0.04, 0.25),
    "native int16x8": (0.03, 0.15),
}


class Sample(NamedTuple):
    network: Network
    quantized: QuantizedNetwork
    frames: np.ndarray
    wanted: np.ndarray  # float outputs after every step


@cache
def sample(name: str, state: StateType) -> Sample:
    network = any_network(int(name)) if name.isdecimal() else stack_network(name)
    streams = random_frames(network, 64)
    quantized = quantize(network, normalised(network, streams), state)
    frames = streams[:WINDOWS]
    return Sample(network, quantized, frames, reference.float_outputs(network, normalised(network, frames)))


def of_network(network: Network) -> list[Case]:
    """Every artifact of a network on every engine, once: a C folder serves both forms where there are two."""
    layers = [LayerChoice(layer.name, layer.kind, layer.options) for layer in network.layers]
    there = [c for c in sorted(supported()) if not refusal(layers, c)]
    there = [c for c in there if c.target != "c" or c.form == ("step" if network.streams else "sequence")]
    return cases(there, "all", Path())


def combination(case: Case) -> Combination:
    return next(
        c
        for c in sorted(supported(), key=lambda c: c.form == "sequence")
        if artifact_name(c) == case.artifact and (c.target == "c" or c.form == case.form)
    )


def outputs(case: Case, what: Sample, folder: Path) -> np.ndarray:
    made = combination(case)
    if made.target == "c" and not what.network.streams:
        made = made._replace(form="sequence")
    path = target(made.target).export(what.network, what.quantized, made.form, made.precision, folder)
    audit.hold(made, path, what.network, what.quantized)
    return engine(case.engine).open(path, case.form, threads=1).outputs(what.frames)


def pairs() -> list[tuple[str, Case]]:
    return [(name, case) for name in STACKS for case in of_network(stack_network(name))]


def named(value: object) -> str:
    return value.key if isinstance(value, Case) else str(value)


def error_of(case: Case, what: Sample, folder: Path) -> np.ndarray:
    got = outputs(case, what, folder)
    wanted = what.wanted if case.form == "step" or what.network.every_step else what.wanted[:, -1]
    assert got.shape == wanted.shape
    return np.abs(got - wanted) / what.wanted.std()


@pytest.mark.parametrize(("name", "case"), pairs(), ids=named)
def test_an_artifact_stays_within_its_budget(name: str, case: Case, tmp_path: Path) -> None:
    refused = engine(case.engine).refusal(case.form, case.precision)
    if refused:
        assert case.skip == refused
        return
    assert not case.skip, f"the test environment lacks {case.engine}: {case.skip}"
    states: tuple[StateType, ...] = (
        ("int8", "int16") if case.precision == "int8" and case.engine != "c" else ("int16",)
    )
    mean, largest = BUDGETS[f"native {case.precision}" if case.engine == "c" else case.precision]
    for state in states:
        error = error_of(case, sample(name, state), tmp_path / state)
        assert error.mean() <= mean
        assert error.max() <= largest


@pytest.mark.parametrize("precision", ["int8", "int16x8"])
@pytest.mark.parametrize("name", STACKS)
def test_c_equals_the_integer_reference_bit_for_bit(name: str, precision: str, tmp_path: Path) -> None:
    hold_c_to_the_reference(sample(name, "int16"), precision, tmp_path)


def hold_c_to_the_reference(what: Sample, precision: str, folder: Path) -> None:
    at = what.quantized.at(precision)  # type: ignore[arg-type]
    integers = reference.integer_outputs(at, reference.quantize_input(at, what.frames))
    wanted = native(at)[-1].output.dequantize(integers).astype(np.float32)
    for case in of_network(what.network):
        if (case.engine, case.precision) == ("c", precision):
            got = outputs(case, what, folder)
            np.testing.assert_array_equal(got, wanted if case.form == "step" else wanted[:, -1])


STEPS_BACK = [
    (name, engine_name, precision)
    for name in STACKS
    if stack_network(name).streams
    for engine_name in ("litert", "litert-ref", "tflm")
    for precision in ("float32", "int8", "int16x8")
]


@pytest.mark.parametrize(("name", "engine_name", "precision"), STEPS_BACK)
def test_a_step_fed_back_equals_the_sequence_bit_for_bit(
    name: str, engine_name: str, precision: str, tmp_path: Path
) -> None:
    what = sample(name, "int8")
    pair = {c.form: c for c in of_network(what.network) if (c.engine, c.precision) == (engine_name, precision)}
    step = outputs(pair["step"], what, tmp_path)
    np.testing.assert_array_equal(step[:, -1], outputs(pair["sequence"], what, tmp_path))


def test_random_networks_equal_keras(network_seed: int) -> None:
    network = any_network(network_seed)
    frames = random_frames(network, 4)
    wanted = reference.float_outputs(network, normalised(network, frames))[:, -1]
    difference = np.abs(keras_outputs(network, frames) - wanted)
    assert difference.max() <= 1e-5 * max(1.0, float(np.abs(wanted).max()))


def test_random_networks(network_seed: int, tmp_path: Path) -> None:
    """C equals the reference; every other artifact stays within twice the budget of the named networks."""
    what = sample(str(network_seed), "int16")
    for precision in ("int8", "int16x8"):
        hold_c_to_the_reference(what, precision, tmp_path)
    faults = []
    for case in of_network(what.network):
        if case.engine == "c" or engine(case.engine).refusal(case.form, case.precision):
            continue
        error = error_of(case, what, tmp_path)
        mean, largest = BUDGETS[case.precision]
        if error.mean() > 2 * mean or error.max() > 2 * largest:
            faults.append((case.key, float(error.mean()), float(error.max())))
    assert not faults
