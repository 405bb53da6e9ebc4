"""Charts as DOT: a golden text, links cut off at clusters, and labels that cannot leave their quotes."""

import re
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from ir.chart import Chart, Cluster, Link, Node, Shape
from ir.chart_dot import chart_to_dot, quoted
from tests.ir.charts import DOT_LINE, STRING, strange_lines

INSIDE = Cluster("n3_each", ("each",), (Node("n4_item", "value", ("item",)), Node("n5_find", "call", ("find", "x2"))))
CHART = Chart(
    (Node("n1_q", "input", ("q",)), Cluster("n2_fan", ("fan",), (INSIDE,)), Node("n6_end", "output", ('say "it"',))),
    (
        Link("n1_q", "n3_each", "each item", dashed=True),
        Link("n4_item", "n5_find"),
        Link("n2_fan", "n6_end"),
        Link("n1_q", "n6_end", both_ways=True),
    ),
)


def test_nodes_clusters_and_links() -> None:
    assert chart_to_dot(CHART).splitlines() == [
        "digraph {",
        "  compound=true;",
        '  n1_q [shape=oval, label="q"];',
        "  subgraph cluster_n2_fan {",
        '    label="fan";',
        "    subgraph cluster_n3_each {",
        '      label="each";',
        '      n4_item [shape=circle, label="item"];',
        '      n5_find [shape=parallelogram, label="find\\nx2"];',
        "    }",
        "  }",
        '  n6_end [shape=oval, label="say \\"it\\""];',
        '  n1_q -> n4_item [lhead=cluster_n3_each, label="each item", style=dashed];',
        "  n4_item -> n5_find;",
        "  n5_find -> n6_end [ltail=cluster_n2_fan];",
        "  n1_q -> n6_end [dir=both];",
        "}",
    ]


def test_every_shape_has_an_outline() -> None:
    text = chart_to_dot(Chart(tuple(Node(f"n1_{each}", each, (each,)) for each in get_args(Shape)), ()))
    assert len(text.splitlines()) == 3 + len(get_args(Shape))
    assert strange_lines(text, DOT_LINE) == []


@given(st.lists(st.text()))
def test_a_label_cannot_leave_its_quotes(lines: list[str]) -> None:
    text = quoted(tuple(lines))
    assert re.fullmatch(STRING, text)
    assert len(text.splitlines()) == 1


def test_special_characters_show_as_they_are() -> None:
    assert quoted(('a"b\\c & d\n',)) == '"a\\"b\\\\c &amp; d\N{REPLACEMENT CHARACTER}"'
