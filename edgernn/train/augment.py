"""Random changes to raw training windows: another tempo, angle, side, gain, and noise.

Windows are raw frames float32 [windows, steps, channels]; everything is drawn from the generator that is
passed in, so the same generator gives the same windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.errors import InputError
from edgernn.section import nearest
from edgernn.train_sections import AugmentSection


@dataclass(frozen=True, eq=False)
class Augmentation:
    """The recipe's section with its channel names turned into what multiplies a frame.

    `mirror` is -1 at the channels that change sign on the other side of the body, `rates` 1 at those that
    grow with the tempo (angular velocities), `unit` the deviation that noise is relative to; all float32
    [channels].
    """

    section: AugmentSection
    mirror: np.ndarray
    rates: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, section: AugmentSection, channels: Sequence[str], unit: np.ndarray) -> Augmentation:
        """Raises InputError when the section does not fit the data's channels."""
        if (section.rotate_degrees or section.roll_degrees) and len(channels) % 3:
            raise InputError(
                "train.augment turns sensors of three axes (rotate_degrees, roll_degrees), and the data has "
                f"{len(channels)} channels; set both to 0"
            )
        mirror = 1 - 2 * _marked("mirror", section.mirror, channels)
        return cls(section, mirror, _marked("rates", section.rates, channels), unit)


def apply(x: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Changed windows, float32 in the shape of `x`."""
    section = augmentation.section
    if section.splice:
        x = _spliced(x, section.splice, rng)
    if section.speed:
        x = _paced(x, section.speed, augmentation.rates, rng)
    if section.mirror:
        x = np.where(rng.random((len(x), 1, 1)) < 0.5, x * augmentation.mirror, x)
    if section.rotate_degrees or section.roll_degrees:
        x = _turned(x, np.deg2rad(section.rotate_degrees), np.deg2rad(section.roll_degrees), rng)
    if section.rate_gain:
        gain = np.exp(section.rate_gain * rng.standard_normal((len(x), 1, 1)))
        x = x * (1 + (gain - 1) * augmentation.rates)
    if section.scale:
        x = x * (1 + section.scale * rng.standard_normal((len(x), 1, x.shape[2])))
    if section.offset:
        x = x + section.offset * augmentation.unit * rng.standard_normal((len(x), 1, x.shape[2]))
    if section.jitter:
        x = x + section.jitter * augmentation.unit * rng.standard_normal(x.shape)
    if section.mask_steps or section.mask_channels:
        x = _masked(x, section.mask_steps, section.mask_channels, rng)
    return x.astype(np.float32)


def _spliced(x: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Windows of which every second one begins as another of them, up to a step that is drawn."""
    length = rng.integers(0, round(share * x.shape[1]) + 1, len(x)) * (rng.random(len(x)) < 0.5)
    first = np.arange(x.shape[1]) < length[:, None]
    return np.where(first[:, :, None], x[rng.permutation(len(x))], x)


def _masked(x: np.ndarray, steps: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Windows with a span of steps, and one of channels, at each channel's mean (SpecAugment, Park et al. 2019)."""
    hidden = _span(x.shape[1], steps, len(x), rng)[:, :, None] | _span(x.shape[2], channels, len(x), rng)[:, None]
    return np.where(hidden, x.mean(axis=1, keepdims=True), x)


def _span(places: int, longest: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """True on up to `longest` neighbours of `places`, bool [count, places]."""
    length = rng.integers(0, min(longest, places) + 1, count)
    start = rng.integers(0, places - length + 1)
    place = np.arange(places)
    return (place >= start[:, None]) & (place < (start + length)[:, None])


def _marked(key: str, names: Sequence[str], channels: Sequence[str]) -> np.ndarray:
    """1 at the channels that are named, else 0, float32 [channels]."""
    unknown = next((name for name in names if name not in channels), None)
    if unknown is not None:
        raise InputError(f"train.augment.{key} names {unknown}, which is not a channel{nearest(unknown, channels)}")
    return np.isin(np.array(channels), np.array(names, np.str_)).astype(np.float32)


def _paced(x: np.ndarray, speed: float, rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Windows at another tempo, up to 1 + speed times as fast or as slow, from a random moment on.

    Between frames the value is interpolated. What a fast window needs from beyond its ends is its own motion
    played backwards.
    """
    windows, steps, _ = x.shape
    end = steps - 1
    tempo = np.exp(rng.uniform(-1, 1, windows) * np.log1p(speed))  # recorded frames a step, below 2
    start = rng.random(windows) * end * (1 - tempo)
    moment = np.abs(start[:, None] + tempo[:, None] * np.arange(steps))  # [windows, steps]
    moment = np.clip(np.where(moment > end, 2 * end - moment, moment), 0, end)
    before = np.minimum(moment.astype(np.int64), max(0, end - 1))
    after = np.minimum(before + 1, end)
    share = (moment - before)[..., None].astype(np.float32)
    rows = np.arange(windows)[:, None]
    frames = x[rows, before] * (1 - share) + x[rows, after] * share
    factor = 1 + (tempo[:, None, None] - 1) * rates  # [windows, 1, channels]
    return frames * factor.astype(np.float32)


def _turned(x: np.ndarray, any_axis: float, first_axis: float, rng: np.random.Generator) -> np.ndarray:
    """All three-axis sensors of a window turned alike; the angles (radians) are deviations of normal draws.

    `any_axis` turns about an axis of random direction, `first_axis` about the sensor's own first axis on top.
    """
    direction = rng.standard_normal((len(x), 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    vector = direction * any_axis * rng.standard_normal((len(x), 1))
    vector[:, 0] += first_axis * rng.standard_normal(len(x))
    triads = x.reshape(len(x), x.shape[1], -1, 3)
    turned = np.einsum("wij,wtsj->wtsi", _rotation(vector).astype(np.float32), triads, optimize=True)
    return turned.reshape(x.shape)


def _rotation(vector: np.ndarray) -> np.ndarray:
    """Matrices [count, 3, 3] that turn about `vector` [count, 3] by its length in radians.

    Rodrigues' formula: 1 + sin(a) K + (1 - cos(a)) K^2, K the cross product with the unit vector.
    """
    angle = np.linalg.norm(vector, axis=1, keepdims=True)
    x, y, z = (vector / np.maximum(angle, 1e-12)).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    sine, versine = np.sin(angle)[..., None], (1 - np.cos(angle))[..., None]
    return np.eye(3) + sine * cross + versine * (cross @ cross)
