"""Sound files as int16 samples at one rate, and where in them the sound is."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path

import numpy as np

from edgernn.datasets import csv_windows
from edgernn.datasets.csv_windows import telling
from edgernn.errors import InputError, MissingToolError

BLOCK = 4096  # bytes that are read at once, at most
LOWEST_RATE_HZ = 4000  # a lower one keeps too little of speech to tell words apart
PIECE_SECONDS = 0.02  # in which loudness is measured
ACTIVE_DB = 20.0  # a piece this far below the loudest one, or less, counts as sound
QUIET_DB = 40.0  # and one further below it than this, before and after all others, is cut off
_INSTALL = "install it with: pip install 'edgernn[audio]'"


def read(path: Path, rate_hz: int) -> np.ndarray:
    """The sound of a file (wav, flac and what else libsndfile reads), mixed down and resampled, int16 [samples].

    Raises InputError when it cannot be read, is no sound, has no samples, or a rate below 4000 Hz; MissingToolError
    without the extra `audio`.
    """
    try:
        import soundfile
    except ImportError:
        raise MissingToolError(f"soundfile is needed to read {path}; {_INSTALL}") from None
    try:
        with path.open("rb") as file:
            samples, found_hz = soundfile.read(file, dtype="float32", always_2d=True)  # [samples, channels]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (RuntimeError, ValueError, TypeError):  # whatever libsndfile has to say names no file
        raise InputError(f"{path}: is not a sound file; convert it to wav or remove it") from None
    if found_hz < LOWEST_RATE_HZ:
        raise InputError(f"{path}: has {found_hz} samples a second; speech needs {LOWEST_RATE_HZ} or more")
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: has samples that are not finite; convert it to 16-bit wav or remove it")
    pcm = to_int16(resampled(samples.mean(axis=1), found_hz, rate_hz) * 2.0**15)
    if not len(pcm):  # or so few at so high a rate that none is left
        raise InputError(f"{path}: has no samples; remove it")
    return pcm


def pieces(source: Path, rate_hz: int) -> Generator[np.ndarray, None, None]:
    """A file's samples at once, or as they come: `-` is int16, little-endian, at `rate_hz` on standard input.

    Raises what `read` does; InputError when the standard input cannot be read.
    """
    if str(source) != "-":
        yield read(source, rate_hz)
        return
    name, odd = Path("standard input"), b""
    with telling(name), open(csv_windows.STANDARD_INPUT, "rb", buffering=0, closefd=False) as file:
        while block := file.read(BLOCK):
            block = odd + block
            odd = block[len(block) // 2 * 2 :]
            yield np.frombuffer(block, "<i2", len(block) // 2).astype(np.int16)


def resampled(samples: np.ndarray, from_hz: float, to_hz: float) -> np.ndarray:
    """Samples [samples] at another rate, in the same type.

    Raises MissingToolError without the extra `audio`.
    """
    if from_hz == to_hz:
        return samples
    try:
        import soxr
    except ImportError:
        raise MissingToolError(f"soxr is needed to resample sound; {_INSTALL}") from None
    return np.asarray(soxr.resample(samples, from_hz, to_hz))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """The nearest int16, as a microphone saturates."""
    return np.clip(np.rint(samples), -(2**15), 2**15 - 1).astype(np.int16)


def loudest(pcm: np.ndarray, samples: int) -> np.ndarray:
    """The `samples` neighbouring samples with the most energy, the first of equals; all where there are fewer."""
    if len(pcm) <= samples:
        return pcm
    energy = np.concatenate([[0], np.cumsum(pcm.astype(np.int64) ** 2)])
    start = int((energy[samples:] - energy[:-samples]).argmax())
    return pcm[start : start + samples]


def trimmed(pcm: np.ndarray, rate_hz: int) -> np.ndarray:
    """Without the silence before and after the sound; everything where all is silent."""
    power, piece = _pieces(pcm, rate_hz)
    heard = np.flatnonzero(power > power.max() * 10 ** (-QUIET_DB / 10))
    return pcm[heard[0] * piece : (heard[-1] + 1) * piece] if len(heard) else pcm


def active_power(pcm: np.ndarray, rate_hz: int) -> float:
    """The mean square of the pieces within 20 dB of the loudest one: of speech while it sounds."""
    power, _ = _pieces(pcm, rate_hz)
    return float(power[power >= power.max() * 10 ** (-ACTIVE_DB / 10)].mean())


def _pieces(pcm: np.ndarray, rate_hz: int) -> tuple[np.ndarray, int]:
    """The mean square of each piece of 20 ms, the last one padded with zeros, and the samples of a piece."""
    piece = math.ceil(PIECE_SECONDS * rate_hz)
    padded = np.pad(pcm.astype(np.float64), (0, -len(pcm) % piece))
    return (padded.reshape(-1, piece) ** 2).mean(axis=1), piece
