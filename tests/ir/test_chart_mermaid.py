"""Charts as Mermaid: a golden text, and labels that cannot leave their quotes."""

import re
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from ir.chart import Chart, Cluster, Link, Node, Shape
from ir.chart_mermaid import chart_to_mermaid, label_text
from tests.ir.charts import LABEL, MERMAID_LINE, strange_lines

CHART = Chart(
    (
        Node("n1_q", "input", ("q",)),
        Cluster("n2_loop", ("loop", "max 3"), (Node("n3_say", "model", ('say "it"', "a or b")),)),
    ),
    (
        Link("n1_q", "n3_say"),
        Link("n3_say", "n3_say", "next", dashed=True),
        Link("n1_q", "n3_say", "kv<1>"),
        Link("n1_q", "n3_say", dashed=True, both_ways=True),
    ),
)


def test_nodes_clusters_and_links() -> None:
    assert chart_to_mermaid(CHART).splitlines() == [
        "flowchart TD",
        '  n1_q(["q"])',
        '  subgraph n2_loop["loop<br/>max 3"]',
        '    n3_say[["say #34;it#34;<br/>a or b"]]',
        "  end",
        "  n1_q --> n3_say",
        '  n3_say -. "next" .-> n3_say',
        '  n1_q -- "kv#60;1#62;" --> n3_say',
        "  n1_q <-.-> n3_say",
    ]


def test_every_shape_has_an_outline() -> None:
    text = chart_to_mermaid(Chart(tuple(Node(f"n1_{each}", each, (each,)) for each in get_args(Shape)), ()))
    assert len(text.splitlines()) == 1 + len(get_args(Shape))
    assert strange_lines(text, MERMAID_LINE) == []


@given(st.lists(st.text()))
def test_a_label_cannot_leave_its_quotes(lines: list[str]) -> None:
    assert re.fullmatch(LABEL, f'"{label_text(tuple(lines))}"')


def test_special_characters_are_written_as_codes() -> None:
    assert label_text(('a"b<c>\u00e9',)) == "a#34;b#60;c#62;#233;"
    assert label_text(("x" * 70,)) == "x" * 57 + "..."
