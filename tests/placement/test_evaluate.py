import math

import pytest

from ir.sla import Sla
from placement.evaluate import PlacementError, Violation, evaluate, score
from placement.prepared import prepare
from placement.problem import (
    Block,
    BranchNode,
    ChooseNode,
    DeviceCapacity,
    Edge,
    FanoutNode,
    LoopNode,
    OpNode,
    Placement,
    Problem,
    Transfer,
)
from tests.placement.problems import FREE, chain, operator, parallel, pool, problem, worked_example

TWO = (pool("p"), pool("q"))


def at(*options: int | None, alternative: tuple[int, ...] = ()) -> Placement:
    return Placement(options, alternative)


@pytest.mark.parametrize(
    ("options", "latency_s", "cost_usd"),
    [
        # 0.080 + 0 + 0.025 s; 1000 * 0.00008 + 500 * 0.00006 = 0.08 + 0.03 $.
        ((0, 0), 0.105, 0.11),
        # 0.080 + 0.010 + 0.030 s; 0.08 + 1000 * 0.000005 + 500 * 0.00002 = 0.08 + 0.005 + 0.01 $.
        ((0, 1), 0.120, 0.095),
        # 0.130 + 0 + 0.030 s; 1000 * 0.00005 + 0.01 = 0.05 + 0.01 $.
        ((1, 1), 0.160, 0.06),
    ],
)
def test_the_worked_example(options: tuple[int, int], latency_s: float, cost_usd: float) -> None:
    found = evaluate(worked_example(0.120), at(*options))
    assert found.latency_s == pytest.approx(latency_s, rel=1e-12)
    assert found.latency_mean_s == found.latency_worst_s == found.latency_s
    assert found.cost_usd == found.objective_usd == pytest.approx(cost_usd, rel=1e-12)
    assert found.feasible == (latency_s <= 0.120)
    assert found.critical_path == (0, 1)


def test_the_worked_example_has_no_way_back() -> None:
    found = evaluate(worked_example(1.0), at(1, 0))
    assert found.violations == (Violation("transfer", "prefill at CO -> decode at HP", 1.0, 0.0),)


def test_a_plan_on_its_limit_keeps_it_and_one_over_it_by_more_than_rounding_does_not() -> None:
    # 0.1 + 0.2 is 0.30000000000000004.
    def limited(limit_s: float) -> Problem:
        operators = (operator("a", (0, 0.1, 1.0)), operator("b", (0, 0.2, 1.0)))
        return problem(operators, chain(OpNode(0), OpNode(1)), pools=TWO, sla=Sla("worst", limit_s))

    assert evaluate(limited(0.3), at(0, 0)).feasible
    # 0.3 s is over 0.2999999 s by 1e-7 s, a share of 3.3e-7.
    (violation,) = evaluate(limited(0.2999999), at(0, 0)).violations
    assert (violation.kind, violation.what, violation.limit) == ("sla", "worst", 0.2999999)
    assert violation.value == pytest.approx(0.3)


def branches_and_loops(stat: str, limit_s: float) -> Problem:
    """a, then a branch (b with 0.2, else c), then a loop of d (mean 2, at most 4), then three of e at once."""
    operators = (
        operator("a", (0, 1.0, 1.0)),
        operator("b", (0, 5.0, 10.0), visits=0.2),
        operator("c", (0, 2.0, 1.0), visits=0.8),
        operator("d", (0, 3.0, 1.0), visits=2.0),
        operator("e", (0, 1.5, 1.0), visits=2.5),
    )
    root = chain(
        OpNode(0),
        BranchNode("branch", (0.2, 0.8), (chain(OpNode(1)), chain(OpNode(2)))),
        LoopNode("loop", 2.0, 4, chain(OpNode(3))),
        FanoutNode("fan", 2.5, 3, chain(OpNode(4))),
    )
    return problem(operators, root, pools=TWO, sla=Sla(stat, limit_s))  # type: ignore[arg-type]


