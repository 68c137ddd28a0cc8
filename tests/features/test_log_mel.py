from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.features import log_mel
from edgernn.features.log_mel import FFT_SIZES, FLOOR, LogMel

RATE_HZ = 16000
STEP = 2.0**-10  # of a feature
NEAR = 24.0  # log2 units below the frame's strongest band, 72 dB
MEAN_BOUND, MOST_BOUND = 0.001, 0.05  # what the module's description states


def voice(seed: int, seconds: float = 2.0) -> np.ndarray:
    """Like speech, at most 1: harmonics of a pitch that moves, falling by 7 dB an octave, and hisses in turn."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = rng.uniform(80, 250) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(1, 4) * t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    harmonics = range(1, int(0.45 * RATE_HZ / pitch.max()))
    voiced = sum(np.sin(h * phase + rng.uniform(0, 6)) / h**1.2 for h in harmonics)
    hiss = np.diff(rng.normal(size=t.size), prepend=0) * 0.1
    turn = np.sin(2 * np.pi * rng.uniform(1, 3) * t)
    x = voiced * np.sqrt(np.maximum(turn, 0)) + hiss * np.maximum(-turn, 0) + 1e-3 * rng.normal(size=t.size)
    return x / np.abs(x).max()


def pcm(x: np.ndarray, decibels: float = 0.0) -> np.ndarray:
    return np.rint(x * 32767 * 10 ** (decibels / 20)).astype(np.int16)


def htk_triangles(mel: LogMel) -> np.ndarray:
    """Bin by bin, as the HTK book has them."""

    def scale(hertz: float) -> float:
        return 2595 * np.log10(1 + hertz / 700)

    low, high = scale(mel.low_hz), scale(mel.high_hz)
    edges = [low + (high - low) * i / (mel.mels + 1) for i in range(mel.mels + 2)]
    weights = np.zeros((mel.mels, mel.fft // 2 + 1))
    for m in range(mel.mels):
        for k in range(mel.fft // 2 + 1):
            at = scale(k * mel.rate_hz / mel.fft)
            if edges[m] < at <= edges[m + 1]:
                weights[m, k] = (at - edges[m]) / (edges[m + 1] - edges[m])
            elif edges[m + 1] < at < edges[m + 2]:
                weights[m, k] = (edges[m + 2] - at) / (edges[m + 2] - edges[m + 1])
    return weights


@pytest.mark.parametrize("mel", [LogMel(), LogMel(8000, 200, 80, 256, 20, 0, 4000)])
def test_the_float_formula_is_that_of_others(mel: LogMel) -> None:
    signal = pytest.importorskip("scipy.signal")
    x = pcm(voice(0))
    hann = signal.get_window("hann", mel.frame, fftbins=True)
    starts = range(0, len(x) - mel.frame + 1, mel.hop)
    spectra = np.array([np.fft.fft(x[i : i + mel.frame] / 32768 * hann, mel.fft) for i in starts])
    energy = (np.abs(spectra[:, : mel.fft // 2 + 1]) ** 2) @ htk_triangles(mel).T
    np.testing.assert_allclose(mel.float_features(x), np.maximum(np.log2(energy), FLOOR), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("mel", [LogMel(), LogMel(mels=64, fft=1024, frame=640), LogMel(high_hz=8000, low_hz=0)])
def test_triangles_are_those_of_tensorflow(mel: LogMel) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    found = tensorflow.signal.linear_to_mel_weight_matrix(
        mel.mels, mel.fft // 2 + 1, mel.rate_hz, mel.low_hz, mel.high_hz, tensorflow.float64
    )
    np.testing.assert_allclose(mel.triangles, found.numpy().T, atol=1e-4)  # whose scale has 1127 for 1126.99


@pytest.mark.parametrize("decibels", [0, -20, -40, -50, -60])
@pytest.mark.parametrize("hop", [160, 320])
def test_integers_are_near_the_formula_at_every_loudness(decibels: float, hop: int) -> None:
    mel = LogMel(hop=hop)
    x = np.stack([pcm(voice(seed), decibels) for seed in range(5)])
    real, found = mel.float_features(x), mel.features(x) * STEP
    told = (real > FLOOR) & (real > real.max(axis=-1, keepdims=True) - NEAR)
    difference = np.abs(found - real)[told]
    assert told.mean() > 0.8
    assert difference.mean() < MEAN_BOUND
    assert difference.max() < MOST_BOUND


@pytest.mark.parametrize(
    "mel",
    [
        LogMel(8000, 64, 32, 64, 8, 100, 3900),
        LogMel(8000, 100, 50, 128, 12, 100, 3900),
        LogMel(8000, 200, 80, 256, 20, 20, 4000),
        LogMel(16000, 640, 320, 1024, 80, 20, 8000),
    ],
    ids=lambda mel: str(mel.fft),
)
@pytest.mark.parametrize("decibels", [0, -40])
def test_integers_are_near_the_formula_at_every_size(mel: LogMel, decibels: float) -> None:
    rng = np.random.default_rng(1)
    for x in (voice(1), np.clip(rng.normal(size=RATE_HZ) / 4, -1, 1)):
        real, found = mel.float_features(pcm(x, decibels)), mel.features(pcm(x, decibels)) * STEP
        told = (real > FLOOR) & (real > real.max(axis=-1, keepdims=True) - NEAR)
        assert np.abs(found - real)[told].mean() < MEAN_BOUND
        assert np.abs(found - real)[told].max() < MOST_BOUND


@pytest.mark.parametrize("name", ["square", "sine"])
def test_full_scale_is_near_the_formula(name: str) -> None:
    """What a sine has far from its own band is the rounding of the window, which is why NEAR ends there."""
    sine = np.sin(2 * np.pi * 1000.3 * np.arange(RATE_HZ) / RATE_HZ)
    x = np.where(sine > 0, 32767, -32768).astype(np.int16) if name == "square" else pcm(sine)
    real, found = LogMel().float_features(x), LogMel().features(x) * STEP
    told = real > real.max(axis=-1, keepdims=True) - NEAR
    assert np.abs(found - real)[told].max() < MOST_BOUND
    assert (found[~told] < (real.max() - NEAR + 1)).all()
    assert 13 < real.max() < 15


def test_silence_is_the_floor() -> None:
    assert (LogMel().features(np.zeros(1000, np.int16)) == FLOOR / STEP).all()


@pytest.mark.parametrize("fft", FFT_SIZES)
def test_the_integer_fft_is_the_fft(fft: int) -> None:
    """Against numpy.fft, with the same rounded twiddles' error: 2**-15 of the root mean square, and some units."""
    rng = np.random.default_rng(fft)
    x = rng.integers(-(2**30) + 1, 2**30, (20, fft))
    re, im = log_mel.real_fft(x, LogMel(frame=fft, fft=fft, mels=1, hop=1).twiddles)
    exact = np.fft.rfft(x)[:, : fft // 2] / fft
    assert np.abs(re + 1j * im - exact).max() < 2.0**30 / np.sqrt(fft) * 2.0**-14 + 8


@pytest.mark.parametrize("fft", FFT_SIZES)
def test_no_value_of_the_fft_leaves_32_bits(fft: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor any sum and product in it: signals at both ends, such that all energy is in one bin."""
    largest, product = [0], log_mel._half_product

    def watched(re: np.ndarray, im: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = product(re, im, w)
        largest[0] = max(largest[0], *(int(np.abs(part).max()) for part in (re, im, *found)))
        return found

    monkeypatch.setattr(log_mel, "_half_product", watched)
    n = np.arange(fft)
    waves = [
        np.sign(np.cos(2 * np.pi * (k * n / fft + p / 8) + 1e-9)) for k in range(fft // 2 + 1) for p in range(4)
    ]
    x = (np.array(waves) * (2**30 - 1)).astype(np.int64)
    re, im = log_mel.real_fft(x, LogMel(frame=fft, fft=fft, mels=1, hop=1).twiddles)
    assert max(largest[0], int(np.abs(re).max()), int(np.abs(im).max())) < 2**31
    power = (re * re + im * im) >> log_mel.POWER_BITS
    assert (power[:, 1:].sum(axis=-1) < 2**48).all()


def test_log2_is_the_logarithm() -> None:
    near = np.array([2**k + d for k in range(64) for d in (-1, 0, 1) if 0 < 2**k + d < 2**64], np.uint64)
    x = np.concatenate(
        [near, np.arange(1, 70000, dtype=np.uint64), np.uint64(3) ** np.arange(1, 40, dtype=np.uint64)]
    )
    real = np.log2(x.astype(np.longdouble)).astype(np.float64)
    assert np.abs(log_mel.log2(x) / 2.0**15 - real).max() < 2.5e-4  # 1/32 squared, / 8 / log(2), and two roundings


@given(st.integers(0, 3000), st.integers(1, 400))
def test_frames_are_those_that_are_whole(samples: int, hop: int) -> None:
    mel = LogMel(hop=hop, mels=10)
    expected = len([t for t in range(samples) if t * hop + mel.frame <= samples])
    assert mel.frames(samples) == expected
    for features in (mel.features, mel.float_features):
        assert features(np.zeros(samples, np.int16)).shape == (expected, 10)


def test_a_frame_reads_its_own_samples_only() -> None:
    mel, x = LogMel(), pcm(voice(3))
    whole = mel.features(x)
    for t in (0, 1, 17, len(whole) - 1):
        np.testing.assert_array_equal(mel.features(x[t * mel.hop : t * mel.hop + mel.frame])[0], whole[t])


def test_recordings_may_lie_in_any_array() -> None:
    mel = LogMel()
    x = pcm(np.stack([voice(seed, 0.5) for seed in range(4)]))
    found = mel.features(x.reshape(2, 2, -1))
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found.reshape(4, -1, 40), np.stack([mel.features(one) for one in x]))


def test_every_bin_is_shared_by_two_triangles() -> None:
    """The tables are the triangles: rising weights, and the rest for the triangle before."""
    for mel in (LogMel(), LogMel(fft=1024, mels=80, low_hz=0, high_hz=8000), LogMel(mels=1)):
        found = np.zeros((mel.mels + 2, mel.fft // 2 + 1))
        bins = np.arange(mel.first, mel.first + mel.counts.sum())
        rising = np.repeat(np.arange(mel.mels + 1), mel.counts)
        found[rising + 1, bins] = mel.weights / 2**15
        found[rising, bins] = 1 - mel.weights / 2**15
        np.testing.assert_allclose(found[1:-1], mel.triangles, atol=2.0**-16 + 1e-12)
        assert mel.first >= 1
        assert bins[-1] < mel.fft // 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fft": 500}, "fft: 500 is none of 64, 128, 256, 512, 1024"),
        ({"fft": 2048}, "fft: 2048 is none of"),
        ({"frame": 513}, "frame: 513 samples are not from 2 to the 512 of the FFT"),
        ({"frame": 1, "hop": 1}, "frame: 1 samples"),
        ({"hop": 0}, "hop: 0 samples are not from 1 to the 400 of a frame"),
        ({"hop": 401}, "hop: 401 samples"),
        ({"high_hz": 8001.0}, "20 to 8001 Hz is no range within 0 to half of rate_hz, 8000 Hz"),
        ({"low_hz": 7600.0}, "7600 to 7600 Hz is no range"),
        ({"low_hz": -1.0}, "-1 to 7600 Hz is no range"),
        ({"high_hz": float("nan")}, "20 to nan Hz is no range"),
        ({"rate_hz": 0}, "is no range"),
        ({"mels": 0}, "mels: 0 bands are too few"),
        ({"mels": 128}, r"mels: band \d+ of 128, \d+ to \d+ Hz, lies between two bins of the FFT; take fewer"),
    ],
)
def test_what_cannot_be_is_told(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogMel(**options)  # type: ignore[arg-type]


def test_samples_of_another_type_are_told() -> None:
    with pytest.raises(ValueError, match=r"samples are int16 \[..., samples\], not float64 \[800\]"):
        LogMel().features(np.zeros(800))
