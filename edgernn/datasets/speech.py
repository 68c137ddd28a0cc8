"""Windows of spoken words: clips placed in time, mixed with noise, and turned into log-mel frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from edgernn.datasets import sound, splitting
from edgernn.datasets.audio_sections import SILENCE, SpeechData
from edgernn.datasets.noise import Noise
from edgernn.datasets.splits import LeftOut, Split, Splits
from edgernn.engines import c_features
from edgernn.features.log_mel import FRACTION_BITS, LogMel

PARTS = ("train", "validation", "test")
ALONE = 0.3  # share of windows whose context has no other word
EDGE = 0.1  # share of the free time around a clip that stays free on either side
SOFTER_DB = 20.0  # noise without a word is up to so much softer than that behind one
BATCH = 2  # windows whose features are computed together: what fits the caches


class Clip(NamedTuple):
    """One word: int16 `pcm` [samples] without silence around it, its class, and its speaker.

    Of the class `silence` it is what a microphone hears while nobody speaks.
    """

    pcm: np.ndarray
    label: str
    group: str


@dataclass(frozen=True, eq=False)
class Speech:
    """What a source has to say, by split.

    `clips` are words, and recorded silence; `others` are what is said in a long stream beside words, int16
    [samples] each; `backgrounds` recordings of noise. No speaker and no sample is in two splits. `labels` are the
    classes in order: those that are no word come last. `left_out` counts recordings that are in no split, or only
    in part.
    """

    clips: Mapping[str, tuple[Clip, ...]]
    others: Mapping[str, tuple[np.ndarray, ...]]
    backgrounds: Mapping[str, tuple[np.ndarray, ...]]
    labels: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    def noise(self, part: str) -> Noise:
        """The noise of a split; its babble is of that split's own speakers, and of nobody who is silent."""
        clips = [clip for clip in self.clips[part] if clip.label != SILENCE]
        return Noise(self.backgrounds[part], tuple(c.pcm for c in clips), tuple(c.group for c in clips))


def splits(speech: Speech, data: SpeechData, log_mel: LogMel, seed: int) -> Splits:
    """The windows of all splits: every training clip `data.copies` times, the others once."""
    parts = {}
    for number, part in enumerate(PARTS):
        mixer = Mixer(speech.clips[part], speech.noise(part), data, log_mel, part, (seed, number))
        parts[part] = _split(mixer, speech.labels)
    drawn = splitting.calibration(parts["train"].y, data.split.calibration, seed)
    channels = tuple(f"mel {band}" for band in range(log_mel.mels))
    return Splits(
        train=parts["train"],
        validation=parts["validation"],
        calibration=parts["train"].take(drawn),
        test=parts["test"],
        labels=speech.labels,
        channels=channels,
        rate_hz=log_mel.rate_hz / log_mel.hop,
        left_out=speech.left_out,
    )


