# SPDX-License-Identifier: Apache-2.0
"""The activity model with LiteRT: a stream frame by frame with the step model, and whole windows.

python3 main.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

HERE = Path(__file__).parent
MODEL = HERE / ".." / "model"
ABOUT = json.loads((MODEL / "activity.json").read_text())  # channels, labels, mean and std, as in the model files
FRAMES, RATE_HZ = ABOUT["steps"], round(ABOUT["rate_hz"])
COUNTS_PER_UNIT = np.array([4096, 4096, 4096, *[16.4 * 57.29577951] * 3], np.float32)  # see stream/stream.h


class Model:
    """A .tflite file; the first input and output are the model's, those that follow are states."""

    def __init__(self, name: str) -> None:
        self.interpreter = Interpreter(str(MODEL / name), num_threads=1)
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def start(self) -> list[np.ndarray]:
        """The states at the start of a stream."""
        return [np.zeros(port["shape"], port["dtype"]) for port in self.inputs[1:]]

    def run(self, frames: np.ndarray, states: list[np.ndarray]) -> tuple[str, list[np.ndarray]]:
        """The label for raw frames, int16 counts [frames, 6], and the states after them."""
        for port, value in zip(self.inputs, [self.quantized(frames), *states], strict=True):
            self.interpreter.set_tensor(port["index"], value.reshape(port["shape"]))
        self.interpreter.invoke()
        output, *states = (self.interpreter.get_tensor(port["index"]) for port in self.outputs)
        return ABOUT["labels"][int(output.argmax())], states

    def quantized(self, frames: np.ndarray) -> np.ndarray:
        """Counts to units, normalised, to the model's int8."""
        scale, zero_point = self.inputs[0]["quantization"]
        real = (frames / COUNTS_PER_UNIT - np.float32(ABOUT["mean"])) / np.float32(ABOUT["std"])
        return np.clip(np.rint(real / scale + zero_point), -128, 127).astype(np.int8)


def main() -> None:
    counts = np.loadtxt(HERE / "../stream/recording.csv", np.int16, delimiter=",", usecols=range(6))
    step, window = Model("step.int8.tflite"), Model("model.int8.tflite")
    for recording in counts.reshape(-1, FRAMES, 6):
        print("recording")
        states = step.start()
        for number, frame in enumerate(recording, start=1):
            label, states = step.run(frame, states)
            if number % RATE_HZ == 0:
                print(f"{number // RATE_HZ} s  {label}")
        print(f"window  {window.run(recording, [])[0]}")


if __name__ == "__main__":
    main()
