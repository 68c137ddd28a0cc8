"""The generated C on an x86 processor beside what stock tools make of the same network, in one run.

    python benchmarks/c_speed.py [--rounds 30] [--runs 20] [--folder build/c_speed] [--json FILE]

100 steps x 40 inputs -> GRU of 32, 64, 128 or 256 units, or LSTM of 128 -> Dense 12, batch 1, one thread, random
weights of the size that trained ones have. Stock: the float32 and the dynamic file of TFLiteConverter (in a child
process, for it may crash) on LiteRT, and of onnxruntime. edgernn: the int8 file on LiteRT with either type of
state, and the int8 C as gcc -O3 compiles it for any x86-64, for AVX2, and for this processor with AVX-512 VNNI.
The bound is what it takes to read the weights of the cell in order at every step, and nothing else (bound.c).
The GRUs of 128 and 256 units are there once more with 80 % of the blocks (16 rows x 4 inputs) of their matrices
zero.

All are loaded first; then every round runs each of them `--runs` times, so that noise of the machine hits all
alike. What counts of a round is its fastest run, for noise only ever adds. A ratio is the median of the rounds'
ratios, beside 10 to 90 % of them. All are called from Python, one window a call; only where C is compared with the
bound, the time of an empty call is taken off both. Ends at once when C does not give the reference's integers.
Prints Markdown. Exit code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from speed import GATES, INPUTS, OUTPUTS, STEPS, Times, drawn, layer, measured

from edgernn import archive, engines, provenance, reference, targets
from edgernn.engines.litert import LitertInterpreter
from edgernn.errors import EdgernnError, ExportError, MissingToolError
from edgernn.network import Layer, Network, QuantizedNetwork, StateType
from edgernn.quantize import quantize
from edgernn.sparsity import matrices

Invoke = Callable[[], None]
Loaded = tuple[Invoke, int]  # one inference, and the bytes of what makes it

BOUND = Path(__file__).with_name("bound.c")
GCC = ("gcc", "-O3", "-fPIC", "-shared")
PRECISIONS: tuple[Literal["float32", "dynamic"], ...] = ("float32", "dynamic")
STATES: tuple[StateType, ...] = ("int8", "int16")
BLOCK = (16, 4)  # rows, inputs
SPARSITY = 0.8
LINE = 64  # bytes of a cache line, and of a vector of bound.c
EMPTY = "empty call"


@dataclass(frozen=True)
class Arch:
    """How the C is compiled; `needs` are the flags that /proc/cpuinfo has to give the processor."""

    name: str
    flags: tuple[str, ...]
    needs: frozenset[str]

    @property
    def who(self) -> str:
        return f"edgernn C int8, {self.name}"


SSE2 = Arch("SSE2", (), frozenset({"sse2"}))
AVX2 = Arch("AVX2", ("-mavx2",), frozenset({"avx2"}))
VNNI = Arch("AVX-512 VNNI", ("-march=native",), frozenset({"avx512_vnni"}))
ARCHES = (SSE2, AVX2, VNNI)


@dataclass(frozen=True)
class Net:
    """A network to measure; `sparsity` is the share of its blocks that are zero."""

    cell: str
    units: int
    sparsity: float = 0.0

    @property
    def name(self) -> str:
        sparse = f", {self.sparsity:.0%} zero" if self.sparsity else ""
        return f"{self.cell.upper()} {self.units}{sparse}"

    def row(self, who: str) -> str:
        """The name of one way to compute it."""
        return f"{self.name}: {who}"


@dataclass(frozen=True)
class Limit:
    """`over` takes at least, or at most, `limit` times what `under` takes; of several ways the fastest counts."""

    text: str
    over: tuple[str, ...]
    under: str
    sense: Literal["at least", "at most", "no limit"]
    limit: float = 0.0
    less: str = ""  # a row whose time is taken off both


GRUS = tuple(Net("gru", units) for units in (32, 64, 128, 256))
DENSE = (*GRUS, Net("lstm", 128))
SPARSE = tuple(Net("gru", units, SPARSITY) for units in (128, 256))
STOCK = tuple(f"{engine} stock {precision}" for engine in ("litert", "onnxruntime") for precision in PRECISIONS)
OWN = tuple(f"litert edgernn int8, {state} state" for state in STATES)
READ = "bound: reading the weights"

AGAINST_STOCK = {32: 12.0, 64: 8.0, 128: 3.5}  # by units


def stock_limit(net: Net, arch: Arch, least: float) -> Limit:
    sense: Any = "at least" if least else "no limit"
    over = tuple(net.row(who) for who in STOCK)
    return Limit(f"{net.name}: fastest stock / C, {arch.name}", over, net.row(arch.who), sense, least)


def own_limit(net: Net) -> Limit:
    over = tuple(net.row(who) for who in OWN)
    return Limit(f"{net.name}: own LiteRT int8 / C, {VNNI.name}", over, net.row(VNNI.who), "at least", 2.5)


def bound_limit(net: Net) -> Limit:
    over = (net.row(VNNI.who),)
    return Limit(f"{net.name}: C, {VNNI.name} / bound", over, net.row(READ), "at most", 1.5, less=EMPTY)


def sparse_limit(net: Net, arch: Arch) -> Limit:
    dense = replace(net, sparsity=0.0).row(arch.who)
    return Limit(f"{net.name}: dense / sparse, {arch.name}", (dense,), net.row(arch.who), "at least", 2.0)


LIMITS = (
    *(stock_limit(net, VNNI, AGAINST_STOCK.get(net.units, 0.0)) for net in DENSE),
    *(stock_limit(net, AVX2, 2.0) for net in DENSE if net.units == 128),
    *(own_limit(net) for net in DENSE),
    *(bound_limit(net) for net in DENSE),
    *(sparse_limit(net, arch) for net in SPARSE for arch in (AVX2, VNNI)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=Path("build/c_speed"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--convert", nargs=3, metavar=("CELL", "UNITS", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.convert:
        cell, units, folder = options.convert
        convert(Net(cell, int(units)), Path(folder))
        return
    invokes, sizes, skipped = loaded(options.folder)
    times = measured(invokes, sizes, options.rounds, options.runs)
    rows = [described(name, times, skipped) for name in (*times, *skipped)]
    limits = [judged(limit, times, skipped) for limit in LIMITS]
    about = {"machine": provenance.machine(), "compiler": compiler()}
    about |= {"versions": provenance.versions(*provenance.ALL)}
    print(markdown(about, {row["name"]: row for row in rows}, limits))
    if options.json:
        archive.write_text(options.json, json.dumps(about | {"rows": rows, "limits": limits}, indent=1) + "\n")
    raise SystemExit(1 if any(limit["verdict"] == "FAIL" for limit in limits) else 0)


def compiler() -> str:
    """What gcc says of itself. Raises MissingToolError when there is none."""
    if not shutil.which(GCC[0]):
        raise MissingToolError("gcc is not installed")
    done = subprocess.run([GCC[0], "--version"], capture_output=True, text=True, check=True)
    return done.stdout.partition("\n")[0]


def random_network(cell: str, inputs: int, units: int, outputs: int, sparsity: float = 0.0) -> Network:
    """`cell` and a dense layer: no gate saturates, as in a trained network. Channels are normalised already."""
    rng = np.random.default_rng(0)
    width = GATES[cell] * units
    bias = (2, width) if cell == "gru" else (width,)
    layers = (
        layer(cell, inputs, units, drawn(rng, (inputs, width), (units, width), bias)),
        layer("dense", units, outputs, drawn(rng, (units, outputs), (outputs,))),
    )
    return Network(
        name="speed",
        steps=STEPS,
        rate_hz=0.0,
        channels=tuple(f"channel_{i}" for i in range(inputs)),
        labels=tuple(f"class_{i}" for i in range(outputs)),
        mean=np.zeros(inputs, np.float32),
        std=np.ones(inputs, np.float32),
        layers=tuple(thinned(rng, own, sparsity) for own in layers) if sparsity else layers,
    )


def thinned(rng: np.random.Generator, own: Layer, sparsity: float) -> Layer:
    """The layer with that share of the blocks of each of its matrices zero, at random, where blocks divide it."""
    weights = list(own.weights)
    for matrix in matrices(own):
        rows, columns = matrix.rows * len(matrix.gates), matrix.columns
        down, across = rows // BLOCK[0], columns // BLOCK[1]
        if (down * BLOCK[0], across * BLOCK[1]) != (rows, columns):
            continue
        kept = np.ones(down * across, bool)
        kept[: round(sparsity * kept.size)] = False
        mask = np.kron(rng.permutation(kept).reshape(down, across), np.ones(BLOCK, bool))  # [rows, inputs]
        weights[matrix.index] = weights[matrix.index] * mask.T
    return replace(own, weights=tuple(weights))


def windows(network: Network, count: int) -> np.ndarray:
    """Normalised frames, float32 [count, steps, inputs]."""
    shape = count, network.steps, network.inputs
    return np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)


@dataclass(frozen=True)
class Bench:
    """What the ways to compute a network start from; they write into `folder`."""

    net: Net
    folder: Path

    @cached_property
    def network(self) -> Network:
        return random_network(self.net.cell, INPUTS, self.net.units, OUTPUTS, self.net.sparsity)

    @cached_property
    def quantized(self) -> QuantizedNetwork:
        return quantize(self.network, windows(self.network, 16))

    @cached_property
    def window(self) -> np.ndarray:
        return windows(self.network, 1)


def loaded(folder: Path) -> tuple[dict[str, Invoke], dict[str, int], dict[str, str]]:
    """By name of a row: one inference of it and its bytes, or why there is none."""
    invokes: dict[str, Invoke] = {}
    sizes: dict[str, int] = {}
    skipped: dict[str, str] = {}
    invokes[EMPTY], sizes[EMPTY] = reading(0, 0, folder)
    for net in (*DENSE, *SPARSE):
        bench = Bench(net, folder / f"{net.cell}{net.units}{'-sparse' if net.sparsity else ''}")
        for who, load in ways(bench).items():
            name = net.row(who)
            print(f"making {name}", file=sys.stderr, flush=True)
            try:
                invokes[name], sizes[name] = load()
            except EdgernnError as error:
                skipped[name] = str(error)
    return invokes, sizes, skipped


def ways(bench: Bench) -> dict[str, Callable[[], Loaded]]:
    """By name: what loads a way to compute the network. A sparse network differs in C alone."""
    in_c: dict[str, Callable[[], Loaded]] = {arch.who: partial(compiled, bench, arch) for arch in ARCHES}
    if bench.net.sparsity:
        return in_c
    return {
        **{f"litert stock {precision}": partial(stock_litert, bench, precision) for precision in PRECISIONS},
        **{f"onnxruntime stock {precision}": partial(stock_onnx, bench, precision) for precision in PRECISIONS},
        **{who: partial(own_litert, bench, state) for who, state in zip(OWN, STATES, strict=True)},
        **in_c,
        READ: partial(reading, weight_bytes(bench.network), STEPS, bench.folder),
    }


def weight_bytes(network: Network) -> int:
    """The int8 weights that every step reads: those of the cell."""
    return sum(constant.size for constant in network.layers[0].constants().values() if constant.ndim == 2)


def stock_litert(bench: Bench, precision: str) -> Loaded:
    """Raises MissingToolError when the stock converter makes no file."""
    path = bench.folder / f"stock.{precision}.tflite"
    if precision == PRECISIONS[0]:  # one process writes all precisions, in order
        bench.folder.mkdir(parents=True, exist_ok=True)
        for old in bench.folder.glob("stock.*.tflite"):
            old.unlink()
        converted(bench)
    if not path.exists():
        raise MissingToolError(f"the stock converter {(bench.folder / 'stock.txt').read_text()}")
    interpreter = LitertInterpreter(path, 1, "AUTO")
    interpreter.set(0, bench.window)
    return interpreter.invoke, path.stat().st_size


def converted(bench: Bench) -> None:
    """Run the stock converter; what became of it is in stock.txt."""
    net = bench.net
    command = [sys.executable, __file__, "--convert", net.cell, str(net.units), str(bench.folder)]
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    how = f"crashes: {signal.Signals(-code).name}" if code < 0 else f"ends with exit code {code}"
    archive.write_text(bench.folder / "stock.txt", how)


def convert(net: Net, folder: Path) -> None:
    """Write what TFLiteConverter makes of the network as a tf_keras model with batch 1."""
    from edgernn.train.backend import keras, tf

    network = random_network(net.cell, INPUTS, net.units, OUTPUTS)
    frames = keras.Input((STEPS, INPUTS), batch_size=1)
    layers = getattr(keras.layers, net.cell.upper())(net.units), keras.layers.Dense(OUTPUTS)
    model = keras.Model(frames, layers[1](layers[0](frames)))
    for stock, own in zip(layers, network.layers, strict=True):
        stock.set_weights(own.weights)
    for precision in PRECISIONS:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if precision == "dynamic":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        (folder / f"stock.{precision}.tflite").write_bytes(converter.convert())


def stock_onnx(bench: Bench, precision: str) -> Loaded:
    """ONNX's own GRU or LSTM, and what quantize_dynamic makes of it."""
    path = targets.target("onnx").export(bench.network, bench.quantized, "sequence", "float32", bench.folder)
    if precision == "dynamic":
        from onnxruntime.quantization import quantize_dynamic

        path, source = bench.folder / "stock.dynamic.onnx", path
        quantize_dynamic(source, path)
    return opened("onnxruntime", path, bench)


