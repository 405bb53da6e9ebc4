import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.sla import STATS, Stat
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, OpNode, Problem
from placement.quantile import counted_branches, repeats
from tests.placement.problems import chain, operator, pool, problem

EMPTY = Block((), ())


def loop(expect: float, max_iters: int, minimum: int = 0) -> LoopNode:
    return LoopNode("loop", expect, max_iters, EMPTY, minimum)


def branch(name: str, p: float, inner: Block = EMPTY, other: Block = EMPTY) -> BranchNode:
    return BranchNode(name, (p, 1.0 - p), (inner, other))


def of(*nodes: BranchNode | LoopNode | FanoutNode | ChooseNode, choices: tuple[tuple[str, ...], ...] = ()) -> Problem:
    return problem((operator("a", (0, 1.0, 1.0)),), chain(OpNode(0), *nodes), pools=(pool("p"),), choices=choices)


def test_the_mean_and_the_worst_case_are_what_the_loop_states() -> None:
    assert repeats(loop(1.4, 3), "mean") == 1.4
    assert repeats(loop(1.4, 3), "worst") == 3.0


@pytest.mark.parametrize(("stat", "expected"), [("p50", 0.0), ("p95", 4.0), ("p99", 6.0)])
def test_quantiles_of_a_loop_that_goes_on_with_probability_one_half(stat: Stat, expected: float) -> None:
    # q = 1/2, M = 10: mean = 1/2 + 1/4 + .. + 1/1024 = 1 - 1/1024.
    # p50: q^1 = 0.5 <= 0.5, k = 0.  p95: q^5 = 0.03125 <= 0.05 < q^4, k = 4.  p99: q^7 = 0.0078 <= 0.01 < q^6, k = 6.
    assert repeats(loop(1.0 - 1.0 / 1024.0, 10), stat) == expected


def test_the_minimum_shifts_a_quantile_and_the_cap_ends_it() -> None:
    # As above behind 2 sure repetitions: 2 + 4.
    assert repeats(loop(3.0 - 1.0 / 1024.0, 12, minimum=2), "p95") == 6.0
    # q = 1/2, M = 3: q^3 = 0.125 > 0.05, so the 95th percentile is the cap.
    assert repeats(loop(0.875, 3), "p95") == 3.0


@pytest.mark.parametrize("stat", ["p50", "p95", "p99"])
def test_a_loop_without_variance_has_one_quantile(stat: Stat) -> None:
    assert repeats(loop(3.0, 3), stat) == 3.0
    assert repeats(loop(2.0, 5, minimum=2), stat) == 2.0


@given(st.integers(0, 3), st.integers(0, 20), st.floats(0.0, 1.0))
def test_quantiles_grow_from_the_minimum_to_the_worst_case(minimum: int, more: int, share: float) -> None:
    node = loop(minimum + share * more, minimum + more, minimum)
    p50, p95, p99, worst = (repeats(node, stat) for stat in ("p50", "p95", "p99", "worst"))
    assert minimum <= p50 <= p95 <= p99 <= worst


def test_the_mean_and_the_worst_case_count_every_branch_even_one_of_probability_zero() -> None:
    found = of(branch("b", 0.0))
    assert counted_branches(found, "worst") == counted_branches(found, "mean") == {"b": (True, True)}


def test_a_percentile_leaves_out_branches_of_total_probability_up_to_half_its_tail() -> None:
    # p95 leaves out (1 - 0.95) / 2 = 0.025: 0.01 + 0.015 = 0.025 just fits, then 0.02 does not.
    found = of(branch("a", 0.01), branch("b", 0.02), branch("c", 0.015))
    assert counted_branches(found, "p95") == {"a": (False, True), "b": (True, True), "c": (False, True)}
    # p99 leaves out 0.005: none. p50 leaves out 0.25: 0.01 + 0.015 + 0.02.
    assert counted_branches(found, "p99") == dict.fromkeys("abc", (True, True))
    assert counted_branches(found, "p50") == dict.fromkeys("abc", (False, True))


def test_a_node_keeps_one_branch_and_a_branch_of_probability_zero_goes_first() -> None:
    thirds = BranchNode("thirds", (0.125, 0.125, 0.75), (EMPTY, EMPTY, EMPTY))
    assert counted_branches(of(thirds), "p50") == {"thirds": (False, False, True)}
    assert counted_branches(of(branch("zero", 0.0)), "p99") == {"zero": (False, True)}


def test_a_branch_inside_another_counts_once() -> None:
    # The inner block is taken with 0.1 * 0.2 = 0.02 <= 0.025. Leaving out the outer one as well needs 0.1, not 0.12.
    inner = branch("inner", 0.2)
    assert counted_branches(of(branch("outer", 0.1, chain(inner))), "p95") == {
        "outer": (True, True),
        "inner": (False, True),
    }
    # (1 - 0.5) / 2 = 0.25: the outer block with 0.25 fits, with what is inside it.
    assert counted_branches(of(branch("outer", 0.25, chain(branch("inner", 0.5)))), "p50")["outer"] == (False, True)


def test_a_branch_in_a_loop_is_as_likely_as_it_is_often_taken() -> None:
    # 5 repetitions of 0.02: up to 0.1 of the runs take it, over 0.025; 0.5 repetitions: 0.01.
    often = LoopNode("loop", 5.0, 9, chain(branch("b", 0.02)))
    seldom = LoopNode("loop", 0.5, 9, chain(branch("b", 0.02)))
    wide = FanoutNode("fan", 5.0, 9, chain(branch("b", 0.02)))
    assert counted_branches(of(often), "p95") == {"b": (True, True)}
    assert counted_branches(of(seldom), "p95") == {"b": (False, True)}
    assert counted_branches(of(wide), "p95") == {"b": (True, True)}


def test_a_branch_in_an_alternative_counts_as_if_it_were_taken() -> None:
    choose = ChooseNode(0, (chain(branch("b", 0.02)), EMPTY))
    assert counted_branches(of(choose, choices=(("one", "two"),)), "p95") == {"b": (False, True)}


@pytest.mark.parametrize("stat", STATS)
def test_a_problem_without_branches_counts_none(stat: Stat) -> None:
    assert counted_branches(of(), stat) == {}
