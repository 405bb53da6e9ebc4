"""A chart as DOT, the language of Graphviz, which draws what is too large for Mermaid.

Graphviz links only nodes: a link from or to a cluster goes to a node in it and is cut off at the cluster's border.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ir.chart import Chart, Cluster, Label, Link, Node, Shape, nodes, shorten

_OUTLINES: dict[Shape, str] = {
    "input": "oval",
    "output": "oval",
    "model": "box3d",
    "call": "parallelogram",
    "memory": "cylinder",
    "compute": "box",
    "comm": "cds",
    "condition": "diamond",
    "value": "circle",
    "note": "note",
    "ask": "hexagon",
}


def chart_to_dot(chart: Chart) -> str:
    """The text of a digraph; no label can change the drawing."""
    ends = {key: node for part in chart.parts for key, node in _ends(part)}
    lines = [line for part in chart.parts for line in _part(part, 1)]
    links = [_link(link, ends) for link in chart.links]
    return "\n".join(["digraph {", "  compound=true;", *lines, *links, "}"]) + "\n"


def quoted(label: Label) -> str:
    """A label as a string of DOT that shows as it is: lines shortened, without control characters or entities."""
    return '"' + "\\n".join(_escaped(shorten(line)) for line in label) + '"'


def _escaped(line: str) -> str:
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _ends(part: Node | Cluster) -> Iterator[tuple[str, tuple[str, str]]]:
    """Of each cluster, the first and the last node in it, where links to it and from it are tied."""
    if isinstance(part, Cluster):
        inside = [node.key for node in nodes(part)]
        yield part.key, (inside[0], inside[-1])
        for inner in part.parts:
            yield from _ends(inner)


def _part(part: Node | Cluster, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(part, Node):
        yield f"{indent}{part.key} [shape={_OUTLINES[part.shape]}, label={quoted(part.label)}];"
        return
    yield f"{indent}subgraph cluster_{part.key} {{"
    yield f"{indent}  label={quoted(part.label)};"
    for inner in part.parts:
        yield from _part(inner, depth + 1)
    yield f"{indent}}}"


def _link(link: Link, ends: Mapping[str, tuple[str, str]]) -> str:
    source, target, said = link.source, link.target, list[str]()
    if source in ends:
        said.append(f"ltail=cluster_{source}")
        source = ends[source][1]
    if target in ends:
        said.append(f"lhead=cluster_{target}")
        target = ends[target][0]
    if link.label:
        said.append(f"label={quoted((link.label,))}")
    if link.dashed:
        said.append("style=dashed")
    if link.both_ways:
        said.append("dir=both")
    attributes = f" [{', '.join(said)}]" if said else ""
    return f"  {source} -> {target}{attributes};"
