"""Splits of texts: nothing of one split in another, and words from the training texts alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from edgernn import datasets
from edgernn.datasets import catalog, splits, texts
from edgernn.datasets.sections import CatalogText, FileText
from edgernn.datasets.splits import LeftOut, Splits
from edgernn.datasets.texts import Text
from edgernn.errors import InputError
from edgernn.features import tokens

WORDS = ("good", "bad", "dull", "fine", "plot")


def section(**changes: object) -> FileText:
    keys = {"source": "text", "path": "x.csv", "text": "t", "label": "l", "steps": 4}
    return FileText.model_validate({**keys, **changes})


def sample(count: int, seed: int = 0) -> list[Text]:
    """Texts of one to six words, of which some are the same, with two labels in turn."""
    rng = np.random.default_rng(seed)
    drawn = [" ".join(rng.choice(WORDS, rng.integers(1, 7))) for _ in range(count)]
    return [Text(text, ("no", "yes")[i % 2], "", f"row {i}") for i, text in enumerate(drawn)]


def parts(found: Splits) -> dict[str, splits.Split]:
    return {name: getattr(found, name) for name in ("train", "validation", "test")}


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_no_text_is_in_two_splits(seed: int, draw: int) -> None:
    found = texts.split(sample(90, seed), section(split={"seed": draw}), 0)
    seen = {name: {tuple(tokens.split(t, "words")) for t in part.text} for name, part in parts(found).items()}  # type: ignore[union-attr]
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]
    assert not seen["validation"] & seen["test"]
    assert sum(map(len, parts(found).values())) == 90


def test_shares_are_kept_label_by_label_and_the_seed_of_a_build_changes_no_split() -> None:
    rows = [Text(f"w{i}", "no" if i < 600 else "yes", "", "") for i in range(1000)]
    found, other = (texts.split(rows, section(split={"test": 0.2, "validation": 0.1}), seed) for seed in (0, 1))
    assert [np.bincount(part.y).tolist() for part in parts(found).values()] == [[420, 280], [60, 40], [120, 80]]
    assert other.test.text is not None
    np.testing.assert_array_equal(found.test.text, other.test.text)
    assert Counter(np.unique(found.calibration.text).tolist()).keys() <= set(found.train.text)  # type: ignore[arg-type]


@given(st.integers(0, 1000))
def test_groups_and_equal_texts_stay_together_however_they_are_linked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [Text(f"word{rng.integers(150)}", ("no", "yes")[i % 2], f"g{rng.integers(150)}", "") for i in range(120)]
    try:
        found = texts.split(rows, section(), 0)
    except InputError:  # one large cluster may leave a split without a class
        reject()
    for key in ("group", "text"):
        train, validation, test = (set(getattr(part, key)) for part in parts(found).values())
        assert len(train | validation | test) == len(train) + len(validation) + len(test)


def test_the_vocabulary_is_of_the_training_texts_alone() -> None:
    rows = [Text(f"own{i} both", ("no", "yes")[i % 2], "", "") for i in range(60)]
    found = texts.split(rows, section(vocabulary=1000), 0)
    assert found.vocabulary is not None
    assert found.train.text is not None
    assert set(found.vocabulary.entries) == {"<unk>", "both", *(t.split()[0] for t in found.train.text)}
    assert set(found.test.x[:, 0].ravel()) == {0}  # their own word is unknown
    assert set(found.test.x[:, 1].ravel()) == {1}


@pytest.mark.parametrize("keep", ["start", "end"])
def test_a_text_is_cut_at_one_end_and_padded_behind_its_own(keep: str) -> None:
    rows = [Text(" ".join("uvwxyz"[: 6 - i % 6]), ("no", "yes")[i // 6 % 2], f"{i}", "") for i in range(12)]
    rows += [
        Text(f"{word} {i}", ("no", "yes")[i % 2], "", "") for i, word in enumerate("uuuuuuvvvvvwwwwxxxyyz" * 3)
    ]
    found = texts.split(rows, section(keep=keep, vocabulary=7), 0)
    assert found.vocabulary is not None
    for part in parts(found).values():
        assert part.lengths is not None
        assert part.text is not None
        for x, length, text in zip(part.x[:, :, 0], part.lengths, part.text, strict=True):
            assert not x[length:].any()
            assert length == min(4, len(text.split()))
            whole = [found.vocabulary.numbers.get(word, 0) for word in text.split()]
            assert x[:length].tolist() == (whole[:4] if keep == "start" else whole[-4:])


FAULTS = {
    "one class": ([Text("a", "no", "", f"row {i}") for i in range(9)], "one class only (no)"),
    "few": (
        [Text(f"w{i}", "yes" if i < 2 else "no", "", f"row {i}") for i in range(9)],
        "row 0: the label yes has 2 of the 3 texts that it needs",
    ),
    "no word": ([Text("...", "no", "", "row 7")], "row 7: the text has no word; mend it, or leave such texts out"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_in_one_line(fault: str) -> None:
    rows, message = FAULTS[fault]
    with pytest.raises(InputError) as caught:
        texts.split(rows, section(), 0)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_texts_without_a_word_can_be_left_out() -> None:
    rows = [*sample(60), Text("...", "no", "", "row 60")]
    found = texts.split(rows, section(empty="skip"), 0)
    assert sum(map(len, parts(found).values())) == 60
    longer = sum(len(one.text.split()) > 4 for one in rows)
    assert found.left_out == (
        LeftOut(1, "texts", "no word"),
        LeftOut(longer, "texts", "more than 4 words", cut=True),
    )
    assert texts.split(rows[:60], section(steps=6), 0).left_out == ()
    with pytest.raises(InputError, match="no text has a word"):
        texts.split(rows[-1:], section(empty="skip"), 0)


def test_splits_of_texts_come_back_from_disk(tmp_path: Path) -> None:
    rows = [Text(t.text, t.label, "", "", {"no": 0.25, "yes": 0.75}) for t in sample(60)]
    found = texts.split(rows, section(keep="end"), 0)
    splits.save(found, tmp_path / "s.npz")
    loaded = splits.load(tmp_path / "s.npz")
    assert loaded.vocabulary == found.vocabulary
    for part, other in zip(parts(found).values(), parts(loaded).values(), strict=True):
        for key in ("x", "y", "lengths", "text", "shares"):
            np.testing.assert_array_equal(getattr(part, key), getattr(other, key))
    np.testing.assert_array_equal(found.test.shares, [[0.25, 0.75]] * len(found.test))


@pytest.mark.skipif(
    not catalog.cached_path(catalog.CATALOG["movie_reviews"]).is_file(), reason="the reviews are not downloaded"
)
def test_film_reviews() -> None:
    found = datasets.load(CatalogText(source="movie_reviews"), Path(), 0)
    assert found.labels == ("negative", "positive")
    assert sum(map(len, parts(found).values())) == 10_568  # 37 of 10,605 have the mean 0
    for part in parts(found).values():
        assert part.shares is not None
        np.testing.assert_array_equal(part.shares.argmax(axis=1), part.y)
    assert not set(found.train.text) & set(found.test.text)  # type: ignore[arg-type]
