"""Which function references are well formed: a hostile one must not name a file outside the working directory."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from orchestrator.graph import FunctionRef

MODULE_PREFIX = "module:"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def function_ref_problem(ref: FunctionRef) -> tuple[str, str, str] | None:
    """The field that is wrong, what is wrong with it and the remedy; None for a well-formed reference."""
    if not _is_source(ref.source):
        return "source", f"is {ref.source[:80]!r}", "write a .py path below the working directory, or module:pkg.mod"
    if not ref.qualname.isidentifier():
        return "qualname", f"is {ref.qualname[:80]!r}", "write the name of a function at the top level of its module"
    if not _SHA256.fullmatch(ref.sha256):
        return "sha256", f"is {ref.sha256[:80]!r}", "write the 64 hex digits of the source file's SHA-256"
    return None


def _is_source(source: str) -> bool:
    if source.startswith(MODULE_PREFIX):
        return all(part.isidentifier() for part in source.removeprefix(MODULE_PREFIX).split("."))
    path = PurePosixPath(source)
    plain = path.suffix == ".py" and path.as_posix() == source and "\\" not in source and "\0" not in source
    return plain and not path.is_absolute() and ".." not in path.parts
