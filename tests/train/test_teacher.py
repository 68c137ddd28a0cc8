"""Made texts: of pieces of training texts, and labelled as scikit-learn's ridge does."""

from __future__ import annotations

import numpy as np
import pytest
from networks import random_frames, random_network
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from edgernn.datasets import texts
from edgernn.datasets.sections import FileText
from edgernn.datasets.splits import Splits
from edgernn.datasets.texts import Text
from edgernn.train import models
from edgernn.train.augment import Augmentation
from edgernn.train.backend import tf
from edgernn.train.feed import Feed
from edgernn.train.goal import Goal
from edgernn.train.learner import Learner
from edgernn.train.teacher import Teacher
from edgernn.train_sections import AugmentSection, TrainSection

SECTION = FileText(source="text", path="x.csv", text="t", label="l", steps=12, vocabulary=9)
WORDS = ("good", "bad", "dull", "fine", "plot", "star", "film", "tale", "well", "odd")


def sample(labels: tuple[str, ...] = ("no", "yes")) -> Splits:
    rng = np.random.default_rng(0)
    drawn = [" ".join(rng.choice(WORDS, rng.integers(4, 15))) for _ in range(120)]
    rows = [Text(text, labels[i % len(labels)], "", "") for i, text in enumerate(drawn)]
    return texts.split(rows, SECTION, 0)


@pytest.mark.parametrize("labels", [("no", "yes"), ("a", "b", "c")])
def test_it_says_what_scikit_learns_ridge_says(labels: tuple[str, ...]) -> None:
    """Of two classes the shares are the logistic function of a ridge on their log odds."""
    splits = sample(labels)
    train = splits.train
    features = TfidfVectorizer(sublinear_tf=True)
    rest = 0.05 / (len(labels) - 1)
    odds = np.where(np.eye(len(labels), dtype=bool)[train.y], np.log(0.95 / rest), 0)
    model = Ridge(1.5).fit(features.fit_transform(train.text), odds - odds.mean(axis=1, keepdims=True))
    scores = np.exp(model.predict(features.transform(["good good film", "odd tale"])))
    found = Teacher.of(splits).says([["good", "good", "film"], ["odd", "tale"]])
    np.testing.assert_allclose(found, scores / scores.sum(axis=1, keepdims=True), rtol=1e-4)


def test_made_texts_are_pieces_of_training_texts() -> None:
    splits = sample()
    teacher = Teacher.of(splits)
    made = teacher.make(50, np.random.default_rng(1))
    assert splits.vocabulary is not None
    triples = {
        tuple(splits.vocabulary.numbers.get(word, 0) for word in text[i : i + 3])
        for text in teacher.texts
        for i in range(len(text) - 2)
    }
    assert made.x.shape == (50, 12, 1)
    assert len({row.tobytes() for row in made.x}) > 45
    for row, length in zip(made.x[:, :, 0].astype(int).tolist(), made.lengths, strict=True):
        assert tuple(row[:3]) in triples
        assert not any(row[length:])
    np.testing.assert_allclose(made.shares.sum(axis=1), 1, rtol=1e-5)


def test_the_table_starts_with_what_words_say() -> None:
    """A word alone, of all known words, is judged as its number in the table."""
    splits = sample()
    teacher = Teacher.of(splits)
    assert splits.vocabulary is not None
    start = np.full((9, 3), 7, np.float32)
    table = teacher.table(start)
    says = teacher.says([[word] for word in splits.vocabulary.entries[1:]])
    assert table[0, 0] == 0
    assert table[1:, 0].argmax() == says[:, 0].argmax()
    assert table[:, 0].std() == pytest.approx(0.3, rel=1e-5)
    np.testing.assert_array_equal(table[:, 1:], start[:, 1:])


def test_a_batch_is_of_both_and_depends_on_its_number_alone() -> None:
    splits = sample()
    mean, std = np.zeros(1, np.float32), np.ones(1, np.float32)
    augmentation = Augmentation.of(AugmentSection(), splits.channels, std)
    goal = Goal.of("classify", splits.train)
    feed = Feed(splits.train, mean, std, goal, augmentation, 20, 3, 0.25, Teacher.of(splits), 0.75)
    first, again = (list(feed.epoch(epoch)) for epoch in (2, 2))
    assert feed.batches == len(first) == -(-len(splits.train) // 5)
    for one, other in zip(first, again, strict=True):
        for array, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, same)
        assert one.y.shape == (20, 2)
        assert (one.y[:5].max(axis=1) == 1).all()
        assert (one.y[5:].max(axis=1) < 1).all()
        assert one.lengths is not None
        assert one.x.shape[1] >= one.lengths.max()
    dropped = np.mean([(b.x[:5, :, 0] == 0)[np.arange(b.x.shape[1]) < b.lengths[:5, None]].mean() for b in first])  # type: ignore[index]
    known = np.mean(splits.train.frames() == 0)
    assert dropped == pytest.approx(known + 0.25 * (1 - known), abs=0.05)


def test_an_embedding_may_learn_more_slowly_than_the_rest() -> None:
    """A quarter of the step that it takes otherwise; all other weights take the same."""
    network = random_network(2, 1, [("embedding", {"entries": 9, "units": 3}), ("gru", 4)], 2, 6)
    x = tf.constant(random_frames(network, 5))
    moved = []
    for share in (1.0, 0.25):
        section = TrainSection(embedding_rate=share, dropout=0.0)
        learner = Learner(models.every_step_model(network), network, section, 0)
        before = [variable.numpy() for variable in learner.variables]
        found = learner.gradients(x, tf.constant([0, 1, 0, 1, 1]), tf.constant(0, tf.int64))
        learner.update(found.by_variable, found.norm, tf.constant(0.1), tf.constant(0.0))
        moved.append([variable.numpy() - old for variable, old in zip(learner.variables, before, strict=True)])
    np.testing.assert_allclose(moved[1][0], 0.25 * moved[0][0], rtol=1e-4, atol=1e-7)
    assert np.abs(moved[0][0]).max() > 0.05
    for one, other in zip(moved[0][1:], moved[1][1:], strict=True):
        np.testing.assert_array_equal(one, other)
