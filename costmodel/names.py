"""Finds an entry by its id or by a short alias, and says what is near when there is none.

One rule for devices and models: the exact id wins, else the alias must be the beginning of exactly one id.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def candidates(name: str, ids: Iterable[str]) -> tuple[str, ...]:
    """The ids that `name` can stand for: itself when it is an id, else all that begin with it, in order."""
    known = tuple(ids)
    if name in known:
        return (name,)
    return tuple(sorted(each for each in known if name and each.startswith(name)))


def nearest(name: str, ids: Iterable[str]) -> str:
    """A hint for an unknown name: the id most like it, or the whole list when nothing is like it."""
    known = sorted(ids)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def resolve(name: str, ids: Iterable[str]) -> str:
    """The one id that `name` stands for. Raises LookupError whose text says what is known, or the candidates."""
    known = tuple(ids)
    found = candidates(name, known)
    if len(found) == 1:
        return found[0]
    if found:
        raise LookupError(f"{name!r} is the beginning of several: {', '.join(found)}. Write one of them in full")
    raise LookupError(f"{name!r} is not known; {nearest(name, known)}")
