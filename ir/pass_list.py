"""Passes as text, as stock `xdsl-opt -p` reads them: `decompose-llm,shard-tensor-parallel{shards=2}`.

The default pipeline has no parameters and leaves some passes out; a list of one's own is how these are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import ArgSpecParseError, PassFailedException

from ir.pipeline import CAPTURE
from ir.runner import AfterEach, apply_passes
from ir.universe import ORCHESTRATOR_UNIVERSE


class PassListError(ValueError):
    """A list of passes that cannot be read, or a pass of it that the module does not allow."""


def read_passes(text: str) -> tuple[ModulePass, ...]:
    """The passes of a list, in its order. Raises `PassListError` for what is none or has another option."""
    known = dict(ORCHESTRATOR_UNIVERSE.all_passes)
    try:
        return PassPipeline.parse_spec(known, text).passes
    except (ValueError, ArgSpecParseError) as error:
        raise PassListError(f"cannot read the passes {text!r}: {error}; known passes: {', '.join(known)}") from None


def run_listed(module: ModuleOp, passes: Sequence[ModulePass], after_each: AfterEach | None = None) -> ModuleOp:
    """Run passes in place as `ir.runner.apply_passes` does, and return the module.

    `after_each(name, module)` is called first for `capture`, then for each pass. Raises `PassListError` where a pass
    refuses the module.
    """
    running = ""

    def told() -> Iterator[ModulePass]:
        nonlocal running
        for each in passes:
            running = each.name
            yield each

    if after_each is not None:
        after_each(CAPTURE, module)
    try:
        apply_passes(module, told(), after_each)
    except PassFailedException as error:
        raise PassListError(f"{running}: {error}") from None
    return module
