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

# Mean and largest difference from the float network, as shares of the spread of its outputs, beyond `SENSITIVITY`
# times what int8 weights alone change in float: that says how much a network makes of any rounding, and over 120
# random networks it explained all of dynamic and int16x8 but 0.016 and 0.05. In int8 the values between operators
# have 8 bits too.
SENSITIVITY = 3.0
BUDGETS = {
    "float32": (2e-6, 2e-5),
    "dynamic": (0.03, 0.15),
    "int8": (0.08, 0.5),
    "int16x8": (0.02, 0.1),
    "native int8": (0.05, 0.25),
    "native int16x8": (0.02, 0.1),
}
OF_RANDOM = 3.0  # random networks may be built worse than those of `STACKS`: the worst of 500 in int8 had 0.20


class Sample(NamedTuple):
    network: Network
    quantized: QuantizedNetwork
    frames: np.ndarray
    wanted: np.ndarray  # float outputs after every step
    sensitivity: tuple[float, float]  # mean and largest error of the float network with int8 weights


@cache
def sample(name: str, state: StateType) -> Sample:
    network = any_network(int(name)) if name.isdecimal() else stack_network(name)
    streams = random_frames(network, 64)
    quantized = quantize(network, normalised(network, streams), state)
    frames = streams[:WINDOWS]
    x = normalised(network, frames)
    wanted = reference.float_outputs(network, x)
    rounded = {name: q * quantized.scales[name][:, None] for name, q in quantized.weights.items()}
    error = np.abs(reference.run_float(network.passes(), {**network.constants(), **rounded}, x) - wanted)
    error /= wanted.std()
    return Sample(network, quantized, frames, wanted, (float(error.mean()), float(error.max())))


def budget(case: Case, what: Sample, factor: float = 1.0) -> tuple[float, float]:
    mean, largest = BUDGETS[f"native {case.precision}" if case.engine == "c" else case.precision]
    more = SENSITIVITY * (2.0**-13 if case.precision == "float32" else 1.0)  # float32's steps beside those of int8
    return factor * mean + more * what.sensitivity[0], factor * largest + more * what.sensitivity[1]


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
    for state in states:
        what = sample(name, state)
        mean, largest = budget(case, what)
        error = error_of(case, what, tmp_path / state)
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
    """C equals the reference, and every artifact stays within its budget."""
    what = sample(str(network_seed), "int16")
    for precision in ("int8", "int16x8"):
        hold_c_to_the_reference(what, precision, tmp_path)
    faults = []
    for case in of_network(what.network):
        if engine(case.engine).refusal(case.form, case.precision):
            continue
        error = error_of(case, what, tmp_path)
        mean, largest = budget(case, what, OF_RANDOM)
        if error.mean() > mean or error.max() > largest:
            faults.append((case.key, float(error.mean()), float(error.max())))
    assert not faults
