"""Log-mel energies of audio, frame by frame, in integers: the definition, which the C runtime repeats bit for bit.

A frame of int16 samples becomes, for every mel band m,

    log2( sum over k of triangle[m][k] * |X[k]|**2 ),    X = FFT(Hann window * samples / 2**15)

as int16 in Q5.10: a step is 2**-10, a full scale sine is 13.5, and nothing is below FLOOR, -24.0, which is what
noise of one step of the samples has in one bin. Triangles are those of HTK: linear in mel, 1 at their centre.

The integers: samples are shifted up by the frame's headroom, so that quiet speech keeps its precision; the FFT has
32-bit data and 16-bit twiddles, and is scaled by half with every factor of two; powers and their sums have 64
bits; the logarithm is a table of 33 values.

`float_features` is the formula itself, in float64. From 0 to 60 dB below full scale, speech differs from it by less
than 0.001 on average and by less than 0.05 at most, in bands above FLOOR and less than 24 (72 dB) below the
strongest of their frame; farther below it, the window's rounding shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgernn import fixed_point

FRACTION_BITS = 10  # of a feature
FLOOR = -24.0  # of a feature, in log2 units
FFT_SIZES = (64, 128, 256, 512, 1024)
LOG2_BITS = 5  # the table of log2 has 2**5 intervals
POWER_BITS = 12  # taken off a bin's power, so that all powers times 2**15 stay below 2**64

_ONE = 2**15  # 1.0 of window, twiddles, weights and log2


@dataclass(frozen=True)
class LogMel:
    """Frames of `frame` samples that begin `hop` samples apart, as `mels` bands from `low_hz` to `high_hz`.

    Frame t reads the samples t * hop .. t * hop + frame - 1. Raises ValueError, in one line, for what cannot be.
    """

    rate_hz: int = 16000
    frame: int = 400
    hop: int = 160
    fft: int = 512
    mels: int = 40
    low_hz: float = 20.0
    high_hz: float = 7600.0

    def __post_init__(self) -> None:
        if self.fft not in FFT_SIZES:
            raise ValueError(f"fft: {self.fft} is none of {', '.join(map(str, FFT_SIZES))}")
        if not 2 <= self.frame <= self.fft:
            raise ValueError(f"frame: {self.frame} samples are not from 2 to the {self.fft} of the FFT")
        if not 1 <= self.hop <= self.frame:
            raise ValueError(f"hop: {self.hop} samples are not from 1 to the {self.frame} of a frame")
        if not (self.rate_hz > 0 and 0 <= self.low_hz < self.high_hz <= self.rate_hz / 2):
            raise ValueError(
                f"low_hz, high_hz: {self.low_hz:g} to {self.high_hz:g} Hz is no range within 0 to half of rate_hz, "
                f"{self.rate_hz / 2:g} Hz"
            )
        if self.mels < 1:
            raise ValueError(f"mels: {self.mels} bands are too few")
        self._check_triangles()

    def _check_triangles(self) -> None:
        for m in np.flatnonzero(~self.triangles.any(axis=1)):
            low, high = _hertz(self.edges[m]), _hertz(self.edges[m + 2])
            raise ValueError(
                f"mels: band {m} of {self.mels}, {low:.0f} to {high:.0f} Hz, lies between two bins of the FFT; "
                "take fewer bands or a larger fft"
            )

    def frames(self, samples: int) -> int:
        """How many frames so many samples give: 1 + (samples - frame) // hop, or 0 for less than a frame."""
        return max(0, 1 + (samples - self.frame) // self.hop)

    @cached_property
    def edges(self) -> np.ndarray:
        """Where triangles begin, peak and end, in mel [mels + 2]."""
        return np.linspace(_mel(self.low_hz), _mel(self.high_hz), self.mels + 2)

    @cached_property
    def bins(self) -> np.ndarray:
        """Where the FFT's bins 0 .. fft / 2 lie, in mel."""
        return _mel(np.arange(self.fft // 2 + 1) * (self.rate_hz / self.fft))

    @cached_property
    def triangles(self) -> np.ndarray:
        """The weights of the bins, float64 [mels, fft / 2 + 1]."""
        low, centre, high = self.edges[:-2, None], self.edges[1:-1, None], self.edges[2:, None]
        rising, falling = (self.bins - low) / (centre - low), (high - self.bins) / (high - centre)
        return np.maximum(0, np.minimum(rising, falling))

    @cached_property
    def window(self) -> np.ndarray:
        """The periodic Hann window, Q0.15 [frame]."""
        return np.minimum(_q15(_hann(self.frame)), _ONE - 1)

    @cached_property
    def twiddles(self) -> np.ndarray:
        """exp(-2j * pi * i / fft) in Q0.15, [3 * fft / 4, 2]; the 1 of the first one is 2**15 here."""
        angle = 2 * np.pi * np.arange(3 * self.fft // 4) / self.fft
        return np.stack([_q15(np.cos(angle)), _q15(-np.sin(angle))], axis=1)

    @cached_property
    def first(self) -> int:
        """The lowest bin in a triangle."""
        return int(self._inside[0])

    @cached_property
    def counts(self) -> np.ndarray:
        """How many bins lie between two edges, from the lowest up, [mels + 1]; of two neighbours the upper has a
        bin that lies on the edge. Between two edges one triangle rises and the one before falls, by the same."""
        return np.bincount(self._intervals, minlength=self.mels + 1)

    @cached_property
    def weights(self) -> np.ndarray:
        """What the rising triangle takes of each bin from `first` on, Q1.15; the falling one takes the rest."""
        low, high = self.edges[self._intervals], self.edges[self._intervals + 1]
        return _q15((self.bins[self._inside] - low) / (high - low))

    @cached_property
    def _inside(self) -> np.ndarray:
        """The bins between the lowest and the highest edge; 0 Hz and half the rate are not among them."""
        return np.flatnonzero((self.bins > self.edges[0]) & (self.bins < self.edges[-1]))

    @cached_property
    def _intervals(self) -> np.ndarray:
        """Of each bin inside, the edge at or below it."""
        return np.searchsorted(self.edges, self.bins[self._inside], side="right") - 1

    def features(self, pcm: np.ndarray) -> np.ndarray:
        """int16 [..., samples] to int16 [..., frames, mels], Q5.10. Raises ValueError for other samples."""
        x = self._framed(pcm).astype(np.int64)
        headroom = 15 - _bit_length(np.bitwise_or.reduce(x ^ (x >> 15), axis=-1))
        padding = [(0, 0)] * (x.ndim - 1) + [(0, self.fft - self.frame)]
        windowed = np.pad((x * self.window) << headroom[..., None], padding)
        re, im = real_fft(windowed, self.twiddles)
        return self._logarithms(self._energies((re * re + im * im) >> POWER_BITS), headroom)

    def _framed(self, pcm: np.ndarray) -> np.ndarray:
        """[..., frames, frame], a view."""
        if pcm.dtype != np.int16 or pcm.ndim == 0:
            raise ValueError(f"samples are int16 [..., samples], not {pcm.dtype} {list(pcm.shape)}")
        if pcm.shape[-1] < self.frame:
            return np.zeros((*pcm.shape[:-1], 0, self.frame), np.int16)
        return np.lib.stride_tricks.sliding_window_view(pcm, self.frame, axis=-1)[..., :: self.hop, :]

    def _energies(self, power: np.ndarray) -> np.ndarray:
        """The triangles' sums, uint64 [..., mels] with 15 bits more, of the powers of bins 0 .. fft / 2 - 1."""
        inside = power[..., self._inside].astype(np.uint64)
        rising = self._sums(inside * self.weights.astype(np.uint64))
        falling = (self._sums(inside) << np.uint64(15)) - rising
        return rising[..., :-1] + falling[..., 1:]

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Between neighbouring edges, [..., mels + 1]."""
        ends = np.cumsum(self.counts)
        total = np.cumsum(np.pad(values, [(0, 0)] * (values.ndim - 1) + [(1, 0)]), axis=-1, dtype=np.uint64)
        return total[..., ends] - total[..., ends - self.counts]

    def _logarithms(self, energy: np.ndarray, headroom: np.ndarray) -> np.ndarray:
        """Q5.10, from sums that are 2**(63 + 2 * headroom) / fft**2 times too large."""
        scale = 63 + 2 * headroom[..., None] - 2 * int(math.log2(self.fft))
        rounded = fixed_point.shift_right(log2(energy) - scale * _ONE, 15 - FRACTION_BITS)
        floor = round(FLOOR * 2**FRACTION_BITS)
        return np.where(energy == 0, floor, np.maximum(rounded, floor)).astype(np.int16)

    def float_features(self, pcm: np.ndarray) -> np.ndarray:
        """The formula in float64, [..., frames, mels], not below FLOOR."""
        x = self._framed(pcm) / 2.0**15 * _hann(self.frame)
        power = np.abs(np.fft.rfft(x, self.fft)) ** 2
        return np.log2(np.maximum(power @ self.triangles.T, 2.0**FLOOR))


def log2_table() -> np.ndarray:
    """log2 of 1, 1 + 1/32, ... 2, Q1.15 [33]."""
    return _q15(np.log2(1 + np.arange(2**LOG2_BITS + 1) / 2**LOG2_BITS))


def log2(x: np.ndarray) -> np.ndarray:
    """uint64 to int64 with 15 fraction bits, by the table and linear interpolation; 0 counts as 1."""
    exponent = np.maximum(_bit_length(x), 1) - 1
    fraction = ((x << (63 - exponent).astype(np.uint64)) >> np.uint64(47)).astype(np.int64) & 0xFFFF
    index, part = fraction >> (16 - LOG2_BITS), fraction & (2 ** (16 - LOG2_BITS) - 1)
    table = log2_table()
    slope = table[index + 1] - table[index]
    return exponent * _ONE + table[index] + fixed_point.shift_right(slope * part, 16 - LOG2_BITS)


def real_fft(x: np.ndarray, twiddles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary parts of bins 0 .. n / 2 - 1 of the FFT of x [..., n], divided by n; |x| is below 2**30.

    Even samples are taken as real and odd ones as imaginary parts of n / 2 complex samples in bit-reversed order.
    Their FFT goes by factors of four, after one of two where n / 2 is no power of four.
    """
    half = x.shape[-1] // 2
    order = _reversed_bits(half)
    re, im = x[..., 0::2][..., order], x[..., 1::2][..., order]
    length = 1
    if half.bit_length() % 2 == 0:
        re, im, length = _radix_2(re), _radix_2(im), 2
    while length < half:
        length *= 4
        re, im = _radix_4(re, im, twiddles[:: 2 * half // length], length)
    return _untangled(re, im, twiddles)


def _radix_2(x: np.ndarray) -> np.ndarray:
    pairs = x.reshape(*x.shape[:-1], x.shape[-1] // 2, 2) >> 1
    return np.stack([pairs[..., 0] + pairs[..., 1], pairs[..., 0] - pairs[..., 1]], axis=-1).reshape(x.shape)


def _radix_4(re: np.ndarray, im: np.ndarray, w: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """FFTs of `length` from four of a quarter of it, divided by four; w[i] is exp(-2j * pi * i / length)."""
    shape = re.shape
    quarters = *shape[:-1], shape[-1] // length, 4, length // 4
    re, im = re.reshape(quarters), im.reshape(quarters)
    k = np.arange(length // 4)
    a_re, a_im = re[..., 0, :] >> 2, im[..., 0, :] >> 2
    c_re, c_im = (part >> 1 for part in _half_product(re[..., 1, :], im[..., 1, :], w[2 * k]))
    b_re, b_im = _half_product(re[..., 2, :], im[..., 2, :], w[k])
    d_re, d_im = _half_product(re[..., 3, :], im[..., 3, :], w[3 * k])
    even_re, even_im, other_re, other_im = a_re + c_re, a_im + c_im, a_re - c_re, a_im - c_im
    odd_re, odd_im, turned_re, turned_im = (
        part >> 1 for part in (b_re + d_re, b_im + d_im, b_re - d_re, b_im - d_im)
    )
    out_re = (even_re + odd_re, other_re + turned_im, even_re - odd_re, other_re - turned_im)
    out_im = (even_im + odd_im, other_im - turned_re, even_im - odd_im, other_im + turned_re)
    return np.stack(out_re, axis=-2).reshape(shape), np.stack(out_im, axis=-2).reshape(shape)


def _untangled(re: np.ndarray, im: np.ndarray, twiddles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bins of the real samples from those of the complex ones, divided by two: with z = even + 1j * odd,

    even[k] = (z[k] + conj(z[-k])) / 2,  odd[k] = (z[k] - conj(z[-k])) / 2j,  x[k] = even[k] + w**k * odd[k].
    """
    half = re.shape[-1]
    k = np.arange(1, half // 2 + 1)
    re, im = re >> 1, im >> 1
    even_re, even_im = (re[..., k] + re[..., half - k]) >> 1, (im[..., k] - im[..., half - k]) >> 1
    odd_re, odd_im = im[..., k] + im[..., half - k], re[..., half - k] - re[..., k]
    turned_re, turned_im = _half_product(odd_re, odd_im, twiddles[k])
    first = re[..., :1] + im[..., :1]
    lower = even_re + turned_re, even_im + turned_im
    upper = (even_re - turned_re)[..., -2::-1], (turned_im - even_im)[..., -2::-1]
    return (
        np.concatenate([first, lower[0], upper[0]], axis=-1),
        np.concatenate([np.zeros_like(first), lower[1], upper[1]], axis=-1),
    )


def _half_product(re: np.ndarray, im: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(re + 1j * im) * w / 2, each of the four products rounded down; w is Q0.15 [..., 2]."""
    w_re, w_im = w[..., 0], w[..., 1]
    return (re * w_re >> 16) - (im * w_im >> 16), (re * w_im >> 16) + (im * w_re >> 16)


def _reversed_bits(n: int) -> np.ndarray:
    """0 .. n - 1, n a power of two, with the order of their bits reversed."""
    order = np.zeros(1, np.int64)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def _bit_length(x: np.ndarray) -> np.ndarray:
    """How many bits a number has, 0 of 0; int64."""
    rest, length = x.astype(np.uint64), np.zeros(x.shape, np.int64)
    for bits in (32, 16, 8, 4, 2, 1):
        high = rest >> np.uint64(bits)
        length += np.where(high > 0, bits, 0)
        rest = np.where(high > 0, high, rest)
    return length + rest.astype(np.int64)


def _q15(x: np.ndarray) -> np.ndarray:
    return np.floor(x * _ONE + 0.5).astype(np.int64)


def _hann(n: int) -> np.ndarray:
    """Periodic: its next sample would be the first again."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def _hertz(mel: float) -> float:
    return 700 * (10 ** (mel / 2595) - 1)
