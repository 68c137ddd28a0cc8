"""How the sparsity grows while a network trains on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Masks are chosen anew every `every` steps from `begin` to `end`, which is one of these steps.

    The sparsity goes from `initial` to its final value as a power of the steps left (Zhu and Gupta 2017,
    arXiv:1710.01878, with the power 3): much at first, while many weights are idle, and little at the end.
    """

    begin: int
    end: int
    every: int
    initial: float
    power: float

    @classmethod
    def over(cls, begin: int, end: int, updates: int, initial: float, power: float) -> Schedule:
        """About `updates` choices between two steps; `end` moves down to the last of them."""
        length = max(1, end - begin)
        every = max(1, length // updates)
        return cls(begin, begin + every * (length // every), every, initial, power)

    def chooses(self, step: int) -> bool:
        """Whether masks are chosen after `step` steps; the first step is 1."""
        return self.begin <= step <= self.end and (step - self.begin) % self.every == 0

    def sparsity(self, step: int, final: float) -> float:
        """The sparsity after `step` steps of what ends with `final`."""
        left = 1 - min(1.0, max(0.0, (step - self.begin) / (self.end - self.begin)))
        return final + (min(self.initial, final) - final) * left**self.power
