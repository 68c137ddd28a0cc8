"""The generated C on emulated boards, beside what others need for the same networks there.

    python benchmarks/boards.py [--boards cortex-m4 ...] [--folder build/boards] [--json FILE]

EdgeMark's networks: 100 steps x 32 inputs -> GRU or LSTM of 64 units -> Dense 32, int8, random weights of the size
that trained ones have. Per board and image (-Os, -O3): the instructions of a whole inference, all steps and the
dense layer, counted by the emulator (they are no cycles); flash: code and constants of the model and its kernels;
RAM: state, static data and the deepest stack. Beside them the float C that emx-onnx-cgen makes of the network,
with the C library's expf and tanhf, built by the same compiler and counted by the same harness (emx.c); and what
is published of TensorFlow Lite Micro on a board. Then GRUs of 64, 128 and 256 units dense, and with 80 % of the
blocks (16 rows x 4 inputs) of their matrices zero.

Ends at once when a board does not give the integers of the reference, or emx-onnx-cgen's C not the reference's
floats. Prints Markdown. Exit code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
from c_speed import SPARSITY, Net, random_network, table, windows

from edgernn import archive, firmware, provenance, reference, targets
from edgernn.errors import EdgernnError, ExportError, MissingToolError
from edgernn.firmware import BOARDS, Board, Measured, Optimisation, toolchain
from edgernn.network import Network
from edgernn.quantize import quantize

INPUTS, OUTPUTS = 32, 32
EDGEMARK = (Net("gru", 64), Net("lstm", 64))
SPARSE_BOARD = "cortex-m4"
SPARSE = tuple(Net("gru", units, SPARSITY) for units in (64, 128, 256))
NAMES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "riscv32")
OPTIMISATIONS: tuple[Optimisation, ...] = get_args(Optimisation)
KILO = 1000

# The limits: instructions a multiply-accumulate of the fastest image, kB of flash and of RAM of either image.
INSTRUCTIONS = {"cortex-m0plus": 6.0, "cortex-m4": 1.8, "cortex-m55": 0.45, "riscv32": 5.0}
FLASH_KB = {"gru": 40.0, "lstm": 50.0}
RAM_KB = 4.0
SPARSE_SPEEDUP, SPARSE_FLASH = 2.5, 0.35

SOURCE = "TensorFlow Lite Micro on a NUCLEO-L4R5ZI (Cortex-M4), published by EdgeMark (arXiv:2502.01700)"
PUBLISHED = {  # by cell: precision, ms an inference, kB of flash, kB of RAM
    "gru": (("float32", 277, 497, 299), ("int8", 374, 810, 295)),
    "lstm": (("float32", 362, 473, 269), ("int8", 565, 770, 258)),
}

OURS, EMX = "edgernn int8", "emx-onnx-cgen float32"
EMX_FILES = tuple(Path(__file__).with_name(name) for name in ("emx.c", "emx.h"))
EMX_OPTIONS = (
    "--large-temp-threshold",
    "0",
    "--large-weight-threshold",
    "0",
)  # all on the stack, all in the source
CLOSE = 1e-4  # of two float computations of outputs of about 1
# expf and tanhf of the compiler's own C library, which freestanding images do not link by themselves. The first
# flags name them before an object does, for the toolchain puts the flags of a board first.
MATH = ("-Wl,-u,expf,-u,tanhf", "-Wl,--start-group", "-lm", "-lc", "-Wl,--end-group")
MATH_FLAGS = {  # picolibc would bring its own linker script where gcc is given none: an empty one is added
    "arm": ("--specs=nano.specs", *MATH),
    "riscv": ("--specs=picolibc.specs", "-T/dev/null", *MATH),
}


@dataclass(frozen=True)
class Model:
    """A C folder, the windows it is given as integers [windows, steps, inputs], and what it has to answer."""

    net: Net
    who: str
    sources: Path
    x: np.ndarray
    expected: np.ndarray  # [outputs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--folder", type=Path, default=Path("build/boards"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [row for net in EDGEMARK for row in edgemark(net, options.boards, options.folder)]
    if SPARSE_BOARD in options.boards:
        rows += [row for net in beside() for row in on_boards(own(net, options.folder), (SPARSE_BOARD,))]
    limits = [*edgemark_limits(rows), *sparse_limits(rows)]
    about = {"machine": provenance.machine(), "versions": provenance.versions("emx-onnx-cgen", "ziglang")}
    print(markdown(rows, limits))
    if options.json:
        archive.write_text(options.json, json.dumps(about | {"rows": rows, "limits": limits}, indent=1) + "\n")
    raise SystemExit(1 if any(limit["verdict"] == "FAIL" for limit in limits) else 0)


def beside() -> tuple[Net, ...]:
    """Dense and sparse; a dense one that EdgeMark's networks have is there already."""
    dense = (replace(net, sparsity=0.0) for net in SPARSE)
    return *(net for net in dense if net not in EDGEMARK), *SPARSE


