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
            self.writer = tf.summary.create_file_writer(str(folder))
        except tf.errors.OpError as error:
            raise self._refused(error) from None

    def write(self, epoch: int, scalars: Mapping[str, float]) -> None:
        """Write `scalars` under their names and have them on disk, so that a curve can be watched."""
        try:
            with self.writer.as_default(step=epoch):
                for name, value in scalars.items():
                    tf.summary.scalar(name, value)
            self.writer.flush()
        except tf.errors.OpError as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> InputError:
        reason = str(error).splitlines()[0]
        return InputError(
            f"cannot write {self.folder}: {reason}; free space or choose another folder with --out"
        )
