"""Baselines on whole texts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.sections import TextData
from edgernn.features import tokens

STRENGTHS = np.logspace(0, 2, 5)  # of the inverse penalty, C
FOLDS = 3


def tfidf_logistic(problem: Problem) -> np.ndarray:
    """Logistic regression on the tf-idf of words and pairs of words, its penalty by cross-validation.

    It reads the words as the network does, but whole texts and all words and pairs of them.
    """
    test = problem.splits.test.text
    assert test is not None
    features = vectorizer(problem)
    found = classifier(problem).fit(features.fit_transform(problem.text), problem.y)
    return found.predict_proba(features.transform(test))


def vectorizer(problem: Problem) -> Any:
    """Texts to rows of tf-idf."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    assert isinstance(problem.data, TextData)
    return TfidfVectorizer(
        tokenizer=partial(tokens.split, kind=problem.data.tokens),
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        sublinear_tf=True,
    )


def classifier(problem: Problem) -> Any:
    """What is fitted to the rows: folds hold every class, where there are texts enough."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    folds = min(FOLDS, int(np.bincount(problem.y).min()))
    plain = LogisticRegression(max_iter=1000)
    return GridSearchCV(plain, {"C": STRENGTHS}, cv=folds) if folds > 1 else plain