def edgemark(net: Net, boards: Sequence[str], folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of one of EdgeMark's networks: edgernn's and emx-onnx-cgen's on all boards."""
    yield from on_boards(own(net, folder), boards)
    try:
        peer = emx(net, folder)
    except EdgernnError as error:
        yield from ({"net": net.name, "who": EMX, "board": board, "skipped": str(error)} for board in boards)
        return
    yield from on_boards(peer, boards)


def network_of(net: Net) -> Network:
    return random_network(net.cell, INPUTS, net.units, OUTPUTS, net.sparsity)


def folder_of(net: Net, folder: Path) -> Path:
    return folder / f"{net.cell}{net.units}{'-sparse' if net.sparsity else ''}"


def own(net: Net, folder: Path) -> Model:
    """What edgernn writes."""
    network = network_of(net)
    quantized = quantize(network, windows(network, 16))
    sources = targets.target("c").export(network, quantized, "sequence", "int8", folder_of(net, folder))
    x = reference.quantize_input(quantized, windows(network, 1))
    return Model(net, OURS, sources, x, reference.integer_outputs(quantized, x)[0, -1])


def emx(net: Net, folder: Path) -> Model:
    """What emx-onnx-cgen writes for the float ONNX file. Raises MissingToolError when it is not installed."""
    if not find_spec("emx_onnx_cgen"):
        raise MissingToolError("emx-onnx-cgen is not installed; `pip install emx-onnx-cgen` adds it")
    network, sources = network_of(net), folder_of(net, folder) / "emx"
    sources.mkdir(parents=True, exist_ok=True)
    for file in EMX_FILES:
        shutil.copy(file, sources)
    made = without_batch(network, sources)
    command = [sys.executable, "-m", "emx_onnx_cgen", "compile", "--model-name", "generated", *EMX_OPTIONS]
    done = subprocess.run([*command, made, sources / "generated.h"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExportError(f"emx-onnx-cgen refuses the network: {done.stdout.strip().splitlines()[-1]}")
    x = windows(network, 1)
    return Model(net, EMX, sources, x.view(np.int16), reference.float_outputs(network, x)[0, -1])


def without_batch(network: Network, folder: Path) -> Path:
    """The float ONNX file with its cell's own input, [steps, 1, inputs], for which nothing has to be reshaped."""
    import onnx

    quantized = quantize(network, windows(network, 1))
    model = onnx.load(targets.target("onnx").export(network, quantized, "sequence", "float32", folder))
    graph = model.graph
    for node in [node for node in graph.node if node.op_type in ("Squeeze", "Unsqueeze")]:
        graph.node.remove(node)
    cell = next(node for node in graph.node if node.op_type in ("GRU", "LSTM"))
    shape = network.steps, 1, network.inputs
    graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape))
    cell.input[0] = "input"
    onnx.save(model, folder / "emx.onnx")
    return folder / "emx.onnx"


def on_boards(model: Model, boards: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A row a board and image: what it measured, or why it did not run."""
    for board in boards:
        for optimisation in OPTIMISATIONS:
            row = {"net": model.net.name, "who": model.who, "board": board, "image": optimisation}
            print(f"{model.net.name}, {model.who}: {board}, {optimisation}", file=sys.stderr, flush=True)
            try:
                yield row | figures(model, measured(model, BOARDS[board], optimisation))
            except EdgernnError as error:
                yield row | {"skipped": str(error)}


def measured(model: Model, board: Board, optimisation: Optimisation) -> Measured:
    """A run of all windows. Raises SystemExit when the board computes anything else than it should."""
    chain = toolchain.find(board)
    if model.who == EMX:
        chain = replace(chain, flags=(*chain.flags, *MATH_FLAGS[board.kind]))
    found = firmware.measure(model.sources, board, optimisation, model.x, "sequence", chain)
    outputs = found.outputs[0, -1]
    if model.who == EMX:
        right = np.allclose(np.ascontiguousarray(outputs).view(np.float32), model.expected, rtol=0, atol=CLOSE)
    else:
        right = np.array_equal(outputs, model.expected)
    if not right:
        raise SystemExit(f"{model.net.name}, {model.who} on {board.name}, {optimisation}: wrong results")
    return found


def figures(model: Model, found: Measured) -> dict[str, Any]:
    macs = multiplications(network_of(model.net))
    return {
        "instructions": found.instructions,
        "macs": macs,
        "per_mac": found.instructions / macs if found.instructions else None,
        "flash_bytes": found.flash_bytes,
        "sections": dict(found.sections),
        "ram_bytes": found.static_ram_bytes + (found.stack_bytes or 0),
        "static_ram_bytes": found.static_ram_bytes,
        "stack_bytes": found.stack_bytes,
        "emulator": found.emulator,
        "compiler": found.compiler,
    }


def multiplications(network: Network) -> int:
    """Of a whole inference, those with a zero too: the cell's at every step, the dense layer's once."""
    cell, dense = (
        sum(constant.size for constant in layer.constants().values() if constant.ndim == 2)
        for layer in network.layers
    )
    return network.steps * cell + dense


def edgemark_limits(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the table and the JSON file say of the limits on EdgeMark's networks, by network and board."""
    for net in EDGEMARK:
        for board in dict.fromkeys(row["board"] for row in rows):
            own_rows = found(rows, net, board)
            name = f"{net.name} on {board}"
            if board in INSTRUCTIONS:
                fastest = least(own_rows, "per_mac")
                yield judged(f"{name}: instructions a MAC", fastest, INSTRUCTIONS[board], own_rows)
            for text, key, limit in (("flash", "flash_bytes", FLASH_KB[net.cell]), ("RAM", "ram_bytes", RAM_KB)):
                largest = max((row[key] / KILO for row in own_rows if key in row), default=None)
                yield judged(f"{name}: kB of {text}", largest, limit, own_rows)


def sparse_limits(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Sparse beside dense: of the fastest images instructions, and flash of the smallest."""
    for net in SPARSE:
        dense, sparse = found(rows, replace(net, sparsity=0.0), SPARSE_BOARD), found(rows, net, SPARSE_BOARD)
        if not sparse:
            continue
        name, both = f"{net.name} on {SPARSE_BOARD}", (*dense, *sparse)
        share = quotient(least(sparse, "instructions"), least(dense, "instructions"))
        yield judged(f"{name}: instructions, of dense", share, 1 / SPARSE_SPEEDUP, both)
        share = quotient(least(sparse, "flash_bytes"), least(dense, "flash_bytes"))
        yield judged(f"{name}: flash, of dense", share, SPARSE_FLASH, both)


def found(rows: Iterable[Mapping[str, Any]], net: Net, board: str) -> list[Mapping[str, Any]]:
    """edgernn's rows of a network on a board."""
    return [row for row in rows if (row["net"], row["who"], row["board"]) == (net.name, OURS, board)]


def least(rows: Iterable[Mapping[str, Any]], key: str) -> float | None:
    return min((row[key] for row in rows if row.get(key) is not None), default=None)


def quotient(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b is not None else None


def judged(name: str, value: float | None, limit: float, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    if value is None:
        reason = next((row["skipped"] for row in rows if "skipped" in row), "the emulator cannot count")
        return {"name": name, "limit": limit, "verdict": "skipped", "skipped": reason}
    return {"name": name, "limit": limit, "value": value, "verdict": "pass" if value <= limit else "FAIL"}


def markdown(rows: Sequence[Mapping[str, Any]], limits: Sequence[Mapping[str, Any]]) -> str:
    ran = [row for row in rows if "skipped" not in row]
    tools = dict.fromkeys(f"- {row['board']}: {row['compiler']}; {row['emulator']}" for row in ran)
    sparse = [row for net in SPARSE for one in (replace(net, sparsity=0.0), net) for row in rows_of(rows, one)]
    return "\n\n".join(
        (
            "\n".join(tools),
            *(section(net, [row for row in rows if row["net"] == net.name]) for net in EDGEMARK),
            f"Block-sparse beside dense on {SPARSE_BOARD}",
            grid(sparse),
            "Limits",
            table(("", "at most", "measured", "verdict"), map(told, limits)),
            *(f"skipped: {place(row)}: {row['skipped']}" for row in rows if "skipped" in row),
        )
    )


def rows_of(rows: Iterable[Mapping[str, Any]], net: Net) -> list[Mapping[str, Any]]:
    return found(rows, net, SPARSE_BOARD)


def place(row: Mapping[str, Any]) -> str:
    return ", ".join(row[key] for key in ("net", "who", "board", "image") if key in row)


def section(net: Net, rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of one of EdgeMark's networks, with what is published of it."""
    published = "\n".join(
        f"- {precision}: {time} ms, {flash} kB of flash, {ram} kB of RAM"
        for precision, time, flash, ram in PUBLISHED[net.cell]
    )
    title = f"100 steps x {INPUTS} -> {net.name} -> Dense {OUTPUTS}, a whole inference"
    return "\n\n".join((title, grid(rows), f"{SOURCE}:", published))


def grid(rows: Iterable[Mapping[str, Any]]) -> str:
    columns = ("network", "what", "board", "image", "instructions", "a MAC", "flash", "code", "RAM", "stack")
    return table(columns, (line(row) for row in rows))


def line(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Bytes and instructions in full."""
    begin = row["net"], row["who"], row["board"], row.get("image", "")
    if "skipped" in row:
        return *begin, "skipped", "", "", "", "", ""
    per_mac = f"{row['per_mac']:.2f}" if row["per_mac"] else ""
    code = row["sections"]["code"]
    sizes = (row["flash_bytes"], code, row["ram_bytes"], row["stack_bytes"])
    return *begin, number(row["instructions"]), per_mac, *map(number, sizes)


def number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def told(limit: Mapping[str, Any]) -> tuple[str, ...]:
    value = f"{limit['value']:.3g}" if "value" in limit else limit["skipped"]
    return limit["name"], f"{limit['limit']:g}", value, limit["verdict"]


if __name__ == "__main__":
    main()
