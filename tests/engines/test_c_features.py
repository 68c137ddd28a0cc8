from __future__ import annotations

import numpy as np
import pytest

from edgernn.engines import c_features
from edgernn.features.log_mel import LogMel


@pytest.mark.parametrize("mel", [LogMel(), LogMel(hop=320), LogMel(8000, 200, 80, 256, 20, 60, 3800)])
def test_c_and_the_definition_give_the_same_bits(mel: LogMel) -> None:
    rng = np.random.default_rng(0)
    pcm = np.stack([rng.integers(-(2**bits), 2**bits, 3000) for bits in (1, 6, 15)]).astype(np.int16)
    assert c_features._kernel() is not None
    np.testing.assert_array_equal(c_features.log_mel(mel, pcm), mel.features(pcm))


def test_without_a_compiler_numpy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_features, "_kernel", lambda: None)
    pcm = np.zeros((2, 1000), np.int16)
    np.testing.assert_array_equal(c_features.log_mel(LogMel(), pcm), LogMel().features(pcm))
