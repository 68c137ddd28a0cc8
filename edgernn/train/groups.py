"""Which ops of a step program have to run step by step, and which can take all steps at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgernn.program import Op, Program, State


class Group(NamedTuple):
    """Ops and states of a program that depend on one another through time, or else a single op or state."""

    ops: tuple[Op, ...]
    states: tuple[State, ...]
    looped: bool


def groups(program: Program) -> list[Group]:
    """The strongly connected components of a program's values, each after those that it depends on. Tarjan 1972."""
    needs = {op.output: op.inputs for op in program.ops} | {state.name: (state.next,) for state in program.states}
    found = []
    for names in _components(needs):
        ops = tuple(op for op in program.ops if op.output in names)
        states = tuple(state for state in program.states if state.name in names)
        looped = len(names) > 1 or any(name in needs[name] for name in names)
        found.append(Group(ops, states, looped))
    return found


def _components(needs: Mapping[str, Sequence[str]]) -> list[frozenset[str]]:
    search = _Search(needs)
    for name in needs:
        if name not in search.index:
            search.visit(name)
    return search.components


class _Search:
    """Tarjan's depth-first search; a name that nothing defines is an input of the program."""

    def __init__(self, needs: Mapping[str, Sequence[str]]) -> None:
        self.needs = needs
        self.index: dict[str, int] = {}
        self.lowest: dict[str, int] = {}
        self.open: list[str] = []
        self.components: list[frozenset[str]] = []

    def visit(self, root: str) -> None:
        """Programs are deeper than Python's stack allows calls, so the way back is a list."""
        way = [(root, iter(self.needs[root]))]
        self._enter(root)
        while way:
            name, rest = way[-1]
            below = next((need for need in rest if need in self.needs), None)
            if below is None:
                way.pop()
                self._leave(name)
                if way:
                    parent = way[-1][0]
                    self.lowest[parent] = min(self.lowest[parent], self.lowest[name])
            elif below not in self.index:
                self._enter(below)
                way.append((below, iter(self.needs[below])))
            elif below in self.open:
                self.lowest[name] = min(self.lowest[name], self.index[below])

    def _enter(self, name: str) -> None:
        self.index[name] = self.lowest[name] = len(self.index)
        self.open.append(name)

    def _leave(self, name: str) -> None:
        if self.lowest[name] == self.index[name]:
            place = self.open.index(name)
            self.components.append(frozenset(self.open[place:]))
            del self.open[place:]
