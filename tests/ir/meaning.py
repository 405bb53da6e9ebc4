"""What a module answers, and when a pass has kept it."""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import ModuleOp

from ir.expression import ExpressionError
from ir.interpreter import InterpretError, interpret
from tests.ir.graphs import INPUTS, LEAVES


def outcome(module: ModuleOp) -> tuple[str, Any]:
    """What a module answers, or why it has no answer."""
    try:
        return "value", interpret(module, INPUTS, LEAVES)
    except (InterpretError, ExpressionError) as error:
        return "error", type(error)


def keeps_values(before: tuple[str, Any], after: tuple[str, Any]) -> bool:
    """Whether a value stayed what it was; where there was none, what failed may have been dropped."""
    return before[0] == "error" or repr(before) == repr(after)
