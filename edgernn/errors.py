"""What can go wrong, by the exit code it ends in.

Every message is one line that says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line ends with."""

    DONE = 0  # and all gates passed
    GATE_FAILED = 1
    INPUT = 2
    MISSING_TOOL = 3
    INTERNAL = 4
    INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


class EdgernnError(Exception):
    """Base of all errors that edgernn raises on purpose; `exit_code` is what the command ends with."""

    exit_code = ExitCode.INTERNAL


class InputError(EdgernnError):
    """The user's input (recipe, data, option, folder) is wrong."""

    exit_code = ExitCode.INPUT


class MissingToolError(EdgernnError):
    """A tool, an engine or a device that the request needs is not there."""

    exit_code = ExitCode.MISSING_TOOL


class ExportError(EdgernnError):
    """A written artifact is not what was asked for; it is a bug in edgernn, never the user's."""
