"""A linear model of the training texts that teaches a network on texts made of their pieces.

A network that learns words from a few thousand texts remembers the texts instead. Made texts never come twice, and
what it learns from them is what a linear model, which is hard to mislead, would say (distillation: Hinton et al.
2015, arXiv:1503.02531); the texts themselves, with their own labels, teach it what order says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from edgernn.datasets.splits import Split, Splits
from edgernn.features import tokens
from edgernn.network import Vocabulary

PENALTY = 1.5  # of the ridge, on rows of tf-idf of length 1
SURE = 0.95  # the share of a class that a label stands for, where the data has no shares
PIECES = (1, 2, 3)  # of a made text, one of these
TINY = 1e-30
START_SPREAD = 0.3  # standard deviation of the columns of a table that say something of a word
LENGTHS = (3, 15)  # tokens of a piece


class Made(NamedTuple):
    """Texts: token numbers float32 [texts, steps, 1], shares of the classes float32 [texts, classes], lengths.

    Lengths are int32 [texts]; None of a padded vocabulary.
    """

    x: np.ndarray
    shares: np.ndarray
    lengths: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Teacher:
    """What makes texts of `texts`, the tokens of training texts, and says what class they are of."""

    texts: Sequence[Sequence[str]]
    vocabulary: Vocabulary
    steps: int
    features: Any
    model: Any

    @classmethod
    def of(cls, splits: Splits) -> Teacher:
        """The linear model, fitted to the training texts; it knows all their words."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import Ridge

        train = splits.train
        assert splits.vocabulary is not None
        assert train.text is not None
        texts = [tokens.read(splits.vocabulary, text) for text in train.text.tolist()]
        features = TfidfVectorizer(analyzer=_itself, sublinear_tf=True)
        goal = np.log(shares(train, len(splits.labels)))
        model = Ridge(PENALTY).fit(features.fit_transform(texts), goal - goal.mean(axis=1, keepdims=True))
        return cls(texts, splits.vocabulary, train.x.shape[1], features, model)

    def table(self, start: np.ndarray) -> np.ndarray:
        """A table [entries, units] to start from: what it says of each word in the first columns, then `start`'s.

        There is a column for each class but the last, whose shares follow from theirs.
        """
        known = self.features.vocabulary_
        places = np.array([known.get(token, -1) for token in self.vocabulary.entries])
        weights = self.model.coef_[:-1, places].T * self.features.idf_[places][:, None]
        weights[places < 0] = 0
        columns = min(start.shape[1], weights.shape[1])
        spread = START_SPREAD / max(float(weights.std()), TINY)
        return np.concatenate([spread * weights[:, :columns], start[:, columns:]], axis=1).astype(np.float32)

    def make(self, count: int, rng: np.random.Generator) -> Made:
        """`count` texts of one to three pieces of training texts."""
        texts = [self._text(rng) for _ in range(count)]
        numbers = [tokens.encode(self.vocabulary, text, self.steps) for text in texts]
        x = np.zeros((count, self.steps, 1), np.float32)
        for row, one in zip(x, numbers, strict=True):
            row[: len(one), 0] = one
        lengths = None if self.vocabulary.padded else np.array([len(one) for one in numbers], np.int32)
        return Made(x, self.says(texts), lengths)

    def says(self, texts: Sequence[Sequence[str]]) -> np.ndarray:
        """The shares of the classes, float32 [texts, classes]."""
        scores = self.model.predict(self.features.transform(texts))
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    def _text(self, rng: np.random.Generator) -> list[str]:
        found: list[str] = []
        for _ in range(int(rng.choice(PIECES))):
            text = self.texts[int(rng.integers(len(self.texts)))]
            start = int(rng.integers(max(1, len(text) - LENGTHS[0] + 1)))
            found += text[start : start + int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))]
        return found


def shares(train: Split, classes: int) -> np.ndarray:
    """The goals of training, float32 [examples, classes]: the data's own, or nearly all for the label."""
    if train.shares is not None:
        return train.shares
    rest = (1 - SURE) / (classes - 1)
    return np.where(np.arange(classes) == train.y[:, None], np.float32(SURE), np.float32(rest))


def _itself(text: Sequence[str]) -> Sequence[str]:
    return text
