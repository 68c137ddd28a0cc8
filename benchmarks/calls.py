"""One step from Python, in microseconds: `edgernn.load` beside the step models of LiteRT and onnxruntime.

python benchmarks/calls.py build/activity

All of one build, one thread, the fastest of ten rounds.
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import edgernn

CALLS = 2_000  # of a round
ROUNDS = 10


def main() -> None:
    build = Path(sys.argv[1])
    print("| step | µs a call |\n|---|---|")
    for name, call in calls(build).items():
        print(f"| {name} | {fastest(call):.2f} |")


def calls(build: Path) -> dict[str, Callable[[], Any]]:
    """By name, a call that does one step on a frame."""
    found = {"edgernn.load": loaded(build)}
    found |= {f"LiteRT, {path.name}": litert(path) for path in sorted((build / "artifacts").glob("step.*.tflite"))}
    found |= {f"onnxruntime, {path.name}": onnx(path) for path in sorted((build / "artifacts").glob("step.*.onnx"))}
    return found


def fastest(call: Callable[[], Any]) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def loaded(build: Path) -> Callable[[], Any]:
    model = edgernn.load(build)
    frame = np.zeros(model.inputs, np.float32)
    return lambda: model.step(frame)


def litert(path: Path) -> Callable[[], Any]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter.invoke


def onnx(path: Path) -> Callable[[], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    types = {
        "tensor(float)": np.float32,
        "tensor(int8)": np.int8,
        "tensor(uint8)": np.uint8,
        "tensor(int16)": np.int16,
    }
    feed = {one.name: np.zeros([s or 1 for s in one.shape], types[one.type]) for one in session.get_inputs()}
    return lambda: session.run(None, feed)


if __name__ == "__main__":
    main()