def own_litert(bench: Bench, state: StateType) -> Loaded:
    quantized = replace(bench.quantized, state=state)
    folder = bench.folder / state
    path = targets.target("tflite").export(bench.network, quantized, "sequence", "int8", folder)
    return opened("litert", path, bench)


def opened(engine: str, path: Path, bench: Bench) -> Loaded:
    session = engines.engine(engine).open(path, "sequence", threads=1)
    session.prepare(bench.window[0])
    return session.invoke, path.stat().st_size


def compiled(bench: Bench, arch: Arch) -> Loaded:
    """The C folder through its public functions.

    Raises MissingToolError when the processor or the compiler is not there, SystemExit when the results are not
    those of the reference.
    """
    if lacking := arch.needs - processor_flags():
        raise MissingToolError(f"this processor has no {', '.join(sorted(lacking))}")
    network, quantized = bench.network, bench.quantized
    sources = targets.target("c").export(network, quantized, "sequence", "int8", bench.folder)
    library = bench.folder / f"{arch.name}.so"
    built([*sorted(sources.glob("*.c"))], library, ("-std=c99", f"-I{sources}", *arch.flags))
    x = reference.quantize_input(quantized, bench.window)
    y = np.zeros(network.outputs, np.int16)
    invoke = sequence(library, sources / f"{network.name}.h", x, y)
    invoke()
    if not np.array_equal(y, reference.integer_outputs(quantized, x)[0, -1]):
        raise SystemExit(f"{bench.net.row(arch.who)}: not the integers of the reference")
    return invoke, linked_bytes(library)


