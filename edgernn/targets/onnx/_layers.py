"""One layer of a sequence model in float, over all steps at once. Between layers values are [steps, size]."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgernn.expand import expand
from edgernn.network import KINDS, Layer
from edgernn.program import Builder, Op, Program
from edgernn.targets.onnx._cells import WHOLE_CELLS, units
from edgernn.targets.onnx._graph import Constants, Graph, tensor_name
from edgernn.targets.onnx._primitives import emit_constants, emit_ops
from edgernn.targets.onnx._scan import float_scan

# graph, layer, constants, value [steps, inputs], output name, whether only the last row of the output is wanted
Emit = Callable[[Graph, Layer, Constants, str, str, bool], None]


def emit_layer(graph: Graph, layer: Layer, constants: Constants, value: str, output: str, ends: bool) -> str:
    """Add a layer from `value` [steps, inputs] to `output` [steps, units], or [1, units] where it `ends`."""
    emit = _recurrent if layer.recurrent else _LAYERS.get(layer.kind, _rows)
    emit(graph, layer, constants, value, output, ends)
    return output


def _program(layer: Layer, direction: str = "") -> Program:
    """The step program of a layer alone, expanded."""
    kind, builder = KINDS[layer.kind], Builder()
    x = builder.input(layer.inputs * layer.stride)
    own = builder.within(_scope(layer, direction))
    sizes = kind.states(layer.inputs, layer.options)
    result, kept = kind.step(own, x, tuple(own.state(s.name, s.size) for s in sizes), layer.options)
    for size, value in zip(sizes, kept, strict=True):
        builder.next(own.state(size.name, size.size), value, size.initial, size.bounds)
    return expand(builder.finish(result))


def _scope(layer: Layer, direction: str) -> str:
    return f"{layer.name}/{direction}" if direction else layer.name


def _rows(graph: Graph, layer: Layer, constants: Constants, value: str, output: str, ends: bool) -> None:
    """A layer without memory does to all rows what its program does to one."""
    program = _program(layer)
    emit_constants(graph, program.ops, constants)
    emit_ops(graph, program.ops, program.sizes, {program.input: value, program.output: output})


def _recurrent(graph: Graph, layer: Layer, constants: Constants, value: str, output: str, ends: bool) -> None:
    """Both directions of a bidirectional layer read the same frames; their results stand side by side."""
    frames = graph.emit("Unsqueeze", (value, graph.index(1)), f"{layer.name}.frames")
    run = _whole if layer.kind in WHOLE_CELLS else _loop
    ways = layer.directions
    if len(ways) == 1:
        run(graph, layer, constants, frames, output, "", ends)
        return
    results = [f"{output}.{way}" for way in ways]
    for way, result in zip(ways, results, strict=True):
        run(graph, layer, constants, frames, result, way, ends)
    graph.emit("Concat", results, output, axis=1)


def _whole(
    graph: Graph, layer: Layer, constants: Constants, frames: str, output: str, direction: str, ends: bool
) -> None:
    """ONNX's own node gives all results [steps, 1 direction, 1, units] or the last [1 direction, 1, units]."""
    cell = WHOLE_CELLS[layer.kind](graph, layer, _scope(layer, direction), constants)
    result, size = f"{output}.directions", units(layer)
    way = {"direction": "reverse"} if direction == "backward" else {}
    outputs = ("", result) if ends else (result,)
    graph.emit_many(cell.operator, (frames, *cell.operands), outputs, hidden_size=size, **cell.attributes, **way)
    graph.reshape(result, (1 if ends else -1, size), output)


def _loop(
    graph: Graph, layer: Layer, constants: Constants, frames: str, output: str, direction: str, ends: bool
) -> None:
    """A Scan over the step program; the last step of the backward direction is the first frame's."""
    scope, back = tensor_name(_scope(layer, direction)), direction == "backward"
    program = _program(layer, direction)
    steps = float_scan(graph, scope, program, constants, frames, f"{output}.batch", back)
    if ends:
        steps = graph.row(steps, 0 if back else -1, f"{output}.end")
    graph.emit("Squeeze", (steps, graph.index(1)), output)


