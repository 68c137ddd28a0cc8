"""What edgernn's files take on LiteRT and onnxruntime beside those of the stock tools, in one run.

    python benchmarks/speed.py [--rounds 30] [--runs 20] [--folder build/speed] [--json FILE]

100 steps x 40 inputs -> GRU or LSTM of 128 units -> Dense 12, batch 1, one thread, random weights of the size that
trained ones have. All files are loaded first; then every round runs each of them `--runs` times, so that noise
of the machine hits all alike. What counts of a round is its fastest run, for noise only ever adds: a ratio is the
median of the rounds' ratios, with the 95 % interval of that median, and a limit inside the interval is `open`. The
stock converter runs in a child process, because one of its conversions crashes. Exit code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from rich.console import Console

from edgernn import cells, engines, provenance, targets
from edgernn.engines.litert import LitertInterpreter
from edgernn.errors import EdgernnError, MissingToolError
from edgernn.network import KINDS, Form, Layer, Network, StateType
from edgernn.quantize import quantize
from edgernn.terminal import table

STEPS, INPUTS, UNITS, OUTPUTS = 100, 40, 128, 12
GATES = {"gru": 3, "lstm": 4}  # matrices of a cell, side by side in Keras's kernels
STATES: tuple[StateType, ...] = get_args(StateType)
WARMUP = 3  # runs at the start of a file's turn that do not count: they bring its weights back into the cache


@dataclass(frozen=True)
class Row:
    """A file to measure; `state` is the integer type of edgernn's states, `stock` what the stock tool writes."""

    engine: str
    who: Literal["stock", "edgernn"]
    cell: str
    precision: Any
    form: Form = "sequence"
    state: StateType = "int16"

    @property
    def name(self) -> str:
        step = "step " if self.form == "step" else ""
        state = f", {self.state} state" if (self.who, self.precision) == ("edgernn", "int8") else ""
        return f"{self.engine} {self.who} {self.cell.upper()} {step}{self.precision}{state}"


@dataclass(frozen=True, eq=False)
class Times:
    """Microseconds of all runs [rounds, runs], and the size of the file."""

    runs: np.ndarray
    bytes: int

    @property
    def rounds(self) -> np.ndarray:
        """The fastest run of each round."""
        return self.runs.min(axis=1)


@dataclass(frozen=True)
class Limit:
    """`slow` takes at least `least` times what `fast` takes, in time or in bytes; 0 is no limit."""

    text: str
    slow: Row
    fast: Row
    least: float
    of: Literal["time", "bytes"] = "time"


def litert(who: Any, cell: str, precision: str, state: StateType = "int16") -> Row:
    return Row("litert", who, cell, precision, state=state)


def onnx(who: Any, cell: str, precision: str) -> Row:
    return Row("onnxruntime", who, cell, precision)


def litert_rows(cell: str) -> tuple[Row, ...]:
    return (
        *(litert("stock", cell, precision) for precision in ("float32", "dynamic", "int8")),
        *(litert("edgernn", cell, precision) for precision in ("float32", "dynamic")),
        *(litert("edgernn", cell, "int8", state) for state in STATES),
        litert("edgernn", cell, "int16x8"),
    )


def onnx_rows(cell: str) -> tuple[Row, ...]:
    """onnxruntime's quantize_dynamic leaves a GRU as it is."""
    stock = (onnx("stock", cell, "dynamic"),) if cell == "lstm" else ()
    own = (onnx("edgernn", cell, precision) for precision in ("float32", "dynamic"))
    return (*own, *stock, *(Row("onnxruntime", "edgernn", cell, "int8", "step", state) for state in STATES))