def processor_flags() -> frozenset[str]:
    """What this x86 processor can do, as Linux names it; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"^flags\s*:(.*)", path.read_text() if path.exists() else "", re.MULTILINE)
    return frozenset(found[1].split() if found else ())


def sequence(library: Path, header: Path, x: np.ndarray, y: np.ndarray) -> Invoke:
    """A call of `<name>_sequence` on the quantised window x [1, steps, inputs]; its result goes to y [outputs]."""
    found = re.search(r"^#define \w+_STATE_BYTES (\d+)", header.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ExportError(f"{header} does not tell the size of the state")
    state = np.zeros(int(found[1]), np.uint8)
    run = getattr(ctypes.CDLL(str(library)), f"{header.stem}_sequence")
    run.argtypes, run.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p), None
    arguments = pointer(state), pointer(x), ctypes.c_size_t(x.shape[1]), pointer(y)
    return Call(run, arguments, (state, x, y))


@dataclass(frozen=True, eq=False)
class Call:
    """A C function with its arguments, and the arrays that they point to."""

    function: Callable[..., object]
    arguments: tuple[object, ...]
    arrays: tuple[np.ndarray, ...]

    def __call__(self) -> None:
        self.function(*self.arguments)


def reading(size: int, repeats: int, folder: Path) -> Loaded:
    """Read so many bytes, up to whole cache lines, that often."""
    library = folder / "bound.so"
    built([BOUND], library, ("-std=gnu99", "-march=native"))
    count = -(-size // LINE)
    room = np.zeros((count + 1) * LINE, np.uint8)
    start = -room.ctypes.data % LINE
    run = ctypes.CDLL(str(library)).bound_read
    run.argtypes, run.restype = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t), ctypes.c_longlong
    arguments = pointer(room[start:]), ctypes.c_size_t(count), ctypes.c_size_t(repeats)
    return Call(run, arguments, (room,)), size


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def built(sources: Sequence[Path], library: Path, flags: Sequence[str]) -> None:
    """Raises ExportError with the first complaint of gcc."""
    compiler()
    library.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*GCC, *flags, *map(str, sources), "-o", str(library)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if "error" in line), "no message")
        raise ExportError(f"gcc cannot compile it: {complaint}")


def linked_bytes(library: Path) -> int:
    """Code and data, as `size` tells them."""
    done = subprocess.run(["size", str(library)], capture_output=True, text=True, check=True)
    text, data, *_ = done.stdout.splitlines()[1].split()
    return int(text) + int(data)


def described(name: str, times: Mapping[str, Times], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What the table and the JSON file say of a row, in microseconds."""
    if name in skipped:
        return {"name": name, "skipped": skipped[name]}
    own = times[name]
    low, high = np.percentile(own.rounds, [10, 90]).tolist()
    spread = {"median": float(np.median(own.runs)), "min": float(own.runs.min()), "low": low, "high": high}
    return {"name": name} | spread | {"bytes": own.bytes}


