"""Tells the exceptions that our packages raise on purpose from faults of the program.

Every package has its own exceptions, and each means something that the user can put right; the command line and the
server show them as one message.
"""

from __future__ import annotations

_PACKAGES = frozenset(("orchestrator", "runtime", "placement", "ir", "costmodel"))


def is_known(error: BaseException) -> bool:
    """Whether the exception's class is defined in one of our packages."""
    return type(error).__module__.partition(".")[0] in _PACKAGES
