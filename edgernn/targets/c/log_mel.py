"""The tables of a log-mel feature as C source."""

from __future__ import annotations

import numpy as np

from edgernn.features.log_mel import LogMel
from edgernn.targets.c import literals


def tables(mel: LogMel, name: str = "log_mel") -> str:
    """The constant `name`, an `ernn_log_mel` of edgernn_features.h, and the arrays that it points to.

    All are static and const. The samples of a stream need `frame` int16, a call's scratch `fft` int32.
    """
    twiddles = np.minimum(mel.twiddles, 2**15 - 1)  # the 1 of the first one, which no kernel reads
    arrays = (
        ("int16_t", "window", mel.window),
        ("int16_t", "twiddle", twiddles),
        ("uint16_t", "weight", mel.weights),
        ("uint16_t", "count", mel.counts),
    )
    fields = [f"{name}_{part}" for _, part, _ in arrays]
    fields += [str(size) for size in (mel.frame, mel.hop, mel.fft, mel.mels, mel.first)]
    text = "".join(_array(dtype, f"{name}_{part}", values) for dtype, part, values in arrays)
    return f"{_about(mel)}{text}static const ernn_log_mel {name} = {{\n    {', '.join(fields)},\n}};\n"


def _about(mel: LogMel) -> str:
    bands = f"{mel.mels} mel bands, {mel.low_hz:g} to {mel.high_hz:g} Hz"
    return f"/* {bands}, of {mel.frame} samples at {mel.rate_hz} Hz, every {mel.hop} */\n"


def _array(dtype: str, name: str, values: np.ndarray) -> str:
    lines = literals.lines(literals.integer(int(value)) for value in np.ravel(values))
    body = "".join(f"    {line}\n" for line in lines)
    return (
        f"static const {dtype} {name}[] = {{\n{body}}};\n"
        f"ERNN_ASSERT({name}, sizeof {name} == {values.size} * sizeof({dtype}));\n"
    )
