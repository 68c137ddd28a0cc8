"""The host engine: the generated C of a build, called step by step from Python."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgernn.engines.c import CSession
from edgernn.engines.c_library import constant, labels, model_name, open_library
from edgernn.errors import InputError

_NO_SHAPE = (-1,)  # of no array: what `step` takes from a network that has no steps


def load(path: Path, precision: str, streams: int) -> Model:
    """See `edgernn.load`."""
    if streams < 1:
        raise InputError(f"streams is {streams}; a model has 1 stream or more")
    return Model(_folder(path, precision), streams)


class Model:
    """An integer network with the states of its streams. Made by `edgernn.load`.

    `labels` names the classes in the order of the outputs. A frame has `inputs` numbers, raw, in the units of the
    training data; a step takes `frames_per_step` of them and gives `outputs` real numbers.

    One thread at a time may use a model. Every thread may load its own: they share code and weights, and a step
    lets other threads of Python run.
    """

    __slots__ = (
        *("labels", "inputs", "outputs", "frames_per_step", "streams"),
        *("_call", "_frames", "_library", "_live", "_outputs", "_reference", "_session", "_shape", "_states"),
    )

    def __init__(self, folder: Path, streams: int) -> None:
        library = open_library(folder)
        self._library = library
        self._session = CSession(library, "sequence", folder / f"{model_name(folder)}.h")
        self.streams = streams
        self.labels = labels(library)
        self.frames_per_step = constant(library, "driver_frames_per_step")
        self.inputs = constant(library, "driver_inputs") // self.frames_per_step
        self.outputs = constant(library, "driver_outputs")
        self._prepare()

    def _prepare(self) -> None:
        """What `step` needs, made once, so that it costs one call of C and two copies."""
        many = () if self.streams == 1 else (self.streams,)
        frames = () if self.frames_per_step == 1 else (self.frames_per_step,)
        self._shape = (*many, *frames, self.inputs)
        self._frames = np.zeros(self._shape, np.float32)
        self._outputs = np.zeros((*many, self.outputs), np.float32)
        self._states = np.zeros((*many, constant(self._library, "driver_state_size")), np.uint8)
        self._live = _Live(*map(_address, (self._states, self._frames, self._outputs)), self.streams)
        self._reference = ctypes.byref(self._live)
        if constant(self._library, "driver_window"):
            self._shape = _NO_SHAPE
            return
        self._call = self._library.driver_live  # no argtypes: what byref made needs no check, which takes 0.1 us
        self._call.restype = None
        self.reset()

    def step(self, x: npt.ArrayLike) -> np.ndarray:
        """One step of every stream: real outputs, float32 [outputs], or [streams, outputs] of several streams.

        `x` is a raw frame [inputs] or the frames of all streams [streams, inputs]. A strided network takes
        `frames_per_step` of them, [frames_per_step, inputs] or [streams, frames_per_step, inputs]. Values that the
        training data never had saturate, and not-a-number counts as the smallest.

        Raises InputError for another shape, for what are no numbers, and for a bidirectional network, which
        needs `sequence`.
        """
        if type(x) is not np.ndarray:
            x = _numbers(x)
        if x.shape != self._shape:
            return self._step_of_one(x)
        try:
            self._frames[...] = x
        except (TypeError, ValueError) as error:
            raise InputError(_no_numbers(error)) from None
        self._call(self._reference)
        return self._outputs.copy()

    def sequence(self, x: npt.ArrayLike) -> np.ndarray:
        """The result of whole windows of raw frames, each from a fresh start; the model's streams stay as they are.

        `x` is [frames, inputs] or [windows, frames, inputs] and gives float32 [outputs] or [windows, outputs]. A
        network that answers every step gives [results, outputs] or [windows, results, outputs]. What is left at
        the end is too few frames for a step of a strided network.

        Raises InputError for another shape, and for a length that a bidirectional network was not built for.
        """
        frames = _numbers(x)
        if frames.ndim not in (2, 3) or frames.shape[-1] != self.inputs or frames.shape[-2] < self.frames_per_step:
            wanted = f"[frames, {self.inputs}] or [windows, frames, {self.inputs}]"
            raise InputError(f"windows are {wanted} of {self.frames_per_step} frames or more, not {_shape(frames)}")
        return self._session.outputs(frames) if frames.ndim == 3 else self._session.outputs(frames[None])[0]

    def reset(self, stream: int | None = None) -> None:
        """Begin all streams anew, or the one with this number; the first is 0.

        Raises InputError when there is no such stream, or none at all in a bidirectional network.
        """
        self._refuse_windows()
        if stream is not None and not 0 <= stream < self.streams:
            raise InputError(f"there is no stream {stream}; the model has 0 to {self.streams - 1}")
        chosen = self._states if stream is None or self.streams == 1 else self._states[stream]
        self._library.driver_reset(_address(chosen), self.streams if stream is None else 1)

    @property
    def state(self) -> np.ndarray:
        """What the model keeps between steps, uint8 [bytes], or [streams, bytes]: a copy, to be set again later.

        Another model that was loaded from the same folder takes it too, or one row of it for one stream.
        Setting raises InputError for another shape. Bytes that no model gave are not detected.
        """
        return self._states.copy()

    @state.setter
    def state(self, states: npt.ArrayLike | bytes) -> None:
        given = np.frombuffer(states, np.uint8) if isinstance(states, bytes) else np.asarray(states)
        if given.dtype != np.uint8 or given.size != self._states.size:
            raise InputError(
                f"a state is uint8 {_shape(self._states)}, not {given.dtype} {_shape(given)}; take it from `state`"
            )
        self._states[...] = given.reshape(self._states.shape)

    def _step_of_one(self, x: np.ndarray) -> np.ndarray:
        """A step of a single stream in an array of streams: [1, outputs] for [1, inputs]."""
        self._refuse_windows()
        if self.streams != 1 or x.shape != (1, *self._shape):
            raise InputError(f"a step takes an array {_shape(self._frames)}, not {_shape(x)}")
        return self.step(x[0])[None]

    def _refuse_windows(self) -> None:
        if self._shape == _NO_SHAPE:
            raise InputError("a bidirectional network takes whole windows: it has no streams; call `sequence`")


class _Live(ctypes.Structure):
    """live_t of the driver."""

    _fields_ = (
        ("states", ctypes.c_void_p),
        ("x", ctypes.c_void_p),
        ("y", ctypes.c_void_p),
        ("streams", ctypes.c_size_t),
    )


def _folder(path: Path, precision: str) -> Path:
    """The C folder that `path` is, or that the build folder `path` has."""
    built = path / "artifacts" / "c"
    if not (path / "artifacts").is_dir():
        return path
    there = sorted(one.name for one in built.iterdir()) if built.is_dir() else []
    if precision not in there:
        has = f"it has {' and '.join(there)}" if there else "it has none at all"
        raise InputError(f"{path} has no C of precision {precision}, {has}; add it to the recipe and build again")
    return built / precision


def _numbers(x: npt.ArrayLike) -> np.ndarray:
    """float32, of what is an array or nested sequences."""
    try:
        return np.asarray(x, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(_no_numbers(error)) from None


def _no_numbers(error: Exception) -> str:
    return f"a frame holds numbers: {error}"


def _address(array: np.ndarray) -> int:
    return array.ctypes.data


def _shape(array: np.ndarray) -> list[int]:
    return list(array.shape)
