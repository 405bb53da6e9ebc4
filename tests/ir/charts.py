"""What every chart keeps, and the lines that its two texts may have."""

from __future__ import annotations

import re

from ir.chart import Chart, Cluster, Node

LABEL = r'"[A-Za-z0-9 _.,:()=+*/|#;<>-]*"'
KEY = r"n\d+_\w*"
MERMAID_LINE = re.compile(
    rf"flowchart TD|end|subgraph {KEY}\[{LABEL}\]|{KEY} <?(?:-->|-- {LABEL} -->|-\.->|-\. {LABEL} \.->) {KEY}"
    rf"|{KEY}(?:\[\[{LABEL}\]\]|\[/{LABEL}/\]|\[\\{LABEL}\\\]|\[\({LABEL}\)\]|\[{LABEL}\]|>{LABEL}\]"
    rf"|\{{\{{{LABEL}\}}\}}|\(\[{LABEL}\]\)|\{{{LABEL}\}}|\(\({LABEL}\)\))"
)
STRING = r'"(?:[^"\\]|\\["\\n])*"'
ATTRIBUTE = rf"(?:shape=\w+|label={STRING}|[lh][a-z]*=cluster_{KEY}|style=dashed|dir=both)"
DOT_LINE = re.compile(
    rf"digraph \{{|compound=true;|\}}|subgraph cluster_{KEY} \{{|label={STRING};"
    rf"|{KEY}(?: -> {KEY})?(?: \[{ATTRIBUTE}(?:, {ATTRIBUTE})*\])?;"
)


def check_chart(chart: Chart) -> dict[str, str]:
    """Of each part, the cluster around it or an empty text; fails for a chart that cannot be drawn as it is meant."""
    around: dict[str, str] = {}

    def enter(parts: tuple[Node | Cluster, ...], inside: str) -> None:
        for part in parts:
            assert re.fullmatch(KEY, part.key)
            assert part.key not in around, "a key twice"
            around[part.key] = inside
            if isinstance(part, Cluster):
                assert part.parts, "an empty cluster"
                enter(part.parts, part.key)

    enter(chart.parts, "")
    for link in chart.links:
        assert {link.source, link.target} <= set(around)
        assert link.source not in clusters(link.target, around), "a link between a cluster and its own part"
        assert link.target not in clusters(link.source, around), "a link between a cluster and its own part"
    return around


def clusters(key: str, around: dict[str, str]) -> set[str]:
    """The clusters around a part."""
    found: set[str] = set()
    while key := around[key]:
        found.add(key)
    return found


def strange_lines(text: str, grammar: re.Pattern[str]) -> list[str]:
    """Lines that the grammar does not have."""
    return [line for line in text.splitlines() if not grammar.fullmatch(line.strip())]
