"""Step programs in TensorFlow: over whole sequences, differentiable, in float or with fake quantisation.

Only what depends on its own past runs in a loop over time; all other ops take all steps at once. A value is
[batch, steps, size], inside a loop [batch, size]; a constant vector is [size].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgernn.kinds import Kind
from edgernn.network import KINDS, Layer, Pass
from edgernn.program import EPSILON, PRIMITIVES, Op, Program, State
from edgernn.train.backend import tf
from edgernn.train.groups import Group, groups

Constants = Mapping[str, Any]  # tensors by their full names, matrices [rows, inputs]
Meaning = Callable[[Op, Sequence[Any]], Any]
Initial = Callable[[State], float]


def layer_constants(layer: Layer, weights: Sequence[Any]) -> dict[str, Any]:
    """`Layer.constants` of other weights: tensors that gradients flow through, in the layer's order."""
    kind: Kind = KINDS[layer.kind]
    size = len(weights) // len(layer.directions)
    found: dict[str, Any] = {}
    for index, direction in enumerate(layer.directions):
        own = [tf.convert_to_tensor(weight) for weight in weights[index * size : (index + 1) * size]]
        scope = f"{layer.name}/{direction}" if direction else layer.name
        constants = kind.constants(own, layer.options, tf.experimental.numpy)
        found |= {f"{scope}/{name}": value for name, value in constants.items()}
    return found


def run_float(passes: Sequence[Pass], constants: Constants, x: Any) -> Any:
    """What `edgernn.reference.run_float` computes: [batch, frames, inputs] -> [batch, steps, outputs]."""
    for one in passes:
        ways = [
            Way(program, float_meaning(program, constants), lambda state: state.initial) for program in one.programs
        ]
        x = run_pass(ways, one.frames, one.ends, x)
    return x


class Way(NamedTuple):
    """A step program, what its ops mean, and the values its states start from."""

    program: Program
    meaning: Meaning
    initial: Initial


def run_pass(ways: Sequence[Way], frames: int, ends: bool, x: Any) -> Any:
    """The results of a pass (see `edgernn.network.Pass`) side by side; the second way reads from the end."""
    width = frames * x.shape[2]
    steps = x.shape[1] // frames
    x = tf.reshape(x[:, : steps * frames], (-1, steps, width))
    results = [over_time(ways[0], x)]
    if len(ways) > 1:
        results.append(tf.reverse(over_time(ways[1], tf.reverse(x, [1])), [1]))
    if ends:
        results = [results[0][:, -1:], *(result[:, :1] for result in results[1:])]
    return tf.concat(results, -1)


def over_time(way: Way, x: Any) -> Any:
    """The output of a program after every step: [batch, steps, inputs] -> [batch, steps, outputs]."""
    program = way.program
    values = {program.input: x}
    for group in groups(program):
        if group.looped:
            values |= _looped(way, group, values, x)
        else:
            values |= {state.name: _delayed(values[state.next], way.initial(state)) for state in group.states}
            for op in group.ops:
                values[op.output] = way.meaning(op, [values[name] for name in op.inputs])
    return values[program.output]


def float_meaning(program: Program, constants: Constants) -> Meaning:
    """The ops of a program on tensors [..., size], without any rounding."""
    return lambda op, inputs: _MEANINGS[op.primitive](op, program.sizes[op.output], constants, inputs)


def _delayed(following: Any, initial: float) -> Any:
    """A state that does not depend on itself: what it becomes, a step later."""
    return tf.concat([tf.fill(tf.shape(following[:, :1]), initial), following[:, :-1]], 1)