def test_means_weigh_branches_and_loops_and_the_worst_case_takes_the_longest() -> None:
    found = evaluate(branches_and_loops("mean", 20.0), at(0, 0, 0, 0, 0))
    # 1 + (0.2 * 5 + 0.8 * 2) + 2 * 3 + 1.5 = 1 + 2.6 + 6 + 1.5
    assert found.latency_mean_s == found.latency_s == pytest.approx(11.1)
    # 1 + max(5, 2) + 4 * 3 + 1.5
    assert found.latency_worst_s == pytest.approx(19.5)
    # 1 + 0.2 * 10 + 0.8 * 1 + 2 * 1 + 2.5 * 1
    assert found.cost_usd == pytest.approx(8.3)
    assert found.operator_cost_usd == pytest.approx((1.0, 2.0, 0.8, 2.0, 2.5))


def test_slack_is_what_one_visit_may_take_longer() -> None:
    # 11.1 s of 20 s: 8.9 s to spare. b weighs 0.2, c 0.8, d is repeated twice.
    found = evaluate(branches_and_loops("mean", 20.0), at(0, 0, 0, 0, 0))
    assert found.slack_s == pytest.approx((8.9, 8.9 / 0.2, 8.9 / 0.8, 8.9 / 2, 8.9))
    # 19.5 s of 20 s: 0.5 s to spare; c may take 3 s longer before it is slower than b; d is repeated 4 times.
    found = evaluate(branches_and_loops("worst", 20.0), at(0, 0, 0, 0, 0))
    assert found.slack_s == pytest.approx((0.5, 0.5, 3.5, 0.125, 0.5))
    assert found.critical_path == (0, 1, 3, 4)


def test_a_percentile_leaves_out_a_rare_branch_whose_slack_is_then_endless() -> None:
    # p50 leaves out probabilities up to 0.25, so b with 0.2. Loop: q + q^2 + q^3 + q^4 is 1.77 at 0.7 and 2.05 at 0.75,
    # so 2 at a q between; q^2 > 0.49, q^3 < 0.422 and, at q = 0.7413, q^2 = 0.5495 > 0.5: two. 1 + 2 + 2 * 3 + 1.5
    found = evaluate(branches_and_loops("p50", 20.0), at(0, 0, 0, 0, 0))
    assert found.latency_s == pytest.approx(10.5)
    assert found.slack_s[1] == math.inf
    assert found.critical_path == (0, 2, 3, 4)


def test_parallel_nodes_take_as_long_as_the_slowest_and_wait_for_what_they_say() -> None:
    operators = tuple(
        operator(name, (0, seconds, 0.0)) for name, seconds in zip("abcd", (1.0, 4.0, 2.0, 1.0), strict=True)
    )
    # c waits for a (1 + 2 = 3), b takes 4, d waits for b and c: max(3, 4) + 1.
    root = Block((OpNode(0), OpNode(1), OpNode(2), OpNode(3)), ((), (), (0,), (1, 2)))
    found = evaluate(problem(operators, root, pools=TWO, sla=Sla("worst", 6.0)), at(0, 0, 0, 0))
    assert found.latency_s == 5.0
    assert found.critical_path == (1, 3)
    # 1 s to spare at the end; a and c finish 1 s before they are needed.
    assert found.slack_s == (2.0, 1.0, 2.0, 1.0)


def test_without_an_sla_slack_is_what_does_not_lengthen_the_run() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 4.0, 1.0)))
    found = evaluate(problem(operators, parallel(OpNode(0), OpNode(1)), pools=TWO), at(0, 0))
    assert found.slack_s == (3.0, 0.0)
    assert found.feasible


def moving(seconds: float, usd: float) -> dict[tuple[str, str], Transfer]:
    return {("p", "p"): FREE, ("q", "q"): FREE, ("p", "q"): Transfer(seconds, usd)}


def test_the_slowest_transfer_of_a_node_delays_the_next_and_each_is_paid_for_its_visits() -> None:
    # a (1 s) and b (1 s) one after another in a loop's body; c waits for the loop and gets data from both.
    operators = (operator("a", (0, 1.0, 0.0)), operator("b", (0, 1.0, 0.0)), operator("c", (1, 1.0, 0.0)))
    root = chain(LoopNode("loop", 2.0, 2, chain(OpNode(0), OpNode(1))), OpNode(2))
    edges = (Edge(0, 2, "place", 1.0, 2.0, moving(0.5, 3.0)), Edge(1, 2, "kv_place", 1.0, 1.0, moving(0.25, 1.0)))
    found = evaluate(problem(operators, root, pools=TWO, edges=edges), at(0, 0, 0))
    # 2 * (1 + 1) + max(0.5, 0.25) + 1; 2 * 3 + 1 * 1 $.
    assert found.latency_s == 5.5
    assert found.cost_usd == 7.0
    assert (found.edge_latency_s, found.edge_cost_usd) == ((0.5, 0.25), (6.0, 1.0))


