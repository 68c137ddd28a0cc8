"""The recipe's sections on targets: which artifacts to write, and the board that the C code must fit."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from edgernn.firmware import BOARDS, Optimisation
from edgernn.network import Form, Precision
from edgernn.section import Flag, Section, Whole, nearest

Bytes = Annotated[Whole, Field(gt=0)]


class BoardSection(Section):
    """A board that the C code is built for, must fit and, where its emulator is installed, runs on."""

    name: str  # of the boards that `edgernn doctor` lists
    flash_max: Bytes | None = None  # code and constants of the model and its kernels, for the larger image
    ram_max: Bytes | None = None  # its state, other static data and deepest stack
    run: Flag = True  # on the emulator, with windows of the test split; the outputs must equal the reference
    optimise: Literal["size", "speed", "both"] = "both"  # -Os, -O3, or an image of each

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in BOARDS:
            raise ValueError(f"is {value!r}, which is not a board{nearest(value, BOARDS)}")
        return value

    @model_validator(mode="after")
    def _measurable(self) -> BoardSection:
        if self.ram_max is not None and not self.run:
            raise ValueError("has ram_max and run: false, and only a run tells the stack; remove one of them")
        return self

    @property
    def optimisations(self) -> tuple[Optimisation, ...]:
        return get_args(Optimisation) if self.optimise == "both" else (self.optimise,)


class TargetSection(Section):
    """Artifacts of one target: every combination of these that the target has; without `forms`, all it can have."""

    forms: Annotated[tuple[Form, ...], Field(min_length=1)] | None = None
    precisions: Annotated[tuple[Precision, ...], Field(min_length=1)] = ("float32", "dynamic", "int8")
    integer_sequence: Flag = False  # onnx: integer sequences too, which onnxruntime runs as a slow loop
    board: BoardSection | None = None  # c: build for a board too


DEFAULT_TARGETS = {
    "tflite": TargetSection(),
    "onnx": TargetSection(),
    "c": TargetSection(precisions=("int8",)),
}
