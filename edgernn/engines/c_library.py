"""A C folder as a library of this machine: compiled once, kept in the user's cache, loaded into this process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from edgernn import archive
from edgernn.engines import compiler
from edgernn.errors import InputError, MissingToolError

KEPT = 256  # libraries in the cache; the one that was not used for longest goes first
_DRIVER = Path(__file__).with_name("c_driver.c")
_FUNCTIONS = {  # of the driver: how many pointers and how many sizes they take; those of steps are not always there
    "driver_quantize": (2, 1),
    "driver_dequantize": (2, 1),
    "driver_sequences": (2, 2),
    "driver_reset": (1, 1),
    "driver_steps": (2, 2),
    "driver_trace": (4, 2),
}
_PROCESSOR = (  # of /proc/cpuinfo: what a compiler that builds for this processor goes by
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),
    *("CPU implementer", "CPU variant", "CPU part", "Features", "isa", "uarch"),
)


def open_library(folder: Path) -> ctypes.CDLL:
    """The library of the model in a C folder, from the cache if the same was compiled before.

    The key is a sha256 of sources, flags, compiler and processor. A cache that cannot be written is done without.
    Raises InputError for what is no C folder, MissingToolError without a C compiler for this machine, ExportError
    when the compiler refuses the sources.
    """
    name, sources = model_name(folder), _sources(folder)
    return _library(name, sources, compiler.fingerprint())


def model_name(folder: Path) -> str:
    """The name of the folder's model, that of its one source file that is no kernel.

    Raises InputError when there is not exactly one.
    """
    names = [file.stem for file in sorted(folder.glob("*.c")) if not file.name.startswith("ernn_")]
    if len(names) != 1:
        raise InputError(
            f"{folder} is no C folder of a model, such as artifacts/c/int8 of a build; correct the path"
        )
    return names[0]


def constant(library: ctypes.CDLL, name: str) -> int:
    return ctypes.c_size_t.in_dll(library, name).value


def labels(library: ctypes.CDLL) -> tuple[str, ...]:
    """The names of the classes; none where the header has none."""
    count = constant(library, "driver_label_count")
    if not count:
        return ()
    table = ctypes.POINTER(ctypes.c_char_p).in_dll(library, "driver_labels")
    return tuple((table[i] or b"").decode() for i in range(count))


def cache_folder() -> Path:
    """Where libraries are kept: $EDGERNN_CACHE, else the user's cache folder."""
    chosen = os.environ.get("EDGERNN_CACHE")
    return (Path(chosen) if chosen else Path(platformdirs.user_cache_dir("edgernn"))) / "libraries"


def _sources(folder: Path) -> tuple[tuple[str, str], ...]:
    files = sorted(file for file in folder.iterdir() if file.suffix in {".c", ".h"})
    return tuple((file.name, file.read_text("utf-8")) for file in files)


@cache
def _library(name: str, sources: tuple[tuple[str, str], ...], compilers: str) -> ctypes.CDLL:
    kept = cache_folder() / f"{name}-{_key(name, sources, compilers)}.so"
    library = _loaded(kept) or _compiled(name, dict(sources), kept)
    for function, (pointers, sizes) in _FUNCTIONS.items():
        if hasattr(library, function):
            getattr(library, function).restype = None
            getattr(library, function).argtypes = (*[ctypes.c_void_p] * pointers, *[ctypes.c_size_t] * sizes)
    return library


def _key(name: str, sources: tuple[tuple[str, str], ...], compilers: str) -> str:
    flags = (compiler.OPTIMISATIONS, compiler.COMMON, _flags(name))
    told = (sources, _DRIVER.read_text("utf-8"), flags, compilers, _processor())
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def _flags(name: str) -> tuple[str, ...]:
    upper = name.upper()
    return f'-DHEADER="{name}.h"', f"-DMODEL(suffix)={name}##suffix", f"-DSIZE(suffix)={upper}##suffix"


@cache
def _processor() -> str:
    """What distinguishes this processor from one that could not run, or not best run, what was built for it."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    pairs = (line.partition(":")[::2] for line in first.splitlines())
    return repr((platform.machine(), [(k.strip(), v) for k, v in pairs if k.strip() in _PROCESSOR]))


def _loaded(kept: Path) -> ctypes.CDLL | None:
    """The library of the cache, marked as used; None if it is not there, or damaged."""
    try:
        os.utime(kept)
        return ctypes.CDLL(str(kept))
    except OSError:
        return None


def _compiled(name: str, sources: Mapping[str, str], kept: Path) -> ctypes.CDLL:
    """Compile and load; only what this process could load gets into the cache."""
    cc = compiler.find()
    with tempfile.TemporaryDirectory(prefix="edgernn-c-") as folder:
        for file, text in sources.items():
            (Path(folder) / file).write_text(text, "utf-8")
        files = [*sorted(Path(folder).glob("*.c")), _DRIVER]
        built = Path(folder) / kept.name
        compiler.shared_library(cc, files, built, (f"-I{folder}", *_flags(name)))
        try:
            library = ctypes.CDLL(str(built))
        except OSError:
            raise MissingToolError(f"{cc.version} compiles for another machine; unset CC or correct it") from None
        with suppress(InputError, OSError):
            archive.write_bytes(kept, built.read_bytes())
            _forget_old(kept.parent)
    return library


def _forget_old(folder: Path) -> None:
    """Keep the `KEPT` libraries used last; a process that has one of the others open keeps its copy."""
    found = sorted(folder.glob("*.so"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in found[KEPT:]:
        file.unlink(missing_ok=True)
