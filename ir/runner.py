"""Applies passes to a module in memory, one after another, and verifies what comes out.

Every way to run passes shares what makes it fast: nothing is printed and read between two passes, the verifier runs no
more often than someone looks, and Python does not search for garbage among operations that all live on.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from ir.verifier import Verifier

AfterEach = Callable[[str, ModuleOp], None]
"""Looks at the module after a pass, which it gets by name."""


def apply_passes(module: ModuleOp, passes: Iterable[ModulePass], after_each: AfterEach | None = None) -> None:
    """Apply passes in place. The module is verified after the last, and after each that `after_each` looks at.

    To verify a whole module takes as long as several passes, so that between two of them only what changed is verified
    again. Raises what a pass does, and `VerifyException`.
    """
    context, verifier = Context(), Verifier()
    with _without_collection():
        for each in passes:
            each.apply(context, module)
            if after_each is not None:
                verifier.verify(module)
                after_each(each.name, module)
        if after_each is None:
            module.verify()


@contextmanager
def _without_collection() -> Generator[None]:
    """No search for cycles meanwhile: each would walk every operation made so far, and find next to nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