ROWS = (
    *(row for cell in GATES for row in litert_rows(cell)),
    *(row for cell in GATES for row in onnx_rows(cell)),
)
LIMITS = (
    *(
        Limit(
            f"int8 LSTM, {state} state: 5 times faster than the stock int8 LSTM",
            litert("stock", "lstm", "int8"),
            litert("edgernn", "lstm", "int8", state),
            5,
        )
        for state in STATES
    ),
    Limit(
        "int8 GRU, int8 state: 1.2 times faster than the stock dynamic GRU",
        litert("stock", "gru", "dynamic"),
        litert("edgernn", "gru", "int8", "int8"),
        1.2,
    ),
    Limit(
        "ONNX dynamic LSTM: no slower than quantize_dynamic's",
        onnx("stock", "lstm", "dynamic"),
        onnx("edgernn", "lstm", "dynamic"),
        1,
    ),
    Limit(
        "ONNX dynamic GRU: at most 1.25 times the float GRU's time",
        onnx("edgernn", "gru", "float32"),
        onnx("edgernn", "gru", "dynamic"),
        1 / 1.25,
    ),
    Limit(
        "ONNX dynamic GRU: at most 30 % of the float GRU's bytes",
        onnx("edgernn", "gru", "float32"),
        onnx("edgernn", "gru", "dynamic"),
        1 / 0.3,
        "bytes",
    ),
    *(
        Limit(
            f"the price of the int16 state: int8 {cell.upper()}, int16 to int8 state",
            litert("edgernn", cell, "int8", "int16"),
            litert("edgernn", cell, "int8", "int8"),
            0,
        )
        for cell in GATES
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=Path("build/speed"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--convert", nargs=3, metavar=("CELL", "PRECISION", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.convert:
        convert(*options.convert)
        return
    invokes, sizes, skipped = loaded(options.folder)
    times = measured(invokes, sizes, options.rounds, options.runs)
    rows = [described(row, times, skipped) for row in ROWS]
    limits = [judged(limit, times, skipped) for limit in LIMITS]
    show(rows, limits)
    if options.json:
        about = {"machine": provenance.machine(), "versions": provenance.versions(*provenance.ALL)}
        options.json.write_text(json.dumps(about | {"rows": rows, "limits": limits}, indent=1) + "\n")
    raise SystemExit(1 if any(limit["verdict"] == "FAIL" for limit in limits) else 0)


def sample(cell: str) -> Network:
    """The network that all files are made from: no gate saturates, as in a trained one."""
    rng = np.random.default_rng(0)
    width = GATES[cell] * UNITS
    bias = (2, width) if cell == "gru" else (width,)
    return Network(
        name="speed",
        steps=STEPS,
        rate_hz=0.0,
        channels=tuple(f"channel_{i}" for i in range(INPUTS)),
        labels=tuple(f"class_{i}" for i in range(OUTPUTS)),
        mean=np.zeros(INPUTS, np.float32),
        std=np.ones(INPUTS, np.float32),
        layers=(
            layer(cell, INPUTS, UNITS, drawn(rng, (INPUTS, width), (UNITS, width), bias)),
            layer("dense", UNITS, OUTPUTS, drawn(rng, (UNITS, OUTPUTS), (OUTPUTS,))),
        ),
    )


def layer(kind: str, inputs: int, units: int, weights: tuple[np.ndarray, ...]) -> Layer:
    return Layer(kind, kind, inputs, KINDS[kind].Options(units=units), weights)


def drawn(rng: np.random.Generator, *shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Weights in Keras's layout: matrices of deviation 1 / sqrt(inputs), biases of 0.3."""
    deviations = [1 / np.sqrt(shape[0]) if shape[0] > 2 and len(shape) > 1 else 0.3 for shape in shapes]
    return tuple(rng.normal(0, d, shape).astype(np.float32) for d, shape in zip(deviations, shapes, strict=True))


def windows(count: int) -> np.ndarray:
    """Normalised frames, float32 [count, steps, inputs]."""
    return np.random.default_rng(1).normal(0, 1, (count, STEPS, INPUTS)).astype(np.float32)


def loaded(folder: Path) -> tuple[dict[str, Callable[[], None]], dict[str, int], dict[str, str]]:
    """By name of a row: one inference of it and its file's bytes, or why there is none."""
    invokes, sizes, skipped = {}, {}, {}
    for row in ROWS:
        print(f"making {row.name}", file=sys.stderr, flush=True)
        try:
            path = (stock if row.who == "stock" else exported)(row, folder)
            invokes[row.name], sizes[row.name] = invocation(row, path), targets.artifact_bytes(path)
        except EdgernnError as error:
            skipped[row.name] = str(error)
    return invokes, sizes, skipped


def exported(row: Row, folder: Path) -> Path:
    """Raises MissingToolError when this edgernn has no such cell or file."""
    name = engines.engine(row.engine).TARGET
    if row.cell not in cells.CELLS:
        raise MissingToolError(f"edgernn has no cell {row.cell}")
    if (name, row.form, row.precision) not in targets.supported():
        raise MissingToolError(f"edgernn writes no {row.precision} {row.form} for {name}")
    network = sample(row.cell)
    quantized = quantize(network, windows(16), row.state)
    into = folder / f"{row.cell}-{row.state}"
    return targets.target(name).export(network, quantized, row.form, row.precision, into)


def stock(row: Row, folder: Path) -> Path:
    """The stock tool's file. Raises MissingToolError when it makes none."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"stock.{row.cell}.{row.precision}.{engines.engine(row.engine).TARGET}"
    if row.engine == "onnxruntime":
        from onnxruntime.quantization import quantize_dynamic

        quantize_dynamic(exported(onnx("edgernn", row.cell, "float32"), folder), path)
        return path
    command = [sys.executable, __file__, "--convert", row.cell, row.precision, str(path)]
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    if code:
        how = f"crashes: {signal.Signals(-code).name}" if code < 0 else "fails"
        raise MissingToolError(f"the stock converter {how}, exit code {code if code > 0 else 128 - code}")
    return path


def convert(cell: str, precision: str, path: str) -> None:
    """Write what TFLiteConverter makes of the network as a tf_keras model with batch 1."""
    from edgernn.train.backend import keras, tf

    network = sample(cell)
    frames = keras.Input((STEPS, INPUTS), batch_size=1)
    layers = getattr(keras.layers, cell.upper())(UNITS), keras.layers.Dense(OUTPUTS)
    model = keras.Model(frames, layers[1](layers[0](frames)))
    for layer, own in zip(layers, network.layers, strict=True):
        layer.set_weights(own.weights)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "int8":
        converter.representative_dataset = lambda: ([window[None]] for window in windows(16))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    Path(path).write_bytes(converter.convert())


def invocation(row: Row, path: Path) -> Callable[[], None]:
    """One inference of a window, in step form of a frame."""
    if (row.engine, row.who) != ("litert", "stock"):
        session = engines.engine(row.engine).open(path, row.form, threads=1)
        session.prepare(windows(1)[0])
        return session.invoke
    interpreter = LitertInterpreter(path, 1, "AUTO")
    detail = interpreter.interpreter.get_input_details()[0]
    scale, zero = detail["quantization"]  # (0, 0) for a float input
    x = windows(1)
    integers = np.clip(np.round(x / (scale or 1)) + zero, -128, 127).astype(np.int8)
    interpreter.set(0, integers if scale else x)
    return interpreter.invoke


def measured(
    invokes: Mapping[str, Callable[[], None]], sizes: Mapping[str, int], rounds: int, runs: int
) -> dict[str, Times]:
    times = {name: np.empty((rounds, runs)) for name in invokes}
    for turn in range(rounds):
        for name, invoke in invokes.items():
            for _ in range(WARMUP):
                invoke()
            times[name][turn] = list(microseconds(invoke, runs))
    return {name: Times(value, sizes[name]) for name, value in times.items()}


def microseconds(invoke: Callable[[], None], runs: int) -> Iterator[float]:
    for _ in range(runs):
        started = time.perf_counter_ns()
        invoke()
        yield (time.perf_counter_ns() - started) / 1e3


def described(row: Row, times: Mapping[str, Times], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What the table and the JSON file say of a row."""
    about = asdict(row) | {"name": row.name}
    if row.name in skipped:
        return about | {"skipped": skipped[row.name]}
    own = times[row.name]
    low, high = np.percentile(own.rounds, [10, 90]).tolist()
    spread = {"median": float(np.median(own.runs)), "min": float(own.runs.min()), "low": low, "high": high}
    return about | spread | {"bytes": own.bytes}


def judged(limit: Limit, times: Mapping[str, Times], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What the table and the JSON file say of a limit."""
    about: dict[str, Any] = {"name": limit.text, "at_least": limit.least or None}
    lacking = next((row.name for row in (limit.slow, limit.fast) if row.name in skipped), None)
    if lacking:
        return about | {"verdict": "skipped", "skipped": f"{lacking}: {skipped[lacking]}"}
    slow, fast = times[limit.slow.name], times[limit.fast.name]
    ratios = slow.rounds / fast.rounds if limit.of == "time" else np.array([slow.bytes / fast.bytes])
    low, high = interval(ratios)
    told = (
        "no limit"
        if not limit.least
        else "pass"
        if low >= limit.least
        else "FAIL"
        if high < limit.least
        else "open"
    )
    return about | {"ratio": float(np.median(ratios)), "low": low, "high": high, "verdict": told}


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the median by order statistics: no distribution is assumed."""
    ordered, reach = np.sort(values), 0.98 * np.sqrt(len(values))  # 1.96 deviations of a binomial's sqrt(n) / 2
    low, high = np.array([-reach, reach]) + (len(values) - 1) / 2
    return float(ordered[max(0, int(np.floor(low)))]), float(ordered[min(len(values) - 1, int(np.ceil(high)))])


def show(rows: Sequence[dict[str, Any]], limits: Sequence[dict[str, Any]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print("microseconds a window, of a step file a step; spread: 10 to 90 % of the rounds' fastest runs")
    console.print(table([shown(row, "median") for row in rows], ("name", "median", "spread", "min", "bytes")))
    console.print(
        table([shown(row, "ratio") for row in limits], ("name", "at_least", "ratio", "spread", "verdict"))
    )
    for row in rows:
        if "skipped" in row:
            console.print(f"skipped: {row['name']}: {row['skipped']}")


def shown(row: Mapping[str, Any], middle: str) -> dict[str, Any]:
    """A row with its spread in one column and no more digits than the noise leaves."""
    if middle not in row:
        return dict(row)
    low, high = (f"{row[key]:.3g}" if row[key] < 100 else f"{row[key]:.0f}" for key in ("low", "high"))
    return dict(row) | {"spread": f"{low} to {high}", "bytes": f"{row.get('bytes', 0):,}"}


if __name__ == "__main__":
    main()
