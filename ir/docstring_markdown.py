"""Docstrings as Markdown: paragraphs stay, what is indented or begins like an operation becomes a block of code.

The page on the IR shows the docstrings themselves, so that source and page cannot say different things.
"""

from __future__ import annotations

import inspect
import re
import textwrap

_OPERATION = re.compile(r"%\w+[^=]*=|[a-z]+\.[a-z_]+ @")


def docstring_markdown(documented: object) -> str:
    """The docstring of a module, class or function as Markdown. Raises `ValueError` where there is none."""
    text = inspect.getdoc(documented) if documented is not None else None
    if not text:
        raise ValueError(f"{documented!r} has no docstring; the page on the IR is made of docstrings")
    return "\n\n".join(_shown(paragraphs) for paragraphs in _grouped(text))


def _grouped(text: str) -> list[list[str]]:
    """Paragraphs, with neighbours that are code in one group."""
    groups: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", text):
        if groups and _is_code(paragraph) and _is_code(groups[-1][0]):
            groups[-1].append(paragraph)
        else:
            groups.append([paragraph])
    return groups


def _is_code(paragraph: str) -> bool:
    lines = paragraph.splitlines()
    return all(line.startswith(" ") for line in lines) or _OPERATION.match(lines[0]) is not None


def _shown(paragraphs: list[str]) -> str:
    text = "\n\n".join(paragraphs)
    return f"```mlir\n{textwrap.dedent(text).rstrip()}\n```" if _is_code(paragraphs[0]) else text
