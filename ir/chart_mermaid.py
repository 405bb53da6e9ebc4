"""A chart as the text of a Mermaid flowchart, which many readers of Markdown draw.

Labels hold names and constants of users, so whatever Mermaid might take for its own is written as a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ir.chart import Chart, Cluster, Label, Link, Node, Shape, shorten

_OUTLINES: dict[Shape, tuple[str, str]] = {
    "input": ("([", "])"),
    "output": ("([", "])"),
    "model": ("[[", "]]"),
    "call": ("[/", "/]"),
    "memory": ("[(", ")]"),
    "compute": ("[", "]"),
    "comm": ("[\\", "\\]"),
    "condition": ("{", "}"),
    "value": ("((", "))"),
    "note": (">", "]"),
    "ask": ("{{", "}}"),
}
_PLAIN = re.compile(r"[^A-Za-z0-9 _.,:()=+*/|-]")


def chart_to_mermaid(chart: Chart) -> str:
    """The text of a `flowchart TD`; no label can change the drawing."""
    lines = [line for part in chart.parts for line in _part(part, 1)]
    return "\n".join(["flowchart TD", *lines, *map(_link, chart.links)]) + "\n"


def label_text(label: Label) -> str:
    """A label that Mermaid shows as it is: lines shortened, with every special character as its code."""
    return "<br/>".join(_PLAIN.sub(lambda found: f"#{ord(found[0])};", shorten(line)) for line in label)


def _part(part: Node | Cluster, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(part, Node):
        left, right = _OUTLINES[part.shape]
        yield f'{indent}{part.key}{left}"{label_text(part.label)}"{right}'
        return
    yield f'{indent}subgraph {part.key}["{label_text(part.label)}"]'
    for inner in part.parts:
        yield from _part(inner, depth + 1)
    yield f"{indent}end"


def _link(link: Link) -> str:
    start, bare, end = ("-.", "-.->", ".->") if link.dashed else ("--", "-->", "-->")
    arrow = f'{start} "{label_text((link.label,))}" {end}' if link.label else bare
    return f"  {link.source} {'<' * link.both_ways}{arrow} {link.target}"
