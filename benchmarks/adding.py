"""The adding problem: how far integer networks stray from the float one, over sequences and over long streams.

    python benchmarks/adding.py [--folder build/adding] [--sequences 512] [--weights tensor] [--json FILE]

Two channels: a value, uniform in [0, 1], and a marker.

Sequences: the marker is 1 at one step of either half, and the last output is to be the sum of the two marked
values (Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, in the form of Le et al. 2015,
arXiv:1504.00941). A network that solves it is an integrator: nothing in it makes an error fade.

Streams: every 20th step on average is marked, and every output is to be the sum of the last two marked values, so
that a stream may go on for ever. The error of the states is taken over 10,000 steps; so is, without a limit, that
of the network for sequences when nobody resets it, which its training did not prepare it for.

Networks (64 units and Dense 1) are trained once, some 10 minutes on one core, and kept in the folder. Exit code 1
when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from edgernn import archive, engines, provenance, reference, targets
from edgernn.errors import EdgernnError, MissingToolError
from edgernn.lowering import native
from edgernn.network import KINDS, Form, Layer, Network, QuantizedNetwork, StateType
from edgernn.quantize import quantize
from edgernn.terminal import table

UNITS = 64
CHANNELS = ("value", "marker")
SEED = 0

LENGTHS = (100, 200, 400)
Stage = tuple[int, int, float, float]  # longest sequence, batches, learning rate at the start and at the end
STAGES: Mapping[str, tuple[Stage, ...]] = {  # of training
    "sequences": (
        (50, 3000, 3e-3, 3e-3),
        (100, 800, 3e-3, 3e-3),
        (200, 600, 1.5e-3, 1.5e-3),
        (400, 3000, 2e-3, 0.0),
    ),
    "streams": ((100, 2000, 4e-3, 0.0),),
}
GOAL, REPEATS = 0.0045, 3  # the error that training goes on to, and how often it may repeat the last stage
SHARES = (0.125, 0.25, 0.5, 1.0)  # of the longest sequence: what a batch may have, so that no length is forgotten

MARKED = 0.05  # of a stream's steps
STREAM_STEPS, STREAMS = 10_000, 8
MOMENTS = (10, 100, 1000, 2000, 5000, 10_000)
WINDOW = 500  # the error at a moment is that of the window of steps that ends there
GROWTH = 1.1  # the mean error may be this much larger at step 10,000 than at 1,000: what windows differ by

FLOAT_LIMIT = 0.005  # mean |output - sum| of the float network


@dataclass(frozen=True)
class Way:
    """A way to compute the integer network; `limit` is on the mean |integer - float| at the greatest length."""

    engine: str  # of edgernn.engines, or `reference`
    precision: Any
    state: StateType = "int16"
    limit: float | None = None

    @property
    def name(self) -> str:
        state = f", {self.state} state" if (self.engine, self.precision) == ("litert", "int8") else ""
        return f"{self.engine} {self.precision}{state}"


WAYS = (
    Way("reference", "int8", limit=0.015),
    Way("c", "int8", limit=0.015),
    Way("litert", "int8", "int16", limit=0.015),
    Way("litert", "int8", "int8"),
    Way("reference", "int16x8", limit=0.004),
    Way("c", "int16x8", limit=0.004),
    Way("litert", "int16x8"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/adding"))
    parser.add_argument("--sequences", type=int, default=512)
    parser.add_argument("--weights", choices=("tensor", "row"), default="tensor")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    adding = trained("gru", "sequences", options.folder)
    quantized = quantize(adding, sums(np.random.default_rng(5), 64, LENGTHS[-1])[0], granularity=options.weights)
    rows = sequences(adding, quantized, options.sequences, options.folder)
    drifts = [*drift("gru, never reset", quantized, None)]
    for cell in ("gru", "lstm"):
        network = trained(cell, "streams", options.folder)
        calibration = recalls(np.random.default_rng(5), 64, LENGTHS[-1])[0]
        drifts += drift(cell, quantize(network, calibration, granularity=options.weights), GROWTH)
    show(rows, drifts)
    if options.json:
        about = {"machine": provenance.machine(), "versions": provenance.versions(*provenance.ALL)}
        archive.write_text(
            options.json, json.dumps(about | {"sequences": rows, "streams": drifts}, indent=1) + "\n"
        )
    raise SystemExit(1 if any(row.get("verdict") == "FAIL" for row in (*rows, *drifts)) else 0)


def frames(rng: np.random.Generator, count: int, steps: int) -> np.ndarray:
    """Values without a marker, float32 [count, steps, 2]."""
    x = np.zeros((count, steps, len(CHANNELS)), np.float32)
    x[..., 0] = rng.random((count, steps), dtype=np.float32)
    return x


def sums(rng: np.random.Generator, count: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences, and the sum of the two marked values, float32 [count, 1, 1]."""
    x, rows = frames(rng, count, steps), np.arange(count)
    for low, high in ((0, steps // 2), (steps // 2, steps)):
        x[rows, rng.integers(low, high, count), 1] = 1
    return x, (x[..., 0] * x[..., 1]).sum(axis=1)[:, None, None]


def recalls(rng: np.random.Generator, count: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Streams, and at every step the sum of the last two marked values, float32 [count, steps, 1]."""
    x = frames(rng, count, steps)
    x[..., 1] = rng.random((count, steps)) < MARKED
    y = np.empty((count, steps, 1), np.float32)
    earlier = last = np.zeros(count, np.float32)
    for step in range(steps):
        marked = x[:, step, 1] == 1
        earlier, last = np.where(marked, last, earlier), np.where(marked, x[:, step, 0], last)
        y[:, step, 0] = earlier + last
    return x, y


def trained(cell: str, task: str, folder: Path) -> Network:
    """The trained network, from the folder when that has one that was trained the same way."""
    path = folder / f"{task}.{cell}.npz"
    settings = {"stages": [list(stage) for stage in STAGES[task]], "goal": GOAL, "units": UNITS, "seed": SEED}
    if path.exists():
        header, arrays = archive.load(path)
        if header == settings:
            return built(cell, [arrays[str(i)] for i in range(len(arrays))])
    weights = train(cell, task)
    archive.save(path, settings, {str(i): weight for i, weight in enumerate(weights)})
    return built(cell, weights)


def built(cell: str, weights: Sequence[np.ndarray]) -> Network:
    """The network with `weights` in Keras's order; the last two are those of the dense layer."""
    layers = (
        Layer(cell, cell, len(CHANNELS), KINDS[cell].Options(units=UNITS), tuple(weights[:-2])),
        Layer("dense", "dense", UNITS, KINDS["dense"].Options(units=1), tuple(weights[-2:])),
    )
    mean, std = np.zeros(len(CHANNELS), np.float32), np.ones(len(CHANNELS), np.float32)
    return Network("adding", LENGTHS[-1], 0.0, CHANNELS, ("sum",), mean, std, layers)


def train(cell: str, task: str) -> list[np.ndarray]:
    """Weights in Keras's order after all stages; the last one is repeated until the network is good enough."""
    from edgernn.train.backend import keras

    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    inputs = keras.Input((None, len(CHANNELS)))
    steps = getattr(keras.layers, cell.upper())(UNITS, return_sequences=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(steps))
    learn = learner(model)
    for stage in (*STAGES[task], *[STAGES[task][-1]] * REPEATS):
        print(
            f"training the {cell} on {task}: up to {stage[0]} steps, {stage[1]} batches",
            file=sys.stderr,
            flush=True,
        )
        for lesson in lessons(task, stage, rng):
            learn(*lesson)
        if stage == STAGES[task][-1] and (task == "streams" or validated(model) < GOAL):
            break
    return [np.asarray(weight, np.float32) for weight in model.get_weights()]


def learner(model: Any) -> Callable[[float, np.ndarray, np.ndarray], None]:
    """A function that takes a step against the squared error: of as many last outputs as are wanted."""
    from edgernn.train.backend import keras, tf

    optimizer = keras.optimizers.Adam(global_clipnorm=1.0)

    @tf.function(input_signature=[tf.TensorSpec((None, None, width)) for width in (len(CHANNELS), 1)])
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x)[:, -tf.shape(y)[1] :] - y))
        optimizer.minimize(loss, model.trainable_variables, tape)

    def learn(rate: float, x: np.ndarray, y: np.ndarray) -> None:
        optimizer.learning_rate.assign(rate)
        step(x, y)

    return learn


