"""TensorBoard logs: `tensorboard --logdir <build folder>/logs`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgernn.errors import InputError
from edgernn.train.backend import tf


class Logs:
    """Scalars by epoch, in event files below `folder`; every run of the program adds a file.

    Raises InputError where the folder cannot be written or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.writer = tf.summary.create_file_writer(str(folder))
        except OSError as error:
            raise self._refused(str(error.strerror)) from None
        except tf.errors.OpError as error:
            raise self._refused(error.message) from None

    def write(self, epochs: int, scalars: Mapping[str, float]) -> None:
        """Write what holds after `epochs` epochs and have it on disk, so that a curve can be watched."""
        try:
            with self.writer.as_default(step=epochs):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
            self.writer.flush()
        except tf.errors.OpError as error:
            raise self._refused(error.message) from None

    def _refused(self, message: str) -> InputError:
        reason = " ".join(message.split()).rpartition("}} ")[2]  # without TensorFlow's name of the operation
        return InputError(f"cannot write {self.folder}: {reason}; free space or choose --out")
