"""Finds `is` and `isinstance` on values in an agent's body, which Python answers without asking the value.

Every other question to a symbolic value raises; these two would silently take one branch, so the source is read
instead.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any

from orchestrator.errors import TraceError
from orchestrator.source import display_path

_QUESTIONS = frozenset({"isinstance", "type", "callable", "id"})


def check_identity_tests(function: Callable[..., Any]) -> None:
    """Raise `TraceError` at the first `is`, `isinstance`, `type`, `callable` or `id` on a parameter or local name."""
    code: CodeType = function.__code__
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} | set(code.co_varnames)
    names |= set(code.co_cellvars)
    for node in ast.walk(tree):
        found = _test(node)
        if found is None:
            continue
        question, asked = found
        read = sorted(part.id for part in ast.walk(asked) if isinstance(part, ast.Name) and part.id in names)
        if read and isinstance(node, ast.expr):
            raise TraceError(
                f"`{question}` asks the value of {read[0]!r}, which does not exist while the agent is traced",
                "compare with `==` (also `== None`), or test it inside a @compute function",
                f"{display_path(code.co_filename)}:{code.co_firstlineno + node.lineno - 1}",
            )


def _test(node: ast.AST) -> tuple[str, ast.AST] | None:
    """The word of an identity test and the expression that it asks."""
    match node:
        case ast.Compare(ops=operators) if any(isinstance(operator, ast.Is | ast.IsNot) for operator in operators):
            return "is", node
        case ast.Call(func=ast.Name(id=name), args=[asked, *_]) if name in _QUESTIONS:
            return name, asked
        case _:
            return None