def test_what_is_captured_from_outside_arrives_after_the_block_begins() -> None:
    # a (1 s), then a loop of 3: b (1 s) beside c (2 s), where c gets a's value each time: max(1, 0.5 + 2) = 2.5.
    operators = (operator("a", (0, 1.0, 0.0)), operator("b", (0, 1.0, 0.0)), operator("c", (1, 2.0, 0.0)))
    root = chain(OpNode(0), LoopNode("loop", 3.0, 3, parallel(OpNode(1), OpNode(2))))
    edges = (Edge(0, 2, "place", 1.0, 3.0, moving(0.5, 1.0)),)
    found = evaluate(problem(operators, root, pools=TWO, edges=edges), at(0, 0, 0))
    assert found.latency_s == 1.0 + 3 * 2.5
    assert found.cost_usd == 3.0
    assert found.critical_path == (0, 2)


def test_a_value_carried_around_a_loop_delays_its_reader_at_the_start_of_each_pass() -> None:
    # body: a (1 s) at q then b (1 s) at p; b's value goes from p to a's place q for the next pass: 0.5 + 1 + 1.
    operators = (operator("a", (1, 1.0, 0.0)), operator("b", (0, 1.0, 0.0)))
    root = chain(LoopNode("loop", 2.0, 4, chain(OpNode(0), OpNode(1))))
    found = evaluate(
        problem(operators, root, pools=TWO, edges=(Edge(1, 0, "place", 1.0, 2.0, moving(0.5, 0.0)),)), at(0, 0)
    )
    assert (found.latency_mean_s, found.latency_worst_s) == (2 * 2.5, 4 * 2.5)


def test_a_transfer_from_a_node_that_is_waited_for_through_another_follows_that_node() -> None:
    # a (1 s), b (1 s) after a, c after b; a's value takes 3 s to reach c: max(2, 1 + 3) + 1.
    operators = (operator("a", (0, 1.0, 0.0)), operator("b", (0, 1.0, 0.0)), operator("c", (1, 1.0, 0.0)))
    edges = (Edge(0, 2, "place", 1.0, 1.0, moving(3.0, 0.0)),)
    found = evaluate(problem(operators, chain(*map(OpNode, range(3))), pools=TWO, edges=edges), at(0, 0, 0))
    assert found.latency_s == 5.0
    assert found.critical_path == (0, 2)


def choosing(limit_s: float | None = None) -> Problem:
    """a, then either b, or c and d; a's value goes to b and c, and e reads b and d."""
    operators = tuple(operator(name, (0, 1.0, 1.0), (1, 2.0, 0.5)) for name in "abcde")
    root = chain(OpNode(0), ChooseNode(0, (chain(OpNode(1)), chain(OpNode(2), OpNode(3)))), OpNode(4))
    ends = [(0, 1), (0, 2), (1, 4), (3, 4)]
    edges = tuple(Edge(src, dst, "place", 1.0, 1.0, moving(0.25, 0.1)) for src, dst in ends)
    sla = Sla("worst", limit_s) if limit_s else None
    return problem(operators, root, pools=TWO, edges=edges, choices=(("short", "long"),), sla=sla)


def test_only_the_chosen_alternative_takes_time_and_money() -> None:
    # a at p 1 s, to q 0.25 s, b at q 2 s, e at q 2 s; 1 + 0.1 + 0.5 + 0.5 $.
    short = evaluate(choosing(), at(0, 1, None, None, 1, alternative=(0,)))
    assert (short.latency_s, short.cost_usd) == (5.25, pytest.approx(2.1))
    assert short.slack_s[2:4] == (None, None)
    # a, c, d at p: 1 + 1 + 1, to q 0.25 s, e at q 2 s; 3 * 1 + 0.1 + 0.5 $.
    long = evaluate(choosing(), at(0, None, 0, 0, 1, alternative=(1,)))
    assert (long.latency_s, long.cost_usd) == (5.25, pytest.approx(3.6))
    assert long.critical_path == (0, 2, 3, 4)


