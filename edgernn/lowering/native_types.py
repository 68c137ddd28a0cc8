"""Typing of the integer reference and of C: int16 with power-of-two scales between the products."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence

import numpy as np

from edgernn.fixed_point import Q0_15, Q3_12
from edgernn.lowering.qtypes import (
    UNIT_INT8,
    UNIT_INT16,
    WIDE_GATE_INT16,
    QType,
    asymmetric_int8,
    power_of_two_int16,
)
from edgernn.lowering.typing import TABLES, Typing
from edgernn.program import PRODUCTS, Op, State

TERMS = ("add", "sub", "mul")  # what joins a product with another one


class NativeTyping(Typing):
    """Products read int8 or int16 and give int16; all else is int16 with power-of-two scales."""

    def operands(self, op: Op) -> tuple[QType | None, ...]:  # noqa: PLR0911 (one return a case)
        match op.primitive:
            case "matvec":
                return (self.factor(op.inputs[0], self.wide(op.output)),)
            case "lookup" | "slice" | "constant":
                return (None,) * len(op.inputs)
            case "concat":
                return (self.type_of(op.output),) * len(op.inputs)
            case "sigmoid" | "tanh" | "softplus":
                return (TABLES[op.primitive],)
            case "blend":
                return (UNIT_INT16, *(self.type_of(op.output),) * 2)
            case "max" | "relu":
                return (self.type_of(op.output),) * len(op.inputs)
            case "add" | "sub":
                coarsest = max((*map(self.real, op.inputs), self.type_of(op.output)), key=lambda t: t.scale)
                return (coarsest,) * 2
            case _:
                return tuple(self.real(name) for name in op.inputs)

    def real(self, name: str) -> QType:
        """The int16 type with a power-of-two scale in which element-wise work reads a value."""
        qtype = self.type_of(name)
        if qtype.dtype == "int16":
            return qtype
        low, high = qtype.dequantize(np.array([-128, 127]))
        return power_of_two_int16(low, high)

    def factor(self, name: str, wide: bool) -> QType:
        """The type in which a matrix product reads a value."""
        qtype = self.type_of(name)
        if wide:
            return self.real(name)
        if qtype.dtype == "int8":
            return qtype
        if qtype == UNIT_INT16 and self._is_state(name):
            return UNIT_INT8
        return asymmetric_int8(*self.range(name))

    def state_type(self, state: State) -> QType:
        if state.bounds is not None:
            return UNIT_INT16 if state.bounds == (-1.0, 1.0) else WIDE_GATE_INT16
        source = self.kept_from(state)
        if source:
            return self.type_of(source) if self._is_memory(state) else self.real(source)
        return power_of_two_int16(*self.state_range(state))

    def _is_state(self, name: str) -> bool:
        return name in self.states or self.next_of(name) is not None

    def _is_memory(self, state: State) -> bool:
        producer = self.program.producer(state.next)
        return producer is not None and producer.primitive == "slice"

    def output_type(self, name: str) -> QType:
        producer = self.program.producer(name)
        if producer is not None and producer.primitive in ("sigmoid", "tanh", "softmax"):
            return UNIT_INT16
        return power_of_two_int16(*self.range(name))

    def own_type(self, op: Op) -> QType:  # noqa: PLR0911 (one return a case)
        name = op.output
        users = self.users(name)
        match op.primitive:
            case "sigmoid" | "tanh" | "softmax":
                return UNIT_INT16
            case "softplus":
                return WIDE_GATE_INT16
            case "lookup":
                return QType("int8", float(self.quantized.scales[op.weight][0]))
            case "constant":
                vector = self.constants[op.weight]
                return power_of_two_int16(float(vector.min()), float(vector.max()))
            case "concat":
                return self._joined(op)
            case "matvec":
                return self._product(op, users)
            case "mul":
                finest = 2 * math.prod(self.real(factor).scale for factor in op.inputs)
                return QType("int16", max(finest, self._multiplied(op, users).scale))
            case "add" | "sub" if not self._only(users, TABLES):  # a sum is shifted by 15 bits at most
                products = [self.type_of(term).scale for term in op.inputs if self._is_product(term)]
                finest = 2.0**-15 * max(products, default=0.0)
                return QType("int16", max(finest, self._by_users(op, users).scale))
        return self._by_users(op, users)

    def _multiplied(self, op: Op, users: tuple[Op, ...]) -> QType:
        sums = [user for user in users if user.primitive in ("add", "sub")]
        return self._term(op.output, sums[0]) if sums else self._by_users(op, users)

    def _by_users(self, op: Op, users: tuple[Op, ...]) -> QType:
        """The type that all who read a value want, or else the one of its range."""
        table = self.table_input(users)
        if table:
            return table
        if self._only(users, ("relu",)):
            return self.type_of(users[0].output)  # below 0 it may saturate
        if op.primitive == "normalize" or any(user.primitive == "softmax" for user in users):
            return QType("int16", max(power_of_two_int16(*self.range(op.output)).scale, Q0_15))
        return power_of_two_int16(*self.range(op.output))

    def _joined(self, op: Op) -> QType:
        types = {self.type_of(name) for name in op.inputs if name not in self.states}
        if len(types) == 1:
            return types.pop()
        return max((self.real(name) for name in op.inputs if name not in self.states), key=lambda t: t.scale)

    def _product(self, op: Op, users: tuple[Op, ...]) -> QType:
        if self._only(users, PRODUCTS):
            wide = any(self.wide(user.output) for user in users)
            by_range: Callable[..., QType] = power_of_two_int16 if wide else asymmetric_int8
            return by_range(*self.range(op.output))
        if self._is_term(op.output):
            return self._gate_type(op.output)
        return self._by_users(op, users)

    def _term(self, name: str, reader: Op) -> QType:
        """The type of a product that is added to something: the sum's, its own range's, or a coarser term's."""
        others = [self.type_of(other) for other in reader.inputs if self._is_product(other)]
        own = power_of_two_int16(*self.range(name))
        return max((self.type_of(reader.output), own, *others), key=lambda t: t.scale)

    def _is_product(self, name: str) -> bool:
        producer = self.program.producer(name)
        return producer is not None and producer.primitive == "matvec"

    def _gate_type(self, name: str) -> QType:
        """The one type of all products that enter the same sums: none of them saturates before its sum."""
        products = [op.output for op in self.program.ops if op.primitive == "matvec"]
        sums = self._sums(name)
        joined = [product for product in products if product == name or self._sums(product) & sums]
        tables = [table.scale for total in sums if (table := self.table_input(self.users(total)))]
        return QType("int16", max([*tables, Q3_12, *(power_of_two_int16(*self.range(p)).scale for p in joined)]))

    def _sums(self, name: str) -> frozenset[str]:
        """The sums that a value enters, as it is or multiplied by another one."""
        found: list[str] = []
        for user in self.users(name):
            factors = self.users(user.output) if user.primitive == "mul" else (user,)
            found += [total.output for total in factors if total.primitive in ("add", "sub")]
        return frozenset(found)

    def _only(self, users: Sequence[Op], primitives: Container[str]) -> bool:
        return bool(users) and all(user.primitive in primitives for user in users)

    def _is_term(self, product: str) -> bool:
        return any(user.primitive in TERMS for user in self.users(product))
