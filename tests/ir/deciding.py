"""Decisions without a solver: any alternative for each choice, one pool for every operator."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import ModuleOp, StringAttr

from ir.dialects.assembly import names_of
from ir.dialects.decision import CHOSEN, POOL
from ir.dialects.plan import ChooseOp
from placement.data_flow import OPERATOR_OPS


def decide(module: ModuleOp, take: Callable[[tuple[str, ...]], str]) -> ModuleOp:
    """The module with what placement would write; `take` picks from the names of a choice's alternatives."""
    for op in module.walk():
        if isinstance(op, ChooseOp):
            op.attributes[CHOSEN] = StringAttr(take(names_of(op.names)))
        elif op.name in OPERATOR_OPS:
            op.attributes[POOL] = StringAttr("p0")
    return module