def _conv(graph: Graph, layer: Layer, constants: Constants, value: str, output: str, ends: bool) -> None:
    """The product of all windows at once, then what the program does to one product to all rows."""
    program = _program(layer)
    index, product = next((i, op) for i, op in enumerate(program.ops) if op.primitive == "matvec")
    following = [op for op in program.ops[index + 1 :] if op.primitive != "slice"]  # those are of its memory
    convolved = f"{layer.name}.sum" if following else output
    steps = f"{convolved}.steps" if ends else convolved
    _convolve(graph, layer, product, constants, value, steps)
    if ends:
        graph.row(steps, -1, convolved)
    emit_ops(graph, following, program.sizes, {product.output: convolved, program.output: output})


def _convolve(graph: Graph, layer: Layer, product: Op, constants: Constants, value: str, output: str) -> None:
    """ONNX's Conv over [1, channels, frames], with frames of zeros in front as the step form starts with them."""
    kernel = constants.real[product.weight].shape[1] // layer.inputs
    skipped = max(layer.stride - kernel, 0)  # a kernel shorter than the stride reads the newest frames of each
    if skipped:
        bounds = (graph.index(skipped), graph.index(np.iinfo(np.int64).max), graph.index(0))
        value = graph.emit("Slice", (value, *bounds), f"{output}.read")
    channels = graph.emit("Transpose", (value,), f"{output}.channels", perm=(1, 0))
    batch = graph.emit("Unsqueeze", (channels, graph.index(0)), f"{output}.batch")
    weight = constants.emit(graph, product.weight, lambda w: _by_channel(w, layer.inputs))
    bias = [constants.emit(graph, product.bias)] if product.bias else []
    pads = (max(kernel - layer.stride, 0), 0)
    found = graph.emit("Conv", (batch, weight, *bias), f"{output}.conv", pads=pads, strides=(layer.stride,))
    graph.emit(
        "Transpose", (graph.emit("Squeeze", (found, graph.index(0)), f"{output}.rows"),), output, perm=(1, 0)
    )


def _by_channel(weight: np.ndarray, inputs: int) -> np.ndarray:
    """[rows, frames x inputs] as ONNX has it, [rows, inputs, frames]."""
    return np.ascontiguousarray(weight.reshape(len(weight), -1, inputs).transpose(0, 2, 1))


def _pool(graph: Graph, layer: Layer, constants: Constants, value: str, output: str, ends: bool) -> None:
    """Over the whole window where only its last result is read, else the streaming program."""
    over = getattr(layer.options, "over", "mean")
    if not ends:
        frames = graph.emit("Unsqueeze", (value, graph.index(1)), f"{layer.name}.frames")
        _loop(graph, layer, constants, frames, output, "", ends)
    elif over == "last":
        graph.row(value, -1, output)
    else:
        graph.reduce("ReduceMax" if over == "max" else "ReduceMean", value, 0, output)


def _attention(graph: Graph, layer: Layer, constants: Constants, value: str, output: str, ends: bool) -> None:
    """Scores as in the program, their softmax over the whole window, the weighted sum; or the streaming program."""
    if not ends:
        _pool(graph, layer, constants, value, output, ends)
        return
    program = _program(layer)
    score = f"{layer.name}/e"
    ops = program.ops[: 1 + next(i for i, op in enumerate(program.ops) if op.output == score)]
    emit_constants(graph, ops, constants)
    emit_ops(graph, ops, program.sizes, {program.input: value})
    shares = graph.emit("Softmax", (tensor_name(score),), f"{layer.name}.shares", axis=0)  # [steps, 1]
    weighted = graph.emit("Mul", (value, shares), f"{layer.name}.weighted")
    graph.emit("ReduceSum", (weighted, graph.index(0)), output)


_LAYERS: Mapping[str, Emit] = {"conv": _conv, "pool": _pool, "attention": _attention}
