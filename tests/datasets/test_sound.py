from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from edgernn.datasets import sound
from edgernn.errors import InputError

RATE = 16_000


def speech_like(rate: int, seconds: float) -> np.ndarray:
    """Tones below 3 kHz that swell and fade, float64 [samples]."""
    time = np.arange(round(rate * seconds)) / rate
    carrier = sum(np.sin(2 * np.pi * hertz * time + hertz) for hertz in (220.0, 700.0, 2600.0))
    return 0.2 * carrier * np.sin(np.pi * time / seconds) ** 2


def write(path: Path, samples: np.ndarray, rate: int, kind: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=kind)
    return path


@pytest.mark.parametrize(("rate", "up", "down"), [(8000, 2, 1), (16000, 1, 1), (44100, 160, 441), (48000, 1, 3)])
def test_any_rate_comes_out_as_scipy_resamples_it(rate: int, up: int, down: int, tmp_path: Path) -> None:
    samples = speech_like(rate, 0.5)
    found = sound.read(write(tmp_path / "a.wav", samples, rate), RATE)
    wanted = resample_poly(samples, up, down) * 2**15
    assert found.dtype == np.int16
    assert len(found) == pytest.approx(len(wanted), abs=1)
    count = min(len(found), len(wanted))
    error = np.sqrt(np.mean((found[:count] - wanted[:count]) ** 2) / np.mean(wanted**2))
    assert error < 0.01  # two filters of one purpose; a wrong rate or a shift of one sample gives 0.1 and more


@pytest.mark.parametrize("kind", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_stereo_is_mixed_down_in_every_encoding(kind: str, tmp_path: Path) -> None:
    left, right = speech_like(RATE, 0.2), 0.1 * np.ones(RATE // 5)
    found = sound.read(write(tmp_path / "a.wav", np.stack([left, right], axis=1), RATE, kind), RATE)
    step = 2000 if kind == "ULAW" else 2  # of 8 bits, which are coarse where it is loud
    np.testing.assert_allclose(found, (left + right) / 2 * 2**15, atol=step)


def test_flac_is_read_as_wav_is(tmp_path: Path) -> None:
    samples = speech_like(RATE, 0.2)
    soundfile.write(tmp_path / "a.flac", samples, RATE)
    wav = sound.read(write(tmp_path / "a.wav", samples, RATE), RATE)
    np.testing.assert_allclose(sound.read(tmp_path / "a.flac", RATE), wav, atol=1)  # they are rounded differently


def empty(path: Path) -> None:
    write(path, np.zeros(0), RATE)


def slow(path: Path) -> None:
    write(path, np.zeros(100), 2000)


def text(path: Path) -> None:
    path.write_text("this is no sound")


def folder(path: Path) -> None:
    path.mkdir()


def infinite(path: Path) -> None:
    write(path, np.array([0.0, np.inf, 0.0]), RATE, "FLOAT")


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (empty, "has no samples; remove it"),
        (slow, "has 2000 samples a second; speech needs 4000 or more"),
        (text, "is not a sound file; convert it to wav or remove it"),
        (folder, "cannot be read: Is a directory"),
        (infinite, "has samples that are not finite; convert it to 16-bit wav or remove it"),
        (lambda path: None, "cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(make: object, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        sound.read(path, RATE)
    assert str(caught.value) == f"{path}: {fault}"


def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(10), RATE)
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything: what it cannot read is a name that loops
        path.unlink()
        path.symlink_to(path)
    with pytest.raises(InputError, match=r"a\.wav: cannot be read: "):
        sound.read(path, RATE)


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_read_or_named(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a.wav"
    content = bytearray(write(path, speech_like(8000, 0.05), 8000).read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    found, fault = np.zeros(0, np.int16), f"{path}: "
    try:
        found = sound.read(path, RATE)
    except InputError as error:
        fault = str(error)
    assert fault.startswith(f"{path}: ")
    assert "\n" not in fault
    assert (found.dtype, found.ndim) == (np.int16, 1)
    assert (len(found) > 0) == (fault == f"{path}: ")


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=40), st.integers(1, 50))
def test_the_loudest_part_has_the_most_energy(values: list[int], samples: int) -> None:
    found = sound.loudest(np.array(values, np.int16), samples).tolist()
    parts = [values[i : i + samples] for i in range(max(1, len(values) - samples + 1))]
    assert found in parts
    assert sum(v * v for v in found) == max(sum(v * v for v in part) for part in parts)


def test_silence_around_the_sound_is_cut_off() -> None:
    quiet, loud = np.full(3200, 3, np.int16), np.full(1600, 8000, np.int16)
    found = sound.trimmed(np.concatenate([quiet, loud, quiet, loud, quiet]), RATE)
    np.testing.assert_array_equal(found, np.concatenate([loud, quiet, loud]))
    np.testing.assert_array_equal(sound.trimmed(np.zeros(100, np.int16), RATE), np.zeros(100))


def test_power_is_that_of_the_sound_and_not_of_pauses() -> None:
    loud = np.full(1600, 1000, np.int16)
    assert sound.active_power(np.concatenate([loud, np.zeros(16000, np.int16)]), RATE) == pytest.approx(1000**2)
