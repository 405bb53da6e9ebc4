"""Which operations change nothing but their value, so that passes may drop them or make one of two.

A failure is no effect: what is dropped can no longer fail. Whatever is not listed here has effects.
"""

from __future__ import annotations

from xdsl.ir import Operation

from ir.dialects import agent, llm, memory, model, tool
from ir.dialects.control import FanoutOp, FusedOp, LoopOp, ReactOp, WhenOp, YieldOp

_ALWAYS = (agent.ExprOp, YieldOp, llm.CallLlmOp, model.RunOp)
_WHERE_PURE = (tool.InvokeOp, agent.ComputeOp, memory.LookupOp, memory.LoadOp)
_CONTROL = (WhenOp, LoopOp, FanoutOp, ReactOp, FusedOp)


def is_effect_free(op: Operation) -> bool:
    """Whether an operation and everything in its regions change nothing; a language model and any other never do."""
    if isinstance(op, _ALWAYS):
        return True
    if isinstance(op, _CONTROL):
        return all(is_effect_free(inner) for region in op.regions for inner in region.block.ops)
    return is_pure_call(op)


def is_pure_call(op: Operation) -> bool:
    """Whether an operation is a call that changes nothing and gives the same value for the same arguments."""
    return isinstance(op, _WHERE_PURE) and op.pure is not None


def reads_memory(op: Operation) -> bool:
    """Whether the value of a call depends on what was stored before it."""
    return isinstance(op, memory.LookupOp | memory.LoadOp)


def writes_memory(op: Operation) -> bool:
    """Whether an operation, or one in its regions, writes what a later call may read."""
    return any(isinstance(inner, memory.StoreOp | agent.CallOp) for inner in op.walk())
