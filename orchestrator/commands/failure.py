"""What a failed command prints: one message for what the user can put right, a traceback only for a fault of ours.

Every package raises its own exceptions; this is the one place that turns them into words and an exit code.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass

import typer

from orchestrator.known_errors import is_known

ERROR = 1
INFEASIBLE = 2

_REMEDIES = {
    FileNotFoundError: "; check the path, and make the folder if a file is to be written there",
    IsADirectoryError: "; name a file",
    NotADirectoryError: "; name a folder, or a file in one",
    FileExistsError: "; name another path, or a folder",
    PermissionError: "; name a path that you may read or write",
}
"""What to do about a path that the system refuses."""


@dataclass(slots=True)
class Debugging:
    """Whether failures are to be printed with their traceback; `--debug` sets it."""

    enabled: bool = False


def expected_message(error: BaseException) -> str | None:
    """The message of a failure that a user can put right; None for a fault of the program."""
    if isinstance(error, typer.TyperException):
        return _usage_message(error)
    if isinstance(error, typer.Abort):
        return "stopped"
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        remedy = next((text for kind, text in _REMEDIES.items() if isinstance(error, kind)), "")
        return f"{error.filename}: {reason}{remedy}" if error.filename else reason
    return str(error) if is_known(error) else None


def report_failure(error: Exception, debugging: Debugging) -> int:
    """Prints the failure and gives the exit code."""
    if isinstance(error, BrokenPipeError):
        # The reader of our output has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    message = expected_message(error)
    if debugging.enabled or message is None:
        traceback.print_exception(error)
    if message is None:
        message = (
            f"{type(error).__name__}: {error}\nThis is a fault of the orchestrator; report it with the lines above."
        )
    typer.echo(message if message.startswith("Usage:") else f"error: {message}", err=True)
    return ERROR


def _usage_message(error: typer.TyperException) -> str:
    message = error.format_message()
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None or message.startswith("Usage:"):
        return message
    return f"{message}\nSee '{context.command_path} --help'."
