"""What a generated header says of its model: the sizes that a harness needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgernn.errors import InputError
from edgernn.network import Form
from edgernn.targets.c import model_name


@dataclass(frozen=True)
class Interface:
    """`window` is the number of frames that a model takes which reads whole windows only, None of a stream."""

    name: str
    inputs: int
    outputs: int
    input_type: np.dtype
    state_bytes: int
    every_step: bool
    window: int | None
    window_results: int

    @classmethod
    def of(cls, sources: Path) -> Interface:
        """Of the C folder `sources`; raises InputError where its header does not say what it must."""
        name = model_name(sources)
        header = (sources / f"{name}.h").read_text("utf-8")
        found = {key: int(value) for key, value in re.findall(rf"#define {name.upper()}_(\w+) (\d+)\b", header)}
        dtype = re.search(rf"typedef (int8|int16)_t {name}_input_t;", header)
        try:
            return cls(
                name,
                found["INPUTS"],
                found["OUTPUTS"],
                np.dtype(dtype[1] if dtype else "V"),
                found["STATE_BYTES"],
                bool(found["EVERY_STEP"]),
                None if found["STREAMS"] else found["STEPS"],
                found.get("RESULTS", 1),
            )
        except KeyError as missing:
            raise InputError(
                f"{sources / name}.h has no {name.upper()}_{missing.args[0]}; build it again"
            ) from None

    def check(self, x: np.ndarray, form: Form) -> None:
        """Raises InputError when the model does not take the windows `x` [windows, steps, inputs] in this form."""
        if x.ndim != 3 or x.shape[2] != self.inputs or x.dtype != self.input_type:
            taken = f"{self.input_type} [windows, steps, {self.inputs}]"
            raise InputError(f"{self.name} takes {taken}, not {x.dtype} {list(x.shape)}")
        if self.window is not None and form == "step":
            raise InputError(f"{self.name} takes whole windows only: it has a sequence form and no step form")
        if self.window not in (None, x.shape[1]):
            raise InputError(f"{self.name} takes windows of {self.window} frames, not {x.shape[1]}")

    def results(self, steps: int, form: Form) -> int:
        """How many outputs a window of so many steps gives."""
        if self.window is not None:
            return self.window_results
        return steps if form == "step" or self.every_step else 1
