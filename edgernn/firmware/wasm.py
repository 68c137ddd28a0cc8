"""WebAssembly modules on wasmtime, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.errors import ExportError, MissingToolError
from edgernn.firmware.emulator import Ran
from edgernn.firmware.image import Image
from edgernn.firmware.interface import Interface

if TYPE_CHECKING:
    import wasmtime

_PAINT = 0xA5
_FUEL = 1 << 62
_PAGE = 65536


def version() -> str:
    """Raises MissingToolError when wasmtime is not installed."""
    try:
        return f"wasmtime {metadata.version('wasmtime')}"
    except metadata.PackageNotFoundError:
        raise MissingToolError("wasmtime is not installed; `pip install wasmtime` adds it") from None


def run(image: Image, model: Interface, x: np.ndarray) -> Ran:
    """Run the module on windows [windows, steps, inputs]; what it gives is as the output file of harness.c.

    `instructions` are wasmtime's fuel: 1 for every WebAssembly instruction executed, none for those that only
    structure code (block, loop, end, else, nop, drop, return, unreachable). They are not those of a processor.
    Raises ExportError when the module traps.
    """
    import wasmtime

    results = model.results(x.shape[1], image.form)
    instance = _Instance.of(image, model, x, results)
    try:
        return instance.windows(x)
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        raise ExportError(f"the image for wasm failed: {str(error).splitlines()[-1].strip()}") from None


@dataclass(frozen=True)
class _Instance:
    """A module in memory; addresses of the model's state, of its input and of its output of `y_bytes`."""

    store: wasmtime.Store
    exports: Any
    memory: Any
    image: Image
    model: Interface
    state: int
    x: int
    y: int
    y_bytes: int

    @classmethod
    def of(cls, image: Image, model: Interface, frames: np.ndarray, results: int) -> _Instance:
        import wasmtime

        config = wasmtime.Config()
        config.consume_fuel = True
        engine = wasmtime.Engine(config)
        store = wasmtime.Store(engine)
        store.set_fuel(_FUEL)
        module = wasmtime.Module(engine, image.path.read_bytes())
        exports: Any = wasmtime.Instance(store, module, []).exports(store)
        y_bytes = 2 * model.outputs * (1 if image.form == "step" else results)
        x_bytes = frames[0].nbytes // (frames.shape[1] if image.form == "step" else 1)
        state = _aligned(exports["__heap_base"].value(store))
        x = _aligned(state + model.state_bytes)
        y = _aligned(x + x_bytes)
        memory = exports["memory"]
        missing = y + y_bytes - memory.data_len(store)
        if missing > 0:
            memory.grow(store, -(-missing // _PAGE))
        return cls(store, exports, memory, image, model, state, x, y, y_bytes)

    def windows(self, frames: np.ndarray) -> Ran:
        found, counts, stack = bytearray(), [], 0
        for index, window in enumerate(frames):
            self._paint(index)
            if self.image.form == "step":
                self._call("reset", self.state)
            for call in window if self.image.form == "step" else (window,):
                counts.append(self._infer(call, len(window)))
                found += self.memory.read(self.store, self.y, self.y + self.y_bytes)
            stack = stack or self._used()
        return Ran(bytes(found) + np.uint32(stack).tobytes(), tuple(counts))

    def _infer(self, frames: np.ndarray, steps: int) -> int:
        """One inference; gives its fuel."""
        self.memory.write(self.store, frames.tobytes(), self.x)
        before = self.store.get_fuel()
        if self.image.form == "step" or self.model.window is not None:
            self._call(self.image.form, self.state, self.x, self.y)
        else:
            self._call("sequence", self.state, self.x, steps, self.y)
        return before - self.store.get_fuel()

    def _call(self, function: str, *arguments: int) -> None:
        self.exports[f"{self.model.name}_{function}"](self.store, *arguments)

    def _stack(self) -> tuple[int, int]:
        """Where the stack in memory begins and ends; locals that are in no memory take none of it."""
        top, data_end = (self.exports[name].value(self.store) for name in ("__stack_pointer", "__data_end"))
        return (data_end if data_end < top else 0), top

    def _paint(self, index: int) -> None:
        low, top = self._stack()
        if index == 0:
            self.memory.write(self.store, bytes([_PAINT]) * (top - low), low)

    def _used(self) -> int:
        low, top = self._stack()
        left = self.memory.read(self.store, low, top)
        return len(bytes(left).lstrip(bytes([_PAINT])))


def _aligned(address: int) -> int:
    return (address + 15) & ~15