@dataclass(frozen=True, eq=False)
class Mixer:
    """Makes the windows of one split; what one holds depends on (seed, number of the window) alone."""

    clips: Sequence[Clip]
    noise: Noise
    data: SpeechData
    log_mel: LogMel
    part: str
    seed: tuple[int, ...]

    @cached_property
    def orders(self) -> list[tuple[Clip, bool]]:
        """The clip of every window, and whether it is said; where not, it only tells how loud speech is."""
        said = [(clip, True) for _ in range(self._copies) for clip in self.clips]
        speech = [clip for clip in self.clips if clip.label != SILENCE]
        count = self._made(self._copies * len(speech), self._copies * (len(self.clips) - len(speech)))
        drawn = np.random.default_rng(self.seed).integers(len(speech), size=count)
        return said + [(speech[i], False) for i in drawn]

    @property
    def samples(self) -> int:
        """Of a window: its frames begin `hop` samples apart, and the last one ends with it."""
        seconds = self.data.context + self.data.seconds
        frames = max(1, round(seconds * self.log_mel.rate_hz / self.log_mel.hop))
        return (frames - 1) * self.log_mel.hop + self.log_mel.frame

    def window(self, number: int) -> np.ndarray:
        """int16 [samples]."""
        rng = np.random.default_rng([*self.seed, number])
        clip, said = self.orders[number]
        place = round(self.data.seconds * self.log_mel.rate_hz)
        mixed = np.zeros(self.samples)
        if self.data.context and rng.random() >= ALONE:
            other = self.clips[int(rng.integers(len(self.clips)))].pcm
            end = self.samples - place - int(rng.uniform(0, 0.5) * self.data.context * self.log_mel.rate_hz)
            _add(mixed, other[-max(1, end) :], end - len(other))
        if said:
            pcm = sound.loudest(self._at_another_speed(clip.pcm, rng), place)
            _add(mixed, pcm, self.samples - place + self._offset(place - len(pcm), rng))
        return sound.to_int16(self._gain(rng) * (mixed + self._behind(clip, said, rng)))

    def _made(self, said: int, recorded: int) -> int:
        """How many windows of noise alone the share of silence lacks beside `recorded` ones: a split has one."""
        if not self.data.silence:
            return 0
        return max(1, recorded, round(self.data.silence / (1 - self.data.silence) * said)) - recorded

    @property
    def _copies(self) -> int:
        return self.data.copies if self.part == "train" else 1

    def _offset(self, free: int, rng: np.random.Generator) -> int:
        """Where in its place a clip begins, in samples; `free` of them are left over."""
        moved = rng.uniform(-1, 1) * self.data.shift * self.log_mel.rate_hz if self.part == "train" else 0.0
        return int(free * rng.uniform(EDGE, 1 - EDGE) + moved)

    def _at_another_speed(self, pcm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.part != "train" or not self.data.speed:
            return pcm
        factor = 1 + rng.uniform(-1, 1) * self.data.speed
        return sound.resampled(pcm.astype(np.float32), 1, factor)

    def _gain(self, rng: np.random.Generator) -> float:
        return 10 ** (rng.uniform(-1, 1) * self.data.gain_db / 20) if self.part == "train" else 1.0

    def _behind(self, clip: Clip, said: bool, rng: np.random.Generator) -> np.ndarray:
        """The noise behind a clip, float64 [samples]."""
        section = self.data.noise
        if section is None:
            return np.zeros(self.samples)
        snr_db = float(rng.uniform(*section.snr_db))
        if self.part == "test" and section.test_snr_db is not None:
            snr_db = section.test_snr_db
        if not said:
            snr_db += float(rng.uniform(0, SOFTER_DB))
        level = np.sqrt(sound.active_power(clip.pcm, self.log_mel.rate_hz) * 10 ** (-snr_db / 10))
        return level * self.noise.draw(self.samples, rng, clip.group)


def frames(log_mel: LogMel, windows: int, window: Callable[[int], np.ndarray]) -> np.ndarray:
    """Log-mel energies in log2 units, float32 [windows, frames, mels]; `window` gives int16 [samples] by number."""

    def some(start: int) -> np.ndarray:
        pcm = np.stack([window(number) for number in range(start, min(start + BATCH, windows))])
        return real(c_features.log_mel(log_mel, pcm))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(some, range(0, windows, BATCH))))


def real(features: np.ndarray) -> np.ndarray:
    """int16 features in log2 units, float32."""
    return features.astype(np.float32) / np.float32(2**FRACTION_BITS)


def _split(mixer: Mixer, labels: Sequence[str]) -> Split:
    x = frames(mixer.log_mel, len(mixer.orders), mixer.window)
    number = {label: index for index, label in enumerate(labels)}
    y = [number[clip.label if said else SILENCE] for clip, said in mixer.orders]
    return Split(x, np.array(y, np.int64), _names(clip.group for clip, _ in mixer.orders))


def _names(values: Iterable[str]) -> np.ndarray:
    return np.array(list(values), dtype=np.str_)


def _add(mixed: np.ndarray, pcm: np.ndarray, start: int) -> None:
    """Add what of `pcm` lies within `mixed`, from `start` on."""
    begin, end = max(0, start), min(len(mixed), start + len(pcm))
    if end > begin:
        mixed[begin:end] += pcm[begin - start : end - start]
