"""Typing of TFLite and ONNX: operators on int8 with a zero point, int16 where it is asked for or needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgernn.fixed_point import Q0_15
from edgernn.lowering.qtypes import (
    SIGMOID_INT8,
    UNIT_INT8,
    UNIT_INT16,
    WIDE_GATE_INT16,
    Dtype,
    QType,
    asymmetric_int8,
    power_of_two_int16,
    symmetric_int16,
)
from edgernn.lowering.typing import Typing
from edgernn.network import POOLS
from edgernn.program import Op, State

# Beyond these a function of that type is within one of its steps of its end: its input needs no wider range.
ENDS: Mapping[tuple[str, Dtype], float] = {
    ("tanh", "int8"): 4.0,
    ("sigmoid", "int8"): 8.0,
    ("sigmoid", "int16"): 11.0,
}
ENDING = frozenset(name for name, _ in ENDS)
HEADROOM = 1.25  # times the calibrated range: what is beyond it saturates, and int16 has a third of a bit to spare
UNIT_DIFFERENCE = QType("int16", 2 * Q0_15)  # [-2, 2)


class OperatorTyping(Typing):
    """Operators on int8 with a zero point, or on int16 without; int16 where a state or a layer is."""

    def operands(self, op: Op) -> tuple[QType | None, ...]:
        match op.primitive:
            case "lookup" | "slice" | "constant":
                return (None,) * len(op.inputs)
            case "concat" | "max":
                return (self.type_of(op.output),) * len(op.inputs)
            case "matvec":
                return (self.narrow(op.inputs[0], "int16" if self.wide(op.output) else "int8"),)
            case "softplus":
                return (WIDE_GATE_INT16,)
            case _:
                dtype = self.dtype(op)
                return tuple(self.narrow(name, dtype, (op,)) for name in op.inputs)

    def dtype(self, op: Op) -> Dtype:
        """What an element-wise operator works on."""
        if self.wide(op.output) or (self.next_of(op.output) and self.type_of(op.output).dtype == "int16"):
            return "int16"
        users = self.users(op.output)
        if self.kind(op.output) in (*POOLS, "layer_norm"):
            only_products = bool(users) and all(user.primitive == "matvec" for user in users)
            return "int8" if only_products and op.primitive == "tanh" else "int16"
        if op.primitive == "sigmoid" and self._scales_wide_state(op):
            return "int16"
        if op.primitive in ("sigmoid", "tanh", "softmax", "relu"):
            state = self.next_of(op.inputs[0])  # of an LSTM's cell: int8 would coarsen what the state kept
            keeps = self.quantized.state == "int16" and state and self.type_of(state.name).dtype == "int16"
            return "int16" if keeps else "int8"
        if self.quantized.state == "int16" and any(self._enters_wide_state(user) for user in users):
            return "int16"
        others = [name for name in op.inputs if not self._is_gate(name)]  # a gate alone makes no product wide
        return "int16" if any(self.type_of(name).dtype == "int16" for name in others) else "int8"

    def _is_gate(self, name: str) -> bool:
        producer = self.program.producer(name)
        while producer is not None and producer.primitive == "slice":
            producer = self.program.producer(producer.inputs[0])
        return producer is not None and producer.primitive == "sigmoid"

    def _scales_wide_state(self, op: Op) -> bool:
        """Whether it is a gate of an int16 state: in int8 it ends at 255/256, and the state would fade by that."""
        own = (op.output, *(part.output for part in self.program.readers(op.output) if part.primitive == "slice"))
        factors = [name for user in self.users(op.output) if user.primitive == "mul" for name in user.inputs]
        others = [name for name in factors if name not in own]
        return self.quantized.state == "int16" and any(self.type_of(name).dtype == "int16" for name in others)

    def _enters_wide_state(self, user: Op) -> bool:
        state = self.next_of(user.output)
        return user.primitive == "add" and bool(state) and self.type_of(user.output).dtype == "int16"

    def narrow(self, name: str, dtype: Dtype, readers: Sequence[Op] = ()) -> QType | None:
        """The type of this dtype that holds a value for those who read it; None where it is of it already."""
        qtype = self.type_of(name)
        if qtype.dtype == dtype:
            return None
        if dtype == "int8":
            if self._is_gate(name):
                return SIGMOID_INT8
            return UNIT_INT8 if qtype.scale == Q0_15 else asymmetric_int8(*self._useful(name, readers))
        low, high = qtype.dequantize(np.array([-128, 127]))
        return QType("int16", 2.0 ** math.ceil(math.log2(max(-low, high))) * Q0_15)

    def state_type(self, state: State) -> QType:
        source = self.kept_from(state)
        if source:
            return self.type_of(source)
        wide = self.wide(state.name) or self.kind(state.name) in POOLS
        if state.bounds == (-1.0, 1.0):
            return UNIT_INT16 if wide or self.quantized.state == "int16" else UNIT_INT8
        if state.bounds is not None:
            return WIDE_GATE_INT16
        low, high = self.state_range(state)
        recurrent_output = state.next == self.program.output or self._read_by_product(state)
        narrow = recurrent_output and not wide and self.quantized.state == "int8"
        return asymmetric_int8(low, high) if narrow else power_of_two_int16(low, high)

    def output_type(self, name: str) -> QType:
        producer = self.program.producer(name)
        return self.own_type(producer) if producer else self.type_of(name)

    def own_type(self, op: Op) -> QType:  # noqa: PLR0911 (one return a case)
        match op.primitive:
            case "softplus":
                return WIDE_GATE_INT16
            case "lookup":
                return QType("int8", float(self.quantized.scales[op.weight][0]))
            case "constant":
                wide = self.wide(op.output) or self.kind(op.output) in (*POOLS, "layer_norm")
                largest = float(np.abs(self.constants[op.weight]).max())
                return symmetric_int16(-largest, largest) if wide else QType("int8", largest / 127 or 1 / 128)
            case "concat" | "max":
                return self.type_of(op.inputs[-1])
            case "matvec":
                dtype: Dtype = "int16" if self.wide(op.output) else "int8"
            case _:
                dtype = self.dtype(op)
        if op.primitive in ("sigmoid", "softmax"):
            return UNIT_INT16 if dtype == "int16" else SIGMOID_INT8
        if op.primitive == "tanh":
            return UNIT_INT16 if dtype == "int16" else UNIT_INT8
        users = self.users(op.output)
        table = self.table_input(users)
        if dtype == "int16" and table:
            return table
        if dtype == "int16":
            low, high = self.range(op.output)
            return UNIT_DIFFERENCE if self._between_units(op) else symmetric_int16(HEADROOM * low, HEADROOM * high)
        return asymmetric_int8(*self._useful(op.output, users))

    def _useful(self, name: str, readers: Sequence[Op]) -> tuple[float, float]:
        """The range of a value, as far as its readers can tell its ends from what lies beyond them."""
        low, high = self.range(name)
        if not readers or any(reader.primitive not in ENDING for reader in readers):
            return low, high
        limit = max(ENDS.get((reader.primitive, self.dtype(reader)), math.inf) for reader in readers)
        return max(low, -limit), min(high, limit)

    def _between_units(self, op: Op) -> bool:
        """Whether it is a difference of values in [-1, 1], more than calibration from rest shows."""
        units = (UNIT_INT8, UNIT_INT16)
        return op.primitive == "sub" and all(self.type_of(name) in units for name in op.inputs)

    def _read_by_product(self, state: State) -> bool:
        return any(user.primitive == "matvec" for user in self.users(state.name))
