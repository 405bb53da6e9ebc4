"""Charts as data."""

from ir.chart import Cluster, Node, nodes, shorten

LEAF, OTHER = Node("a", "input", ("a",)), Node("b", "output", ("b",))


def test_the_nodes_of_a_part_in_order() -> None:
    assert list(nodes(LEAF)) == [LEAF]
    assert list(nodes(Cluster("c", ("c",), (LEAF, Cluster("d", ("d",), (OTHER,)))))) == [LEAF, OTHER]


def test_a_long_line_is_shortened() -> None:
    assert shorten("x" * 60) == "x" * 60
    assert shorten("x" * 61) == "x" * 57 + "..."
