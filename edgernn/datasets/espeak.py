"""Speech by espeak-ng, in a process of its own: the library prints, keeps global state, and may crash.

    python -m edgernn.datasets.espeak ORDERS.json SPEECH.npz

ORDERS.json is a list of [text, voice, rate, pitch, range]. A voice is a language and a variant, `en-us+m3`.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgernn import archive
from edgernn.errors import ExportError, MissingToolError

PACKAGE = "espeakng-loader"
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS of speak_lib.h
_CHARACTERS = 1  # POS_CHARACTER
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Utterance(NamedTuple):
    """What to say and how: `rate` in words a minute (80 to 450), `pitch` and its `range` from 0 to 99."""

    text: str
    voice: str
    rate: int
    pitch: int
    range: int


def installed() -> str:
    """The version of espeak-ng's package; empty when it is not installed."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def version() -> str:
    """The version of espeak-ng's package.

    Raises MissingToolError when it is not installed.
    """
    found = installed()
    if not found:
        raise MissingToolError(
            f"{PACKAGE} is needed to speak words; install it with: pip install 'edgernn[speech,audio]'"
        )
    return found


def speak(utterances: Sequence[Utterance]) -> tuple[list[np.ndarray], int]:
    """The speech of each utterance, int16 [samples], and the samples a second.

    The same utterances give the same samples. Raises MissingToolError when espeak-ng is not installed, ExportError
    when it fails.
    """
    version()
    with tempfile.TemporaryDirectory(prefix="edgernn-speech-") as folder:
        orders, speech = Path(folder) / "orders.json", Path(folder) / "speech.npz"
        orders.write_text(json.dumps(utterances), "utf-8")
        command = [sys.executable, "-m", "edgernn.datasets.espeak", str(orders), str(speech)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode or not speech.is_file():
            lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            raise ExportError(f"espeak-ng failed: {lines[-1].strip()}; please report this")
        header, arrays = archive.load(speech)
    parts = np.split(arrays["pcm"], np.cumsum(arrays["lengths"])[:-1])
    return list(parts), int(header["rate_hz"])


class _Speaker:
    """The library, initialised; what it says is kept by `say`."""

    def __init__(self, folder: Path) -> None:
        import espeakng_loader

        # through a short path: espeak-ng keeps 160 characters of it
        (folder / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path(), target_is_directory=True)
        self._random = ctypes.CDLL(None)
        self._library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        self.rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, str(folder).encode(), 0)
        if self.rate_hz <= 0:
            raise RuntimeError("it finds no data")
        self._said: list[np.ndarray] = []
        self._callback = _CALLBACK(self._keep)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, one: Utterance) -> np.ndarray:
        """int16 [samples]."""
        self._said = []
        self._random.srand(0)  # espeak-ng draws noise from it, and from a generator that it seeds by the clock
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        if self._library.espeak_SetVoiceByName(one.voice.encode()):
            raise RuntimeError(f"it has no voice {one.voice}")
        for parameter, value in ((_RATE, one.rate), (_PITCH, one.pitch), (_RANGE, one.range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        text = one.text.encode()
        if self._library.espeak_Synth(text, len(text) + 1, 0, _CHARACTERS, 0, _UTF8, None, None):
            raise RuntimeError(f"it cannot say {one.text!r}")
        return np.concatenate(self._said or [np.zeros(0, np.int16)])

    def _keep(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _: int | None) -> int:
        if samples and count > 0:
            self._said.append(np.ctypeslib.as_array(samples, (count,)).astype(np.int16))
        return 0  # go on


def main(orders: Path, speech: Path) -> None:
    """Say all orders, and write the samples one after the other."""
    with tempfile.TemporaryDirectory(prefix="espeak-") as folder:
        speaker = _Speaker(Path(folder))
        said = [speaker.say(Utterance(*order)) for order in json.loads(orders.read_text("utf-8"))]
    lengths = np.array([len(one) for one in said], np.int64)
    archive.save(speech, {"rate_hz": speaker.rate_hz}, {"pcm": np.concatenate(said), "lengths": lengths})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
