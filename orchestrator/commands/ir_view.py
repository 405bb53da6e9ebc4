"""A module as `ir` shows it: text, Mermaid or DOT, as it is or unrolled.

Apart from the command, which decides what is shown, so that each way to show it is one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from ir.unroll import Counts

Format = Literal["text", "mermaid", "dot"]

_COMMENTS: dict[Format, str] = {"text": "//", "mermaid": "%%", "dot": "//"}


def module_view(form: Format, counts: Counts | None) -> Callable[[ModuleOp], str]:
    """What makes of a module the text to print, unrolled where counts are given.

    It raises `UnrollError` for a module that would be too long.
    """
    if counts is None:
        return lambda module: _written(module, form)
    return lambda module: _unrolled(module, form, counts)


def _unrolled(module: ModuleOp, form: Format, counts: Counts) -> str:
    from ir.unroll import unroll

    result = unroll(module, counts)
    copies = ", ".join(f"{name} x{count}" for name, count in result.copies.items())
    return f"{_COMMENTS[form]} unrolled: {copies or 'nothing to unroll'}\n{_written(result.module, form)}"


def _written(module: ModuleOp, form: Format) -> str:
    if form == "text":
        from ir.text import plain_text

        return plain_text(module)
    from ir.graph_view import to_chart

    chart = to_chart(module)
    if form == "mermaid":
        from ir.chart_mermaid import chart_to_mermaid

        return chart_to_mermaid(chart).rstrip("\n")
    from ir.chart_dot import chart_to_dot

    return chart_to_dot(chart).rstrip("\n")
