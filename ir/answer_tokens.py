"""How many tokens a value has when a model reads it, as far as the operations that make it say.

A react's prompt grows by what its tools answer; a tool may be an agent, whose answer comes out of several operations.
"""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr
from xdsl.ir import BlockArgument, Operation, Region, SSAValue

from ir.dialects import agent, control, llm, moe, plan
from ir.view import number


def answer_tokens(region: Region) -> float | None:
    """Mean tokens of what a region yields; None where something that it comes from states no length."""
    last = region.block.last_op
    return None if last is None else value_tokens(last.operands[0])


def tool_tokens(react: control.ReactOp) -> float | None:
    """Mean tokens that a tool tells the model between two turns, whichever tool it is; None where one states none."""
    answers = [answer_tokens(region) for region in react.tools]
    total = _sum(answers)
    return total / len(answers) if answers and total is not None else total


def value_tokens(value: SSAValue) -> float | None:
    """Mean tokens of a value.

    A branch counts by its probability, a fan-out by its mean width. An expression counts as all that it reads, which is
    an upper bound for one that selects. None for a length that nothing states, such as that of an agent's input.
    """
    if isinstance(value.type, llm.TokensType | moe.RoutesType):
        return value.type.count.value.data if isinstance(value.type.count, FloatAttr) else None
    if isinstance(value, BlockArgument):
        return _passed_in(value)
    return _made_by(value.owner, value) if isinstance(value.owner, Operation) else None


def _passed_in(argument: BlockArgument) -> float | None:
    """The length of what an alternative of a choice is given; of any other block's argument nothing is known."""
    around = argument.block.parent_op()
    return value_tokens(around.operands[argument.index]) if isinstance(around, plan.ChooseOp) else None


def _made_by(op: Operation, value: SSAValue) -> float | None:
    match op:
        case agent.ExprOp():
            return _sum([value_tokens(operand) for operand in op.operands])
        case agent.ObserveOp() | llm.ParseOp():
            return value_tokens(op.operands[0])
        case plan.ChooseOp():
            last = op.alternatives[0].block.last_op
            return None if last is None else value_tokens(last.operands[op.results.index(value)])
        case control.WhenOp():
            return _branch(op)
        case control.LoopOp():
            return answer_tokens(op.body)
        case control.FanoutOp():
            return _times(op.expect.value.data, answer_tokens(op.body))
        case control.ReactOp():
            return answer_tokens(op.turn)
        case control.FusedOp():
            return answer_tokens(op.body)
        case _:
            return number(op, "tokens_out")


def _branch(op: control.WhenOp) -> float | None:
    then, orelse = answer_tokens(op.then), answer_tokens(op.orelse)
    if then == orelse:
        return then
    p = number(op, "p")
    return None if p is None else _sum([_times(p, then), _times(1 - p, orelse)])


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value
