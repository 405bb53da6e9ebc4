"""The passes in order, and running them on a module in memory up to a named stage.

A stage is the name of the pass after which it stands, or `capture` for the module as the front end emitted it.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.chunk_prefill import ChunkPrefillPass
from ir.passes.continue_turns import ContinueTurnsPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import DecomposeMoePass
from ir.passes.decompose_tool import DecomposeToolPass
from ir.passes.drop_unused import DropUnusedPass
from ir.passes.eliminate_common_calls import EliminateCommonCallsPass
from ir.passes.fuse_cpu import FuseCpuPass
from ir.passes.hoist_shared_prefix import HoistSharedPrefixPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.passes.lower_to_plan import LowerToPlanPass
from ir.passes.offload_attention import OffloadAttentionPass
from ir.passes.overlap_transfer import OverlapTransferPass
from ir.passes.select_alternatives import SelectAlternativesPass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.passes.split_encode import SplitEncodePass
from ir.passes.stream_edges import StreamEdgesPass
from ir.runner import AfterEach, apply_passes

CAPTURE = "capture"
"""The stage before the first pass."""

DEFAULT_PIPELINE: tuple[type[ModulePass], ...] = (
    InlineAgentsPass,
    DropUnusedPass,
    EliminateCommonCallsPass,
    FuseCpuPass,
    SplitEncodePass,
    DecomposeLlmPass,
    HoistSharedPrefixPass,
    ContinueTurnsPass,
    OffloadAttentionPass,
    OverlapTransferPass,
    DecomposeToolPass,
    StreamEdgesPass,
    AnnotateDemandPass,
)

OPTIONAL_PASSES: tuple[type[ModulePass], ...] = (
    DecomposeMoePass,
    ShardTensorParallelPass,
    ChunkPrefillPass,
)
"""Passes outside the default pipeline. But for those of `ON_REQUEST` placement refuses what they make.

Two show how a device group shares a model, which placement prices as rows for each degree of tensor parallelism.
"""

ON_REQUEST: dict[str, str] = {ChunkPrefillPass.name: OverlapTransferPass.name}
"""Passes that placement prices but that pay off mostly in what a plan does not promise, so that a user asks for them;
each with the pass of the default pipeline that it precedes. `docs/decisions/0012-chunks-on-request.md` has why."""

STAGES: tuple[str, ...] = (CAPTURE, *(each.name for each in DEFAULT_PIPELINE))
"""Every stage, in order; the last is what placement reads."""

SOLVE = "solve"
"""The stage after placement wrote its decision, before the passes that carry it out."""

AFTER_SOLVE: tuple[type[ModulePass], ...] = (SelectAlternativesPass, LowerToPlanPass)
"""The passes from a decision to the form that a plan document is built from."""

SOLVED_STAGES: tuple[str, ...] = (SOLVE, *(each.name for each in AFTER_SOLVE))
"""Every stage from the solve on, in order."""


class StageError(ValueError):
    """A stage that the pipeline does not have."""


def run_passes(
    module: ModuleOp,
    stage: str | None = None,
    after_each: AfterEach | None = None,
    leave_out: Set[str] = frozenset(),
    added: Sequence[ModulePass] = (),
) -> ModuleOp:
    """Run the passes up to and with `stage` (None: all of them) but those that `leave_out` names, in place; returns it.

    `added` are passes of `ON_REQUEST`, each run at its place; `StageError` for any other.
    `after_each(stage, module)` is called for each stage that is reached, `capture` first. The module is verified
    before each call of it, and after the last pass. Raises `StageError` for an unknown stage, `VerifyException` or
    `PassFailedException` for a bad module.
    """
    for each in added:
        if each.name not in ON_REQUEST:
            raise StageError(f"the pass {each.name!r} cannot be added to a plan; use one of {', '.join(ON_REQUEST)}")
    passes: list[ModulePass] = []
    for kind in _up_to(stage, STAGES, DEFAULT_PIPELINE):
        passes += [each for each in added if ON_REQUEST[each.name] == kind.name]
        if kind.name not in leave_out:
            passes.append(kind())
    return _run(module, CAPTURE, passes, after_each)


def run_after_solve(module: ModuleOp, stage: str | None = None, after_each: AfterEach | None = None) -> ModuleOp:
    """Run the passes after the solve on a module with a decision, as `run_passes` does; `solve` is the first stage."""
    passes = [each() for each in _up_to(stage, SOLVED_STAGES, AFTER_SOLVE)]
    return _run(module, SOLVE, passes, after_each)


def _up_to(
    stage: str | None, stages: tuple[str, ...], passes: tuple[type[ModulePass], ...]
) -> tuple[type[ModulePass], ...]:
    if stage is not None and stage not in stages:
        raise StageError(f"unknown stage {stage!r}; use one of {', '.join(stages)}")
    return passes if stage is None else passes[: stages.index(stage)]


def _run(module: ModuleOp, before: str, passes: Sequence[ModulePass], after_each: AfterEach | None) -> ModuleOp:
    if after_each is not None:
        after_each(before, module)
    apply_passes(module, passes, after_each)
    return module