def lessons(task: str, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Learning rate (half a cosine from the stage's first to its last), frames and wanted outputs of each batch."""
    longest, batches, first, last = stage
    for batch in range(batches):
        rate = last + (first - last) * 0.5 * (1 + np.cos(np.pi * batch / batches))
        if task == "sequences":
            yield rate, *sums(rng, 64, round(longest * rng.choice(SHARES)))
        else:
            yield rate, *recalls(rng, 32, longest)


def validated(model: Any) -> float:
    """The worst mean |output - sum| of all lengths, on sequences that are neither trained on nor measured."""
    checks = [sums(np.random.default_rng(3000 + length), 512, length) for length in LENGTHS]
    return max(float(np.abs(model(x)[:, -1:] - y).mean()) for x, y in checks)


def sequences(network: Network, quantized: QuantizedNetwork, count: int, folder: Path) -> list[dict[str, Any]]:
    """The float network's error, and what every way differs from it, on fresh sequences of each length."""
    own: dict[str, Any] = {"name": "float, from the sum", "limit": FLOAT_LIMIT}
    rows: list[dict[str, Any]] = [{"name": way.name, "limit": way.limit} for way in WAYS]
    for length in LENGTHS:
        x, y = sums(np.random.default_rng(1000 + length), count, length)
        real = reference.float_outputs(network, x)[:, -1]
        own.update(errors(length, real - y[:, 0]))
        cut = replace(quantized, network=replace(network, steps=length))
        for way, row in zip(WAYS, rows, strict=True):
            row.update(compared(way, cut, x, real, folder / str(length)))
    worst = max(own[f"mean_{length}"] for length in LENGTHS)
    judged = [row | {"verdict": verdict(row.get(f"mean_{LENGTHS[-1]}"), row["limit"])} for row in rows]
    return [own | {"verdict": verdict(worst, FLOAT_LIMIT)}, *judged]


def compared(
    way: Way, quantized: QuantizedNetwork, x: np.ndarray, real: np.ndarray, folder: Path
) -> dict[str, Any]:
    """The errors and the time of a way, or why there are none; `real` are the float outputs [count, 1]."""
    try:
        outputs, microseconds = computed(way, quantized, x, folder)
    except EdgernnError as error:
        return {"skipped": str(error)}
    length = quantized.network.steps
    return errors(length, outputs - real) | {f"us_{length}": microseconds}


def errors(length: int, differences: np.ndarray) -> dict[str, float]:
    """Mean and largest absolute difference by the length's names."""
    return {
        f"mean_{length}": float(np.abs(differences).mean()),
        f"max_{length}": float(np.abs(differences).max()),
    }


def verdict(value: float | None, limit: float | None) -> str:
    if limit is None:
        return "no limit"
    return "skipped" if value is None else "pass" if value <= limit else "FAIL"


def computed(way: Way, quantized: QuantizedNetwork, x: np.ndarray, folder: Path) -> tuple[np.ndarray, float | None]:
    """Last outputs [count, 1], and the median microseconds of a sequence on a real engine.

    Raises MissingToolError when there is no such artifact or engine.
    """
    own = replace(quantized.at(way.precision), state=way.state)
    if way.engine == "reference":
        integers = reference.integer_outputs(own, reference.quantize_input(own, x))[:, -1]
        return native(own)[-1].output.dequantize(integers), None
    engine = engines.engine(way.engine)
    form: Form = "step" if engine.TARGET == "c" else "sequence"  # a C folder is written as a step and runs as both
    if (engine.TARGET, form, way.precision) not in targets.supported():
        raise MissingToolError(f"edgernn writes no {way.precision} {form} for {engine.TARGET}")
    engine.version()
    into = folder / way.state
    path = targets.target(engine.TARGET).export(own.network, own, form, way.precision, into)
    session = engine.open(path, "sequence", threads=1)
    return session.outputs(x), timed(session, x[0])


def timed(session: engines.Session, window: np.ndarray, runs: int = 50) -> float:
    session.prepare(window)
    times = []
    for _ in range(runs):
        started = time.perf_counter_ns()
        session.invoke()
        times.append((time.perf_counter_ns() - started) / 1e3)
    return float(np.median(times))


def drift(name: str, quantized: QuantizedNetwork, growth: float | None) -> list[dict[str, Any]]:
    """A row a state of the network: |integer - float| of its elements up to the moments of long streams."""
    x, _ = recalls(np.random.default_rng(2000), STREAMS, STREAM_STEPS)
    means, largest = state_errors(quantized, x)
    rows = []
    for state, steps in means.items():
        row: dict[str, Any] = {"name": f"{name}: {state}"}
        for moment in MOMENTS:
            window = slice(max(0, moment - WINDOW), moment)
            row |= {
                f"mean_{moment}": float(steps[window].mean()),
                f"max_{moment}": float(largest[state][window].max()),
            }
        ratio = row[f"mean_{MOMENTS[-1]}"] / row["mean_1000"]
        rows.append(row | {"growth": ratio, "limit": growth, "verdict": verdict(ratio, growth)})
    return rows


def state_errors(quantized: QuantizedNetwork, x: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Mean and largest |integer - float| of each state over its elements and all streams, by state, [steps]."""
    network, typed = quantized.network, native(quantized)
    names = {state.next: state.name for state in network.program().states}
    real: dict[str, list[np.ndarray]] = {name: [] for name in names}
    off: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def keep(name: str, value: np.ndarray) -> None:
        if name in names:
            real[name].append(value.astype(np.float32))

    def compare(name: str, value: np.ndarray) -> None:
        if name in names:
            integer = typed[0].forward.types[name].dequantize(value)
            off[name].append(np.abs(integer - real[name][len(off[name])]))

    reference.run_float(network.passes(), network.constants(), x, keep)
    reference.run_integer(typed, reference.quantize_input(quantized, x), compare)
    means = {names[name]: np.array([step.mean() for step in steps]) for name, steps in off.items()}
    return means, {names[name]: np.array([step.max() for step in steps]) for name, steps in off.items()}


def show(rows: Sequence[Mapping[str, Any]], drifts: Sequence[Mapping[str, Any]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print("last output of sequences, mean (max) |integer - float|; µs a sequence of the greatest length")
    columns = [f"T={length}" for length in LENGTHS]
    told = [shown(row, LENGTHS, "T=") | {"µs": row.get(f"us_{LENGTHS[-1]}")} for row in rows]
    console.print(table(told, ("name", *columns, "µs", "limit", "verdict")))
    console.print(f"states in streams, int8, mean (max) |integer - float| over the {WINDOW} steps up to a step")
    columns = [f"step {moment}" for moment in MOMENTS]
    console.print(
        table([shown(row, MOMENTS, "step ") for row in drifts], ("name", *columns, "growth", "limit", "verdict"))
    )
    for row in rows:
        if "skipped" in row:
            console.print(f"skipped: {row['name']}: {row['skipped']}")


def shown(row: Mapping[str, Any], keys: Sequence[int], prefix: str) -> dict[str, Any]:
    """A row with mean and max of each key in one column."""
    found = [key for key in keys if f"mean_{key}" in row]
    return dict(row) | {f"{prefix}{key}": f"{row[f'mean_{key}']:.4f} ({row[f'max_{key}']:.3f})" for key in found}


if __name__ == "__main__":
    main()
