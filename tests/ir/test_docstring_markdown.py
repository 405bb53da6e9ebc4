"""Docstrings as Markdown: text stays, code is fenced."""

import pytest

from ir.docstring_markdown import docstring_markdown


def a() -> None:
    """Says what.

    %a = tool.invoke @search(query = %q)
      : (!agent.json) -> !agent.json

    Goes on with `%b`.

        %c = one

        %d = two

    And last

    agent.graph @a(q) { ... }
    """


def without() -> None: ...


def test_code_is_fenced_and_text_stays() -> None:
    assert docstring_markdown(a).splitlines() == [
        "Says what.",
        "",
        "```mlir",
        "%a = tool.invoke @search(query = %q)",
        "  : (!agent.json) -> !agent.json",
        "```",
        "",
        "Goes on with `%b`.",
        "",
        "```mlir",
        "%c = one",
        "",
        "%d = two",
        "```",
        "",
        "And last",
        "",
        "```mlir",
        "agent.graph @a(q) { ... }",
        "```",
    ]


def test_what_has_no_docstring_is_refused() -> None:
    with pytest.raises(ValueError, match="has no docstring"):
        docstring_markdown(without)
