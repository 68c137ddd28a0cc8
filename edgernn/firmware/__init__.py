"""Generated C on boards: images, the emulators that run them, and what they measure.

`boards.BOARDS` has the boards, `run.measure` builds and runs a model on one, `image.build` only builds it.
"""

from edgernn.firmware.boards import BOARDS, Board
from edgernn.firmware.image import Image, build
from edgernn.firmware.run import Measured, emulator_version, input_file, measure
from edgernn.firmware.toolchain import Optimisation

__all__ = [
    "BOARDS",
    "Board",
    "Image",
    "Measured",
    "Optimisation",
    "build",
    "emulator_version",
    "input_file",
    "measure",
]
