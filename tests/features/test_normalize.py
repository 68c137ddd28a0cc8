"""Normalising against scikit-learn's StandardScaler."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from edgernn.features import normalize


def test_constants_and_result_equal_standard_scaler() -> None:
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((50, 20, 4)) * [1, 10, 0.01, 100] + [0, 5, -1, 1000]).astype(np.float32)
    scaler = StandardScaler().fit(x.reshape(-1, 4).astype(np.float64))
    mean, std = normalize.fit(x)
    assert mean.dtype == std.dtype == np.float32
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(std, scaler.scale_, rtol=1e-6)
    applied = normalize.apply(x, mean, std)
    assert applied.dtype == np.float32
    # float32 keeps about 7 digits of values near 1000 whose deviation is 100.
    np.testing.assert_allclose(applied.reshape(-1, 4), scaler.transform(x.reshape(-1, 4)), atol=2e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7, 1e-30])
def test_a_constant_channel_becomes_zero(value: float) -> None:
    x = np.full((3, 5, 1), value, np.float32)
    mean, std = normalize.fit(x)
    assert std == [1]
    np.testing.assert_allclose(normalize.apply(x, mean, std), 0, atol=abs(value) * 1e-6)


def test_identity_changes_nothing() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(normalize.apply(x, *normalize.identity(4)), x)
