"""Counts of sequences: probabilities that add up, formulas by hand, and more context where it helps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn import baselines
from edgernn.baselines import ngrams
from edgernn.datasets import parallel_text, running_text
from edgernn.datasets.parallel_text import Pair
from edgernn.datasets.parallel_text_sections import FileParallelText
from edgernn.datasets.running_text import Work
from edgernn.datasets.running_text_sections import FileRunningText
from edgernn.datasets.sections import DataSection
from edgernn.datasets.splits import Split, Splits
from edgernn.metric import METRICS

SECTION = FileRunningText(source="running_text", path="x.txt", steps=20, test_windows=10)


def split_of(text: str) -> Splits:
    return running_text.split([Work("A", text)], SECTION, 0)


@settings(max_examples=100)
@given(st.data())
def test_probabilities_add_up_to_one_after_any_history(data: st.DataObject) -> None:
    """Known or not, whole or beginning; none is 0, so that nothing costs infinitely many bits."""
    classes, length = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 6))
    token = st.integers(0, classes - 1)
    sequences = data.draw(st.lists(st.lists(token, min_size=1, max_size=60), min_size=1, max_size=4))
    model = ngrams.fit([np.array(one) for one in sequences], length, classes)
    history = np.array(
        data.draw(st.lists(st.lists(st.integers(-1, classes - 1), min_size=7, max_size=7), min_size=1))
    )
    found = model.probabilities(history[:, : length - 1])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    assert (found > 0).all()


def test_the_formula_by_hand() -> None:
    """Pairs of a a b a b: too few counts to tell discounts, which are then a half."""
    model = ngrams.fit([np.array([1, 1, 2, 1, 2])], 2, 3)
    before = {1: 2, 2: 1}  # different tokens in front: a after a and b, b after a
    single = {token: (count - 0.5) / 3 for token, count in before.items()}
    spare = (0.5 + 0.5) / 3
    alone = np.array([spare / 3, single[1] + spare / 3, single[2] + spare / 3])
    np.testing.assert_allclose(model.probabilities(np.array([[-1]])), [alone])
    after_a = np.array([0, (1 - 0.5) / 3, (2 - 0.5) / 3]) + (0.5 + 0.5) / 3 * alone
    after_b = np.array([0, 1 - 0.5, 0]) + 0.5 * alone
    np.testing.assert_allclose(model.probabilities(np.array([[1], [2], [0]])), [after_a, after_b, alone])


def test_discounts_are_those_of_chen_and_goodman() -> None:
    count = np.repeat([1, 2, 3, 4, 9], [80, 30, 15, 8, 5])
    share = 80 / (80 + 2 * 30)
    wanted = [1 - 2 * share * 30 / 80, 2 - 3 * share * 15 / 30, 3 - 4 * share * 8 / 15]
    np.testing.assert_allclose(ngrams._discounts(count), wanted)


def test_a_history_is_what_the_window_showed() -> None:
    split = Split(np.arange(6, dtype=np.float32).reshape(2, 3, 1), np.zeros((2, 3), np.int64), np.array(["", ""]))
    wanted = [[-1, 0], [0, 1], [1, 2], [-1, 3], [3, 4], [4, 5]]
    assert ngrams.histories(split, 2).tolist() == wanted
    assert ngrams.histories(split, 0).shape == (6, 0)


def test_outputs_are_logarithms_that_a_softmax_leaves_as_they_are() -> None:
    splits = split_of("the cat sat on the mat. " * 60)
    found = ngrams.kneser_ney(baselines.Problem(splits, SECTION, 0))
    assert found.shape == (*splits.test.y.shape, len(splits.labels))
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1)


def bits(splits: Splits, section: DataSection = SECTION) -> float:
    (found,) = baselines.evaluate(["kneser_ney"], splits, section, METRICS["bits_per_character"], 0)
    return found.value


def test_what_repeats_costs_little_and_noise_its_entropy() -> None:
    rng = np.random.default_rng(0)
    noise = "".join(rng.choice(list("abcd"), 20_000))
    assert bits(split_of(noise)) == pytest.approx(2, abs=0.02)
    assert bits(split_of("abcdefgh" * 1000)) < 0.35  # a window's first characters have no history


def test_a_longer_history_is_taken_where_validation_says_so() -> None:
    """Every third character is told by the two before it, and by neither alone."""
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, 2, (8000, 2))
    text = "".join(f"{a}{b}{a ^ b}" for a, b in pairs)
    splits = split_of(text)
    own = ngrams.counted(splits.train)
    losses = [ngrams._loss(ngrams.fit(own, n, len(splits.labels)), splits.validation) for n in (1, 6)]
    assert losses[1] < losses[0] - 0.1
    assert bits(splits) * np.log(2) < losses[0] - 0.1


@pytest.mark.parametrize(("classes", "length"), [(2, 8), (84, 8), (300, 7), (32_767, 4)])
def test_sequences_are_as_long_as_their_codes_fit(classes: int, length: int) -> None:
    assert ngrams.longest(classes) == length
    assert classes**length < 2**63


def test_pairs_are_counted_to_their_end_and_asked_from_their_mark() -> None:
    """What a word becomes follows from its last letter; the padding behind a pair is in no count."""
    keys = {"source": "parallel_text", "path": "x.csv", "text": "a", "becomes": "b", "steps": 8}
    section = FileParallelText.model_validate(keys)
    words = [a * n + b for a in "abc" for n in range(1, 5) for b in "xyz"]
    splits = parallel_text.split([Pair(word, word[-1].upper(), word) for word in words], section, 0)
    sequences = ngrams.counted(splits.train)
    mark, end = splits.labels.index("<to>"), splits.labels.index("<end>")
    assert all((one == mark).sum() == 1 and one[-1] == end and 0 not in one for one in sequences)
    assert splits.train.lengths is not None
    assert [len(one) for one in sequences] == [length + 1 for length in splits.train.lengths]
    assert bits(splits, section) < 0.3
