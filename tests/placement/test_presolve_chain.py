from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.infeasible import InfeasibleError
from placement.presolve_chain import drop_replaced_places
from placement.problem import ChooseNode, DeviceCapacity, Edge, OpNode, Problem, Transfer
from placement.solve import solve
from tests.placement.problems import FREE, chain, operator, pool

WHOLE, APART, OFFLOAD = (0, 1), (2, 3), (4, 5, 6)
"""Operators of each alternative: first and last in one pool, in two, and with a middle one; 7 reads what they make."""

POOLS = (pool("a"), pool("b"), pool("c", "a", place="c"), pool("d", "b", place="d"))
"""Two pools of whole models, and two of middles on the same devices."""

Row = tuple[int, float, float]


def offered(
    first: tuple[Row, ...],
    whole: tuple[Row, ...],
    middle: tuple[Row, ...],
    last: tuple[Row, ...],
    moves: dict[str, dict[tuple[str, str], Transfer]],
    counts: tuple[int, int] = (8, 8),
) -> Problem:
    """Alternatives of one choice, as decompose-llm and offload-attention make them."""
    rows = (first, whole, first, whole, first, middle, last, ((0, 0.0, 0.0),))
    blocks = tuple(chain(*map(OpNode, members)) for members in (WHOLE, APART, OFFLOAD))
    edges = (
        Edge(2, 3, "kv_place", 1.0, 1.0, moves["kv"]),
        Edge(4, 5, "kv_place", 1.0, 1.0, moves["to_middle"]),
        Edge(5, 6, "kv_place", 1.0, 1.0, moves["between"]),
        *(Edge(end, 7, "place", 1.0, 1.0, moves["out"]) for end in (1, 3, 6)),
    )
    return Problem(
        name="offered",
        operators=tuple(operator(f"op{index}", *each) for index, each in enumerate(rows)),
        pools=POOLS,
        capacities=tuple(DeviceCapacity(name, count) for name, count in zip("ab", counts, strict=True)),
        edges=edges,
        root=chain(ChooseNode(0, blocks), OpNode(7)),
        choices=(("colocated", "disaggregated", "attention_offload"),),
        groups=(WHOLE,),
    )


def table(*pairs: tuple[str, str], seconds: float = 0.01) -> dict[tuple[str, str], Transfer]:
    return dict.fromkeys(pairs, Transfer(seconds, 0.0))


MOVES = {
    "kv": table(("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")),
    "to_middle": table(("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")),
    "between": table(("c", "a"), ("c", "b"), ("d", "a"), ("d", "b")),
    "out": {("a", "a"): FREE, ("b", "a"): FREE},
}
FIRST = ((0, 0.1, 1.0), (1, 0.1, 1.0))
ENDS = (("a", 0, 0.5, 5.0), ("b", 1, 0.5, 5.0))


def test_two_devices_of_a_class_that_do_what_one_can_are_left_out() -> None:
    # On a: 0.1 s and 1 USD of attention with 0.4 s and 4 USD of the rest are the 0.5 s and 5 USD of the whole, and more
    # moves. On b the attention costs half, so that c -> b and d -> a stay where a whole is dearer: 0.5 + 4 < 5.
    whole = ((0, 0.5, 5.0), (1, 0.5, 5.0))
    middle, last = ((2, 0.1, 1.0), (3, 0.1, 0.5)), ((0, 0.4, 4.0), (1, 0.4, 4.0))
    problem = offered(FIRST, whole, middle, last, MOVES)
    kept, dead = drop_replaced_places(problem)
    assert set(kept.edges[2].table) == {("d", "a"), ("d", "b")}
    assert dead == set()


def test_an_alternative_without_places_is_left_out_whole() -> None:
    whole, middle = ((0, 0.5, 5.0), (1, 0.5, 5.0)), ((2, 0.1, 1.0), (3, 0.1, 1.0))
    kept, dead = drop_replaced_places(offered(FIRST, whole, middle, ((0, 0.4, 4.0), (1, 0.4, 4.0)), MOVES))
    assert kept.edges[2].table == {}
    assert dead == set(OFFLOAD)


def test_a_whole_that_fits_nowhere_replaces_nothing() -> None:
    problem = offered(FIRST, (), ((2, 0.1, 1.0), (3, 0.1, 1.0)), ((0, 0.4, 4.0), (1, 0.4, 4.0)), MOVES)
    assert drop_replaced_places(problem) == (problem, set())


def test_a_stream_that_leaves_is_not_reasoned_about() -> None:
    whole, middle = ((0, 0.5, 5.0), (1, 0.5, 5.0)), ((2, 0.1, 1.0),)
    problem = offered(FIRST, whole, middle, ((0, 0.4, 4.0),), MOVES)
    edges = tuple(replace(edge, items=4.0) if edge.dst == 7 else edge for edge in problem.edges)
    streamed = replace(problem, edges=edges)
    assert drop_replaced_places(streamed) == (streamed, set())


seconds = st.integers(0, 6).map(lambda k: k * 0.01)
dollars = st.integers(0, 6).map(float)


def rows(pools: tuple[int, ...]) -> st.SearchStrategy[tuple[Row, ...]]:
    row = st.tuples(st.sampled_from(pools), seconds, dollars)
    return st.lists(row, min_size=1, max_size=3).map(tuple)


def moves(sources: str, targets: str) -> st.SearchStrategy[dict[tuple[str, str], Transfer]]:
    pairs = [(one, other) for one in sources for other in targets]
    move = st.builds(Transfer, seconds, dollars)
    return st.dictionaries(st.sampled_from(pairs), move, max_size=len(pairs))


@settings(max_examples=80, deadline=None)
@given(
    rows((0, 1)),
    rows((0, 1)),
    rows((2, 3)),
    rows((0, 1)),
    st.fixed_dictionaries(
        {
            "kv": moves("ab", "ab"),
            "to_middle": moves("ab", "cd"),
            "between": moves("cd", "ab"),
            "out": moves("ab", "a"),
        }
    ),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.one_of(st.none(), st.integers(1, 20).map(lambda k: Sla("worst", k * 0.01))),
)
def test_solve_finds_what_brute_force_finds(
    first: tuple[Row, ...],
    whole: tuple[Row, ...],
    middle: tuple[Row, ...],
    last: tuple[Row, ...],
    moves: dict[str, dict[tuple[str, str], Transfer]],
    counts: tuple[int, int],
    sla: Sla | None,
) -> None:
    problem = replace(offered(first, whole, middle, last, moves, counts), sla=sla)
    best = brute_force(problem).best
    smaller = brute_force(drop_replaced_places(problem)[0]).best
    assert (best is None) == (smaller is None)
    if best is None:
        with pytest.raises(InfeasibleError):
            solve(problem, gap=0.0)
        return
    assert smaller is not None
    assert smaller[1].objective_usd == pytest.approx(best[1].objective_usd, rel=1e-9)
    assert solve(problem, gap=0.0).evaluation.objective_usd == pytest.approx(best[1].objective_usd, rel=1e-7)