def _looped(way: Way, group: Group, values: Mapping[str, Any], x: Any) -> dict[str, Any]:
    """The values of a group over all steps, those that something outside reads."""
    program, own = way.program, {op.output for op in group.ops} | {state.name for state in group.states}
    read = list(dict.fromkeys(name for op in group.ops for name in op.inputs if name not in own))
    outside = {name for op in program.ops if op.output not in own for name in op.inputs}
    outside |= {program.output, *(state.next for state in program.states if state.name not in own)}
    told = sorted(own & outside)
    still = {name: values[name] for name in read if values[name].shape.rank == 1}
    moving = [name for name in read if name not in still]
    frames = [tf.transpose(values[name], (1, 0, 2)) for name in moving]  # [steps, batch, size]

    def step(states: tuple[Any, ...], now: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        known = {**still, **dict(zip(moving, now, strict=True))}
        known |= {state.name: value for state, value in zip(group.states, states, strict=True)}
        for op in group.ops:
            known[op.output] = way.meaning(op, [known[name] for name in op.inputs])
        return tuple(known[state.next] for state in group.states), tuple(known[name] for name in told)

    batch = tf.shape(x)[0]
    first = tuple(tf.fill((batch, program.sizes[s.name]), way.initial(s)) for s in group.states)
    sizes = [program.sizes[name] for name in told]
    results = _loop(step, first, frames, sizes, x.shape[1])
    return dict(zip(told, results, strict=True))


def _loop(
    step: Callable[..., tuple[tuple[Any, ...], tuple[Any, ...]]],
    first: tuple[Any, ...],
    frames: Sequence[Any],
    sizes: Sequence[int],
    steps: int,
) -> list[Any]:
    """`step` over `frames` [steps, batch, size]; what it tells after every step, [batch, steps, size] each.

    Frames are read from arrays: the gradient of a slice is as large as all frames, at every step.
    """
    taken = [tf.TensorArray(tf.float32, steps).unstack(frame) for frame in frames]

    def body(
        index: Any, states: tuple[Any, ...], told: tuple[Any, ...]
    ) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
        states, now = step(states, [frame.read(index) for frame in taken])
        return index + 1, states, tuple(old.write(index, new) for old, new in zip(told, now, strict=True))

    arrays = tuple(tf.TensorArray(tf.float32, steps, element_shape=(None, size)) for size in sizes)
    start = (tf.constant(0), first, arrays)
    _, _, told = tf.while_loop(lambda index, *_: index < steps, body, start, maximum_iterations=steps)
    return [tf.transpose(array.stack(), (1, 0, 2)) for array in told]


def _matvec(op: Op, size: int, constants: Constants, x: Sequence[Any]) -> Any:
    weight = constants[op.weight]
    flat = tf.reshape(x[0], (-1, weight.shape[1])) if x[0].shape.rank > 2 else x[0]
    product = tf.matmul(flat, weight, transpose_b=True)
    if op.bias:
        product += constants[op.bias]
    return tf.reshape(product, (-1, *x[0].shape[1:-1], size)) if x[0].shape.rank > 2 else product


def _lookup(op: Op, size: int, constants: Constants, x: Sequence[Any]) -> Any:
    """The nearest row for an index that is out of range, as in the reference."""
    table = constants[op.weight]
    return tf.gather(table, tf.clip_by_value(tf.cast(x[0][..., 0], tf.int32), 0, table.shape[0] - 1))


def _normalize(x: Any) -> Any:
    mean = tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), -1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + EPSILON)


_MEANINGS: dict[str, Callable[[Op, int, Constants, Sequence[Any]], Any]] = {
    "matvec": _matvec,
    "lookup": _lookup,
    "constant": lambda op, size, constants, x: constants[op.weight],
    "add": lambda op, size, constants, x: x[0] + x[1],
    "sub": lambda op, size, constants, x: x[0] - x[1],
    "max": lambda op, size, constants, x: tf.maximum(x[0], x[1]),
    "mul": lambda op, size, constants, x: x[0] * x[1],
    "sigmoid": lambda op, size, constants, x: tf.sigmoid(x[0]),
    "tanh": lambda op, size, constants, x: tf.tanh(x[0]),
    "relu": lambda op, size, constants, x: tf.nn.relu(x[0]),
    "softplus": lambda op, size, constants, x: tf.nn.softplus(x[0]),
    "softmax": lambda op, size, constants, x: tf.nn.softmax(x[0]),
    "normalize": lambda op, size, constants, x: _normalize(x[0]),
    "blend": lambda op, size, constants, x: x[1] + x[0] * (x[2] - x[1]),
    "slice": lambda op, size, constants, x: x[0][..., op.start : op.start + size],
    "concat": lambda op, size, constants, x: tf.concat(list(x), -1),
    "mean": lambda op, size, constants, x: tf.reduce_mean(x[0], -1, keepdims=True),
    "rsqrt": lambda op, size, constants, x: tf.math.rsqrt(x[0] + EPSILON),
    "requantize": lambda op, size, constants, x: x[0],
}

if set(_MEANINGS) != set(PRIMITIVES):
    raise AssertionError("a primitive has no meaning in TensorFlow")
