"""The baseline on texts, against scikit-learn put together here."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from edgernn import baselines
from edgernn.baselines import text as methods
from edgernn.baselines.problem import Problem
from edgernn.datasets import texts
from edgernn.datasets.sections import FileText, NpzData
from edgernn.datasets.texts import Text
from edgernn.metric import METRICS

SECTION = FileText(source="text", path="x.csv", text="t", label="l")
GOOD, BAD, OTHER = ("fine", "good", "warm"), ("bad", "dull", "cold"), ("plot", "it's", "a", "film", "star", "not")


def problem() -> Problem:
    """Texts of which one word in three says the label, four times out of five."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(240):
        own = (GOOD, BAD)[(i % 2) ^ int(rng.random() < 0.2)]
        words = [str(rng.choice(own if rng.random() < 0.34 else OTHER)) for _ in range(6)]
        rows.append(Text(" ".join(words), ("good", "bad")[i % 2], "", ""))
    return Problem(texts.split(rows, SECTION, 0), SECTION, 0)


def test_it_is_scikit_learns_on_train_and_validation() -> None:
    """In these texts a plain pattern finds the same words; the best penalty is looked for by hand."""
    given = problem()
    assert given.splits.test.text is not None
    features = TfidfVectorizer(token_pattern=r"[a-z']+", ngram_range=(1, 2), sublinear_tf=True)
    x = features.fit_transform(given.text)
    scores = [
        cross_val_score(LogisticRegression(C=c, max_iter=1000), x, given.y, cv=methods.FOLDS).mean()
        for c in methods.STRENGTHS
    ]
    best = LogisticRegression(C=methods.STRENGTHS[int(np.argmax(scores))], max_iter=1000).fit(x, given.y)

    found = methods.tfidf_logistic(given)

    np.testing.assert_allclose(found, best.predict_proba(features.transform(given.splits.test.text)), rtol=1e-5)
    assert 0.6 < np.mean(found.argmax(axis=1) == given.splits.test.y) < 1


def test_it_is_the_default_of_texts_and_of_nothing_else() -> None:
    assert baselines.baselines_of(SECTION) == ["tfidf_logistic", "majority"]
    assert "tfidf_logistic" not in baselines.baselines_of(NpzData(source="npz", path="x.npz"))
    (found,) = baselines.evaluate(["tfidf_logistic"], problem().splits, SECTION, METRICS["accuracy"], 0)
    assert found.name == "tfidf_logistic"
