"""A baseline of what comes next: counts of how sequences went on, of shorter ones where longer ones are not known.

Modified Kneser-Ney smoothing, interpolated (Chen and Goodman 1999, An empirical study of smoothing techniques for
language modeling): a count is discounted by how small it is, and what that frees goes to the next shorter context.
In shorter contexts it counts how many different tokens stood before, not how often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.splits import Split

LONGEST = 8  # tokens with the one that is told
ROWS = 4096  # contexts at a time
DISCOUNTS = 3  # of counts of 1, of 2, and of all above


class Order(NamedTuple):
    """Sequences of one length: what they end with after each context, sorted.

    `tokens` int64 [sequences] and `shares` float64 [sequences] of the probability, `starts` int64 [contexts + 1]
    where those of a context begin; `contexts` int64 [contexts] are codes, and `left` float64 [contexts] is what is
    left for shorter contexts.
    """

    tokens: np.ndarray
    shares: np.ndarray
    starts: np.ndarray
    contexts: np.ndarray
    left: np.ndarray


class Ngrams(NamedTuple):
    """The orders from single tokens on, over `classes` tokens."""

    classes: int
    orders: tuple[Order, ...]

    def probabilities(self, history: np.ndarray) -> np.ndarray:
        """Of every token after each history, float64 [histories, classes]; rows sum to 1.

        `history` int64 [histories, orders - 1] are the tokens before, the last one last; -1 where there is none.
        """
        found = np.full((len(history), self.classes), 1 / self.classes)
        for length, order in enumerate(self.orders):
            own = history[:, history.shape[1] - length :]
            at = np.minimum(np.searchsorted(order.contexts, codes(own, self.classes)), len(order.contexts) - 1)
            known = (order.contexts[at] == codes(own, self.classes)) & (own >= 0).all(axis=1)
            rows, at = np.flatnonzero(known), at[known]
            found[rows] *= order.left[at, None]
            row, place = _ranges(rows, order.starts[at], order.starts[at + 1])
            found[row, order.tokens[place]] += order.shares[place]
        return found


def kneser_ney(problem: Problem) -> np.ndarray:
    """Log-probabilities after every step of the test, float64 [examples, steps, classes].

    The length of the sequences is that which is best on validation; the counts are of train and validation.
    """
    splits, classes = problem.splits, len(problem.splits.labels)
    lengths = range(1, longest(classes) + 1)
    own = counted(splits.train)
    losses = [_loss(fit(own, length, classes), splits.validation) for length in lengths]
    best = lengths[int(np.argmin(losses))]
    model = fit([*own, *counted(splits.validation)], best, classes)
    return np.concatenate([np.log(part) for part in _answers(model, splits.test)]).reshape(
        (*splits.test.y.shape, classes)
    )


def longest(classes: int) -> int:
    """The longest sequences whose codes fit an int64."""
    return max(n for n in range(1, LONGEST + 1) if n == 1 or classes**n < 2**63)


def fit(sequences: Sequence[np.ndarray], length: int, classes: int) -> Ngrams:
    """Sequences of up to `length` tokens, where there are any, counted in `sequences` of tokens, int64 [tokens]."""
    there = max(map(len, sequences))
    whole = [_counts(sequences, n, classes) for n in range(1, min(length, there) + 1)]
    shorter = [
        _order(code, _before(code, whole[n][0], classes**n), classes)
        for n, (code, _) in enumerate(whole[:-1], start=1)
    ]
    return Ngrams(classes, (*shorter, _order(*whole[-1], classes)))


def codes(tokens: np.ndarray, classes: int) -> np.ndarray:
    """One number for each row of tokens [rows, tokens], int64 [rows]."""
    found = np.zeros(len(tokens), np.int64)
    for column in tokens.T:
        found = found * classes + column
    return found


def counted(split: Split) -> list[np.ndarray]:
    """Each example's tokens and the one after them, int64 [tokens]; what is not asked for is the unknown token."""
    x = split.x[:, :, 0].astype(np.int64)
    ends = split.real
    return [np.append(x[i, :end], max(0, int(split.y[i, end - 1]))) for i, end in enumerate(ends)]


def histories(split: Split, size: int) -> np.ndarray:
    """The last `size` tokens before each answer, int64 [examples * steps, size]; -1 before an example's first."""
    x = split.x[:, :, 0].astype(np.int64)
    padded = np.pad(x, ((0, 0), (size, 0)), constant_values=-1)
    steps = np.arange(x.shape[1])[:, None] + np.arange(1, size + 1)  # where in `padded` each history is
    return padded[:, steps].reshape(x.size, size)


def _counts(sequences: Sequence[np.ndarray], length: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The codes of all sequences of a length, in order, and how often each is there."""
    views = [np.lib.stride_tricks.sliding_window_view(one, length) for one in sequences if len(one) >= length]
    found = [codes(view, classes) for view in views]
    return np.unique(np.concatenate(found), return_counts=True)


def _before(code: np.ndarray, longer: np.ndarray, unit: int) -> np.ndarray:
    """How many different tokens stand before each sequence; 1 before one that only begins a text."""
    found, count = np.unique(longer % unit, return_counts=True)
    different = np.ones(len(code), np.int64)
    different[np.searchsorted(code, found)] = count
    return different


def _order(code: np.ndarray, count: np.ndarray, classes: int) -> Order:
    contexts, starts = np.unique(code // classes, return_index=True)
    total = np.add.reduceat(count, starts)
    discount = _discounts(count)[np.minimum(count, DISCOUNTS) - 1]
    starts = np.append(starts, len(code))
    shares = (count - discount) / np.repeat(total, np.diff(starts))
    return Order(code % classes, shares, starts, contexts, np.add.reduceat(discount, starts[:-1]) / total)


def _discounts(count: np.ndarray) -> np.ndarray:
    """Off counts of 1, of 2 and above, by how many counts of 1 to 4 there are; a half where too few are to tell."""
    one, two, three, four = (int((count == n).sum()) for n in range(1, 5))
    if not (one and two and three and four):
        return np.full(DISCOUNTS, 0.5)
    share = one / (one + 2 * two)
    found = np.array([1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three])
    return np.clip(found, 0.05, [0.95, 1.9, 2.9])


def _ranges(rows: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every number from `start` to `end` [rows], and beside it its row."""
    size = end - start
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return np.repeat(rows, size), np.repeat(start, size) + offset


def _answers(model: Ngrams, split: Split) -> Iterator[np.ndarray]:
    """Probabilities of a split's steps, some at a time."""
    history = histories(split, len(model.orders) - 1)
    for start in range(0, len(history), ROWS):
        yield model.probabilities(history[start : start + ROWS])


def _loss(model: Ngrams, split: Split) -> float:
    """The mean negative logarithm of what comes next."""
    wanted = np.maximum(split.y.ravel(), 0)
    parts = zip(_answers(model, split), range(0, len(wanted), ROWS), strict=True)
    given = np.concatenate([part[np.arange(len(part)), wanted[i : i + ROWS]] for part, i in parts])
    return float(-np.log(given[split.y.ravel() >= 0]).mean())
