"""The boards: what each is, what compiles for it and what runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["arm", "riscv", "linux", "host", "wasm"]


@dataclass(frozen=True)
class Memory:
    """Where an image is linked to: addresses and sizes in bytes of what holds code and of RAM."""

    flash: int
    flash_bytes: int
    ram: int
    ram_bytes: int


@dataclass(frozen=True)
class Board:
    """One board.

    `about` says what it is and what stands for it. `gcc` are the flags of the board's own gcc, `zig` those of
    zig's clang; () where that compiler does not serve it. `machine` is QEMU's machine, for Linux its processor.
    `memory` is what the machine has; None where the operating system hands memory out.
    """

    name: str
    about: str
    kind: Kind
    gcc: tuple[str, ...] = ()
    zig: tuple[str, ...] = ()
    machine: str = ""
    memory: Memory | None = None

    @property
    def flash_bytes(self) -> int | None:
        """What the emulated machine has for code and constants; None where there is no such limit."""
        return self.memory.flash_bytes if self.memory else None

    @property
    def ram_bytes(self) -> int | None:
        """What the emulated machine has for states and the stack; None where there is no such limit."""
        return self.memory.ram_bytes if self.memory else None


_KIB = 1024
_MIB = 1024 * _KIB


def _arm(cpu: str, about: str, machine: str, memory: Memory, *floats: str) -> Board:
    gcc = (f"-mcpu={cpu}", "-mthumb", *floats)
    target = "thumb-freestanding-eabihf" if floats else "thumb-freestanding-eabi"
    zig = ("-target", target, f"-mcpu={cpu.replace('-', '_')}")
    return Board(cpu, about, "arm", gcc, zig, machine, memory)


_MPS2 = Memory(0x0000_0000, 4 * _MIB, 0x2000_0000, 4 * _MIB)
_ALL = (
    _arm(
        "cortex-m0plus",
        "Arm Cortex-M0+ (ARMv6-M, no division, no FPU); the emulated core is QEMU's Cortex-M0, of the same ISA",
        "microbit",
        Memory(0x0000_0000, 256 * _KIB, 0x2000_0000, 16 * _KIB),
    ),
    _arm(
        "cortex-m4",
        "Arm Cortex-M4 with FPU (ARMv7E-M: the DSP instructions) on Arm's MPS2 AN386",
        "mps2-an386",
        _MPS2,
        "-mfloat-abi=hard",
        "-mfpu=fpv4-sp-d16",
    ),
    _arm(
        "cortex-m7",
        "Arm Cortex-M7 with FPU (ARMv7E-M: the DSP instructions) on Arm's MPS2 AN500",
        "mps2-an500",
        _MPS2,
        "-mfloat-abi=hard",
        "-mfpu=fpv5-d16",
    ),
    _arm(
        "cortex-m33",
        "Arm Cortex-M33 with FPU and DSP (ARMv8-M Mainline), in its secure state, on Arm's MPS2 AN505",
        "mps2-an505",
        Memory(0x1000_0000, 4 * _MIB, 0x3800_0000, 2 * _MIB),
        "-mfloat-abi=hard",
        "-mfpu=fpv5-sp-d16",
    ),
    _arm(
        "cortex-m55",
        "Arm Cortex-M55 with FPU and Helium (ARMv8.1-M) on Arm's MPS3 AN547",
        "mps3-an547",
        Memory(0x0000_0000, 512 * _KIB, 0x2000_0000, 512 * _KIB),
        "-mfloat-abi=hard",
    ),
    Board(
        "riscv32",
        "RV32IMC, 32-bit RISC-V with multiplication and compressed instructions, on QEMU's virt",
        "riscv",
        ("-march=rv32imc", "-mabi=ilp32"),
        ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        "virt",
        Memory(0x8000_0000, 32 * _MIB, 0x8200_0000, 32 * _MIB),
    ),
    Board(
        "aarch64",
        "64-bit Arm Linux (ARMv8-A with NEON), static: runs on any Android phone through adb; here a Cortex-A53",
        "linux",
        zig=("-target", "aarch64-linux-musl", "-mcpu=generic", "-static"),
        machine="cortex-a53",
    ),
    Board("host", "this machine, a plain process", "host"),
    Board(
        "wasm",
        "WebAssembly with 128-bit SIMD, freestanding, as a browser runs it; here wasmtime",
        "wasm",
        zig=("-target", "wasm32-freestanding", "-mcpu=generic+simd128"),
    ),
)
BOARDS: Mapping[str, Board] = {board.name: board for board in _ALL}
