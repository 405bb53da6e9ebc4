"""Where the user wrote something: the first frame outside this package, as `file:line`.

Every build-time error and every task carries such a place, so that a message leads to the line to change.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = str(Path(__file__).parent) + "/"
_SKIPPED = (_PACKAGE, "<frozen ")
_SKIPPED_MODULES = frozenset({"contextlib", "functools"})


def user_location() -> str:
    """`file:line` of the nearest caller outside this package, relative to the working directory if below it."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # the documented cheap way to a caller's frame
    while frame.f_back is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith(_SKIPPED) and frame.f_globals.get("__name__") not in _SKIPPED_MODULES:
            break
        frame = frame.f_back
    return f"{display_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def display_path(filename: str) -> str:
    """A path relative to the working directory, with forward slashes; unchanged where it lies elsewhere."""
    if filename.startswith("<"):
        return filename
    path = Path(filename)
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
