"""What can go wrong, by the exit code it ends in.

Every message is one line that says what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class EdgernnError(Exception):
    """Base of all errors that edgernn raises on purpose; `exit_code` is what the command ends with."""

    exit_code = 4


class InputError(EdgernnError):
    """The user's input (recipe, data, option, folder) is wrong."""

    exit_code = 2


class MissingToolError(EdgernnError):
    """A tool, an engine or a device that the request needs is not there."""

    exit_code = 3


class ExportError(EdgernnError):
    """A written artifact is not what was asked for; it is a bug in edgernn, never the user's."""

    exit_code = 4