def judged(limit: Limit, times: Mapping[str, Times], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What the table and the JSON file say of a limit; the fastest of several rows that ran is what counts."""
    about: dict[str, Any] = {"name": limit.text, "sense": limit.sense, "limit": limit.limit}
    over = [name for name in limit.over if name in times]
    if not over or limit.under not in times:
        lacking = next(name for name in (*limit.over, limit.under) if name not in times)
        return about | {"verdict": "skipped", "skipped": f"{lacking}: {skipped[lacking]}"}
    fastest = min(over, key=lambda name: float(np.median(times[name].rounds)))
    less = times[limit.less].rounds if limit.less else 0.0
    ratios = (times[fastest].rounds - less) / (times[limit.under].rounds - less)
    ratio, low, high = np.percentile(ratios, [50, 10, 90]).tolist()
    kept = {"at least": ratio >= limit.limit, "at most": ratio <= limit.limit}
    verdict = "no limit" if limit.sense == "no limit" else "pass" if kept[limit.sense] else "FAIL"
    return about | {"over": fastest, "ratio": ratio, "low": low, "high": high, "verdict": verdict}


def markdown(about: Mapping[str, Any], rows: Mapping[str, Any], limits: Sequence[Mapping[str, Any]]) -> str:
    machine = about["machine"]
    return "\n\n".join(
        (
            f"{machine['processor']}, {machine['system']}, {about['compiler']}, one thread",
            f"Microseconds a sequence of {STEPS} steps: median (fastest)",
            grid(DENSE, (*STOCK, *OWN, *(arch.who for arch in ARCHES), READ), rows, duration),
            f"Block-sparse ({BLOCK[0]}x{BLOCK[1]}) beside dense: microseconds",
            grid(beside(SPARSE), tuple(arch.who for arch in ARCHES), rows, duration),
            "Block-sparse beside dense: bytes of code and constants",
            grid(beside(SPARSE), tuple(arch.who for arch in ARCHES), rows, size),
            "Ratios of times, 10 to 90 % of the rounds, and the limits",
            table(("ratio", "limit", "measured", "10 to 90 %", "slower", "verdict"), map(told, limits)),
            *(f"skipped: {name}: {row['skipped']}" for name, row in rows.items() if "skipped" in row),
        )
    )


def beside(nets: Sequence[Net]) -> tuple[Net, ...]:
    """Each with its dense network before it."""
    return tuple(one for net in nets for one in (replace(net, sparsity=0.0), net))


def grid(
    nets: Sequence[Net], whos: Sequence[str], rows: Mapping[str, Any], text: Callable[[Mapping[str, Any]], str]
) -> str:
    """Ways down, networks across."""
    cells = ((who, *(text(rows[net.row(who)]) for net in nets)) for who in whos)
    return table(("", *(net.name for net in nets)), cells)


def duration(row: Mapping[str, Any]) -> str:
    return "skipped" if "skipped" in row else f"{row['median']:.1f} ({row['min']:.1f})"


def size(row: Mapping[str, Any]) -> str:
    return "skipped" if "skipped" in row else f"{row['bytes']:,}"


def told(limit: Mapping[str, Any]) -> tuple[str, ...]:
    asked = "" if limit["sense"] == "no limit" else f"{limit['sense']} {limit['limit']:g}"
    if "ratio" not in limit:
        return limit["name"], asked, "", "", limit["skipped"], limit["verdict"]
    spread = f"{limit['low']:.2f} to {limit['high']:.2f}"
    fastest = limit["over"].partition(": ")[2]
    return limit["name"], asked, f"{limit['ratio']:.2f}", spread, fastest, limit["verdict"]


def table(columns: Sequence[str], rows: Any) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
