"""Features by the C kernels, where this machine has a compiler: the bits of their definition, much faster."""

from __future__ import annotations

import ctypes
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from edgernn.engines import compiler
from edgernn.errors import EdgernnError
from edgernn.features.log_mel import LogMel
from edgernn.targets.c.kernels import FEATURES, RUNTIME

DRIVER = Path(__file__).with_name("c_features_driver.c")


class _Tables(ctypes.Structure):
    """`ernn_log_mel` of edgernn_features.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("window", "twiddle", "weight", "count")),
        *((name, ctypes.c_size_t) for name in ("frame", "hop", "fft", "mels", "first")),
    )


def log_mel(mel: LogMel, pcm: np.ndarray) -> np.ndarray:
    """`mel.features(pcm)`, int16 [windows, samples] to int16 [windows, frames, mels]; NumPy without a compiler."""
    kernel = _kernel()
    if kernel is None:
        return mel.features(pcm)
    arrays = [
        np.ascontiguousarray(values, dtype)
        for values, dtype in (
            (mel.window, np.int16),
            (np.minimum(mel.twiddles, 2**15 - 1), np.int16),
            (mel.weights, np.uint16),
            (mel.counts, np.uint16),
        )
    ]
    tables = _Tables(*(array.ctypes.data for array in arrays), mel.frame, mel.hop, mel.fft, mel.mels, mel.first)
    samples = np.ascontiguousarray(pcm)
    y = np.empty((len(pcm), mel.frames(pcm.shape[-1]), mel.mels), np.int16)
    work = np.empty(mel.fft, np.int32)
    sizes = (*samples.shape, y.shape[1])
    kernel(ctypes.byref(tables), samples.ctypes.data, *sizes, y.ctypes.data, work.ctypes.data)
    return y


@cache
def _kernel() -> ctypes._NamedFuncPointer | None:
    """The compiled kernel; None where it cannot be compiled here."""
    try:
        with tempfile.TemporaryDirectory(prefix="edgernn-features-") as folder:
            built = Path(folder) / "features.so"
            sources = [DRIVER, *(RUNTIME / f"{name}.c" for name in sorted(FEATURES))]
            compiler.shared_library(compiler.find(), sources, built, (f"-I{RUNTIME}",))
            kernel = ctypes.CDLL(str(built)).driver_log_mel
    except (EdgernnError, OSError):
        return None
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    kernel.restype, kernel.argtypes = None, [pointer, pointer, size, size, size, pointer, pointer]
    return kernel
