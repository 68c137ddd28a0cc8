"""Baselines on whole texts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from edgernn.baselines.problem import Problem
from edgernn.datasets.sections import TextData
from edgernn.features import tokens

STRENGTHS = np.logspace(-1, 2, 7)  # of the inverse penalty, C
FOLDS = 5


def tfidf_logistic(problem: Problem) -> np.ndarray:
    """Logistic regression on the tf-idf of words and pairs of words, its penalty by cross-validation.

    It reads the words as the network does, but whole texts and all words and pairs of them.
    """
    test = problem.splits.test.text
    assert test is not None
    return model(problem).fit(problem.text, problem.y).predict_proba(test)


def model(problem: Problem) -> Any:
    """The untrained baseline: a pipeline that reads texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    assert isinstance(problem.data, TextData)
    features = TfidfVectorizer(
        tokenizer=partial(tokens.split, kind=problem.data.tokens),
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        sublinear_tf=True,
    )
    least = int(np.bincount(problem.y).min())
    folds = min(FOLDS, least)
    whole = make_pipeline(features, LogisticRegression(max_iter=1000))
    return GridSearchCV(whole, {"logisticregression__C": STRENGTHS}, cv=folds) if folds > 1 else whole
