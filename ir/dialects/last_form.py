"""The rules of the last form of a graph, from which the plan document is built by reading attributes alone.

The form is marked by `plan.last_form` on the graph, so that whoever reads one from text knows that it is whole.
"""

from __future__ import annotations

from xdsl.ir import Block, Operation
from xdsl.utils.exceptions import VerifyException

from ir.dialects.decision import FORWARDS, INPUTS, OPERATOR, POOL, InputsAttr, text
from ir.dialects.names import CHOICE, FUSED, own_id, region_parameters, value_id
from ir.dialects.task import FunctionOp
from ir.expression import ExpressionError, parse, references


def verify_last_form(body: Block, parameters: tuple[str, ...]) -> None:
    """Check a graph's body. Raises `VerifyException`.

    No choice is left; every operation has inputs or only forwards values; every function's work is an operator with a
    pool and an id of its own, or a part of a fused one; every name in an expression is in scope. What only forwards
    brings no name into scope: its value dissolves into the expressions that read it.
    """
    _Walk().enter(body, frozenset(parameters))


class _Walk:
    """One pass over a graph; `operators` are the ids of operators so far."""

    def __init__(self) -> None:
        self.operators: set[str] = set()

    def enter(self, block: Block, around: frozenset[str]) -> None:
        scope = set(around)
        for op in block.ops:
            self.check_kind(op)
            _check_scope(op, scope)
            for region, parameters in zip(op.regions, region_parameters(op), strict=True):
                self.enter(region.block, frozenset(scope.union(parameters)))
            name = value_id(op)
            if name is not None and FORWARDS not in op.attributes:
                scope.add(name)

    def check_kind(self, op: Operation) -> None:
        what = _name(op)
        if op.name == CHOICE:
            raise VerifyException(f"the last form has no choices, but {what} is one; run select-alternatives first")
        if (INPUTS in op.attributes) == (FORWARDS in op.attributes):
            raise VerifyException(f"{what} must have either {INPUTS} or {FORWARDS} in the last form")
        operator = text(op, OPERATOR)
        if operator is None:
            if op.name == FUSED or (isinstance(op, FunctionOp) and not _is_part(op)):
                raise VerifyException(f"{what} is work of a function and has no {OPERATOR}")
            return
        if text(op, POOL) is None:
            raise VerifyException(f"the operator {operator!r} has no {POOL}; placement writes it")
        if operator in self.operators:
            raise VerifyException(f"two operators have the id {operator!r}; an id is unique in a plan")
        self.operators.add(operator)


def _check_scope(op: Operation, scope: set[str]) -> None:
    inputs = op.attributes.get(INPUTS)
    if not isinstance(inputs, InputsAttr):
        return
    rest = inputs.rest_text()
    for expression in [*inputs.named().values(), *([] if rest is None else [rest])]:
        try:
            unknown = references(parse(expression)) - scope
        except ExpressionError as error:
            raise VerifyException(f"an input of {_name(op)} is no expression: {error}") from None
        if unknown:
            raise VerifyException(
                f"an input of {_name(op)} reads {min(unknown)!r}, which is not in scope: {expression}"
            )


def _is_part(op: Operation) -> bool:
    """Whether an operation runs within another or only forwards what it reads."""
    around = op.parent_op()
    return FORWARDS in op.attributes or (around is not None and around.name == FUSED)


def _name(op: Operation) -> str:
    identifier = own_id(op)
    return op.name if identifier is None else f"{op.name} @{identifier}"