@pytest.mark.parametrize(
    "placement",
    [
        at(0, 0, 0, 0, 0, alternative=(0,)),  # c and d do not run
        at(0, None, None, None, 0, alternative=(0,)),  # b runs
        at(0, 2, None, None, 0, alternative=(0,)),  # b has two options
        at(0, 0, None, None, 0, alternative=(2,)),
        at(0, 0, None, None, 0),
        at(0, 0, alternative=(0,)),
    ],
)
def test_a_placement_that_does_not_fit_its_problem_is_an_error(placement: Placement) -> None:
    with pytest.raises(PlacementError):
        evaluate(choosing(), placement)


def test_a_pool_is_loaded_once_and_pools_share_their_class() -> None:
    pools = (pool("p", "gpu", tp=2), pool("q", "gpu", tp=1), pool("r", "cpu"))
    operators = tuple(operator(name, (0, 1.0, 1.0), (1, 1.0, 1.0), (2, 1.0, 1.0)) for name in "abc")
    capacities = (DeviceCapacity("gpu", 2), DeviceCapacity("cpu", 1))
    table = Problem("t", operators, pools, capacities, (), parallel(*map(OpNode, range(3))))
    assert evaluate(table, at(0, 0, 2)).feasible
    assert evaluate(table, at(0, 0, 2)).devices_used == {"gpu": 2, "cpu": 1}
    # p and q: 2 + 1 devices of 2.
    assert evaluate(table, at(0, 0, 1)).violations == (Violation("capacity", "gpu", 3.0, 2.0),)


def test_a_group_shares_one_pool() -> None:
    operators = tuple(operator(name, (0, 1.0, 1.0), (1, 1.0, 1.0)) for name in "abc")
    table = problem(operators, parallel(*map(OpNode, range(3))), pools=TWO, groups=((0, 2),))
    assert evaluate(table, at(0, 1, 0)).feasible
    assert evaluate(table, at(0, 1, 1)).violations == (Violation("group", "a, c", 2.0, 1.0),)


def test_members_of_a_group_that_do_not_run_bind_nobody() -> None:
    table = choosing()
    grouped = Problem(
        table.name, table.operators, table.pools, table.capacities, (), table.root, table.choices, ((0, 2),)
    )
    assert evaluate(grouped, at(0, 1, None, None, 1, alternative=(0,))).feasible
    assert not evaluate(grouped, at(0, None, 1, 0, 1, alternative=(1,))).feasible


def test_a_soft_sla_is_paid_for() -> None:
    table = worked_example(0.120)
    soft = Problem(
        table.name, table.operators, table.pools, table.capacities, table.edges, table.root, sla=table.sla,
        penalty_usd_per_s=2.0,
    )  # fmt: skip
    found = evaluate(soft, at(1, 1))
    # 0.160 - 0.120 s over, at 2 $ a second; 0.06 $ beside it.
    assert found.penalty_usd == pytest.approx(0.08)
    assert found.objective_usd == pytest.approx(0.14)
    assert found.feasible
    assert evaluate(soft, at(0, 1)).penalty_usd == 0.0


def test_the_score_is_the_verdict_in_short() -> None:
    prepared = prepare(worked_example(0.120))
    found = score(prepared, at(1, 1))
    assert (found.cost_usd, found.broken, found.feasible) == (pytest.approx(0.06), 0.0, False)
    # 0.160 - 0.120
    assert found.over_s == pytest.approx(0.04)
    assert score(prepared, at(1, 0)).broken == 1.0


def test_a_problem_without_operators_takes_and_costs_nothing() -> None:
    found = evaluate(problem((), Block((), ()), pools=(), sla=Sla("worst", 1.0)), at())
    assert (found.latency_s, found.cost_usd, found.critical_path, found.feasible) == (0.0, 0.0, (), True)
