import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.sla import Sla
from placement.evaluate import PlacementError, evaluate, runs
from placement.prepared import prepare
from placement.problem import (
    BranchNode,
    ChooseNode,
    DeviceCapacity,
    Edge,
    FanoutNode,
    LoopNode,
    OpNode,
    Placement,
    Transfer,
)
from placement.shared_check import with_capacities
from placement.shared_evaluate import judge_shared
from placement.shared_problem import Budget, SharedPlacement
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, level, op, shared, small_shared


def one_operator(rate: float = 0.5, sd: float = 1.0, **rest: object):  # type: ignore[no-untyped-def]
    levels = (level("a", usd=3.0, watts=200.0, gco2e_per_hour=60.0),)
    return shared(levels, agent(levels, chain(OpNode(0)), op("o", (0, 1.0, sd)), rate=rate, **rest))


def test_one_operator_waits_as_in_a_queue_with_one_server() -> None:
    # M/M/1 at rho = 0.5: waits 0.5 / 0.5 * 1 s = 1 s; a run takes 2 s.
    found = judge_shared(one_operator(sla=Sla("mean", 2.0)), at(0, replicas=(1,)))
    assert found.feasible
    (one,) = found.agents
    assert (one.waiting_s, one.operator_s) == ((pytest.approx(1.0),), (pytest.approx(2.0),))
    assert one.latency_s == one.latency_mean_s == one.latency_worst_s == pytest.approx(2.0)
    assert one.slack_s == (pytest.approx(0.0, abs=1e-12),)
    assert one.critical_path == (0,)
    (load,) = found.levels
    assert (load.calls_per_s, load.busy_slots, load.utilisation) == (0.5, 0.5, 0.5)
    assert (load.waiting_s, load.wait_probability) == (pytest.approx(1.0), pytest.approx(0.5))


def test_replicas_that_keep_the_kv_of_turns_have_a_queue_each() -> None:
    problem = one_operator(rate=1.0)
    kept = replace(problem, levels=(replace(problem.levels[0], keeps=3),))
    # 1 s of service, 1 run a second, 2 replicas. One queue: Erlang's C(2, 1) = 1/3 wait, 1/3 x 1 / (2 - 1) s. Two
    # queues: M/M/1 at rho = 0.5 waits 1 s.
    one, two = (judge_shared(each, at(0, replicas=(2,))).levels[0] for each in (problem, kept))
    assert (one.waiting_s, two.waiting_s) == (pytest.approx(1 / 3), pytest.approx(1.0))
    assert one.utilisation == two.utilisation == pytest.approx(0.5)
    alone = judge_shared(kept, at(0, replicas=(1,)))
    assert alone.levels[0].waiting_s == math.inf


def test_costs_are_per_hour_of_replicas_and_shared_among_runs() -> None:
    found = judge_shared(one_operator(), at(0, replicas=(2,)))
    # 2 replicas at 3 $/h, 200 W, 60 g/h; 0.5 runs a second are 1800 an hour.
    assert (found.usd_per_hour, found.watts, found.gco2e_per_hour) == (6.0, 400.0, 120.0)
    assert found.cost_usd_per_run == found.agents[0].usd_per_run == pytest.approx(6.0 / 1800)
    assert found.agents[0].joule_per_run == pytest.approx(400.0 / 0.5)
    assert found.agents[0].gco2e_per_run == pytest.approx(120.0 / 1800)
    assert found.devices_used == {"a": 2}


def test_fees_and_traffic_are_paid_by_run() -> None:
    levels = (level("a", usd=3.0), level("b", usd=1.0))
    table = {("a", "a"): Transfer(0.0, 0.0), ("a", "b"): Transfer(0.5, 0.01)}
    one = agent(
        levels,
        chain(OpNode(0), OpNode(1)),
        op("o", (0, 1.0, 0.0), fee=0.02),
        op("p", (1, 1.0, 0.0), visits=2.0, fee=0.001),
        edges=(Edge(0, 1, "place", 1.0, 2.0, table),),
        rate=0.1,
    )
    found = judge_shared(shared(levels, one), at(0, 0, replicas=(1, 1)))
    # A run: 0.02 + 2 * 0.001 + 2 * 0.01 = 0.042 $; an hour: 3 + 1 + 360 * 0.042 = 19.12 $.
    assert found.agents[0].fees_usd_per_run == pytest.approx(0.042)
    assert found.usd_per_hour == pytest.approx(19.12)
    assert found.agents[0].edge_s == (0.5,)


def test_a_slow_pool_near_saturation_is_refused_and_a_second_replica_mends_it() -> None:
    problem = one_operator(rate=0.99, sla=Sla("mean", 3.0))
    alone = judge_shared(problem, at(0, replicas=(1,)))
    # rho = 0.99: over the cap of 0.9, and 0.99 / 0.01 + 1 = 100 s instead of 3.
    kinds = {each.kind: each for each in alone.violations}
    assert kinds.keys() == {"load", "sla"}
    assert (kinds["load"].value, kinds["load"].limit) == (pytest.approx(0.99), pytest.approx(0.9))
    assert kinds["sla"].value == pytest.approx(100.0)
    # Two servers, a = 0.99: B = 0.490 / (1 + 0.99 + 0.490) = 0.1976, C = 0.1976 / (1 - 0.495 * 0.8024) = 0.3278,
    # waits 0.3278 / (2 - 0.99) = 0.3246 s.
    double = judge_shared(problem, at(0, replicas=(2,)))
    assert double.feasible
    assert double.agents[0].latency_s == pytest.approx(1.3246, abs=1e-4)


@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_saturation_is_endless(rate: float) -> None:
    found = judge_shared(one_operator(rate=rate, sla=Sla("p95", 1e6)), at(0, replicas=(1,)), samples=100)
    assert math.isinf(found.agents[0].latency_s)
    assert {each.kind for each in found.violations} == {"load", "sla"}
    assert found.agents[0].slack_s == (-math.inf,)


def test_a_level_without_replicas_serves_nobody() -> None:
    found = judge_shared(one_operator(), at(0, replicas=(0,)))
    assert {each.kind for each in found.violations} == {"load", "replicas"}
    assert math.isinf(found.agents[0].latency_s)
    # Not even an operator that no run reaches.
    levels = (level("a"), level("b"))
    root = chain(OpNode(0), BranchNode("when", (0.0, 1.0), (chain(OpNode(1)), chain())))
    never = agent(levels, root, op("o", (0, 0.1, 0.0)), op("p", (1, 1.0, 0.0), visits=0.0))
    found = judge_shared(shared(levels, never), at(0, 0, replicas=(1, 0)))
    assert [(each.kind, each.what) for each in found.violations] == [("replicas", "b")]


def test_agents_share_a_level_and_wait_for_each_other() -> None:
    levels = (level("a", slots=4, usd=2.0),)
    fast = agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 1.0)), rate=1.0, name="fast")
    slow = agent(levels, chain(OpNode(0)), op("o", (0, 2.0, 2.0)), rate=0.5, name="slow")
    problem = shared(levels, fast, slow)
    placement = SharedPlacement((Placement((0,), ()), Placement((0,), ())), (1,))
    found = judge_shared(problem, placement)
    # 1 * 1 + 0.5 * 2 = 2 of 4 slots; each is half of it, so each pays 1 $ an hour.
    assert found.levels[0].busy_slots == 2.0
    assert found.levels[0].utilisation == 0.5
    assert [each.usd_per_run for each in found.agents] == [pytest.approx(1 / 3600), pytest.approx(1 / 1800)]
    assert found.agents[0].waiting_s == found.agents[1].waiting_s
    alone = judge_shared(shared(levels, fast), at(0, replicas=(1,)))
    assert found.agents[0].waiting_s[0] > alone.agents[0].waiting_s[0]


def test_visits_of_branches_loops_and_fanouts_are_load() -> None:
    levels = (level("a", slots=100),)
    one = agent(
        levels,
        chain(
            BranchNode("when", (0.2, 0.8), (chain(OpNode(0)), chain(OpNode(1)))),
            LoopNode("loop", 2.0, 4, chain(OpNode(2))),
            FanoutNode("fan", 2.5, 3, chain(OpNode(3))),
        ),
        op("rare", (0, 5.0, 0.0), visits=0.2),
        op("often", (0, 2.0, 0.0), visits=0.8),
        op("again", (0, 3.0, 0.0), visits=2.0),
        op("many", (0, 1.5, 0.0), visits=2.5),
        rate=2.0,
    )
    found = judge_shared(shared(levels, one), at(0, 0, 0, 0, replicas=(1,)))
    # 2 * (0.2 * 5 + 0.8 * 2 + 2 * 3 + 2.5 * 1.5) = 2 * 12.35
    assert found.levels[0].busy_slots == pytest.approx(24.7)
    # Nobody waits at a quarter of 100 slots: 0.2 * 5 + 0.8 * 2 + 2 * 3 + 1.5; worst: 5 + 4 * 3 + 1.5.
    assert found.agents[0].latency_mean_s == pytest.approx(10.1)
    assert found.agents[0].latency_worst_s == pytest.approx(18.5)


def test_items_of_a_fanout_wait_for_each_other() -> None:
    def waits(slots: int) -> float:
        levels = (level("a", slots=slots),)
        root = chain(FanoutNode("fan", 4.0, 4, chain(OpNode(0))))
        one = agent(levels, root, op("o", (0, 1.0, 0.0), visits=4.0), rate=1e-6)
        return judge_shared(shared(levels, one), at(0, replicas=(1,))).agents[0].waiting_s[0]

    # Four at once at one slot wait 0, 1, 2 and 3 s; at two slots 0, 0, 0.5 and 1 s (one leaves every 0.5 s).
    assert waits(1) == pytest.approx(1.5, abs=1e-4)
    assert waits(2) == pytest.approx(0.375, abs=1e-4)
    assert waits(4) == pytest.approx(0.0, abs=1e-4)


def test_the_margin_makes_services_longer_and_load_heavier_but_nothing_dearer() -> None:
    problem = replace(one_operator(rate=0.4), margin=1.25)
    found = judge_shared(problem, at(0, replicas=(1,)))
    # rho = 0.4 * 1.25 = 0.5: waits 1.25 s, serves 1.25 s.
    assert found.levels[0].utilisation == 0.5
    assert found.agents[0].latency_s == pytest.approx(2.5)
    assert found.usd_per_hour == 3.0


def test_capacity_and_budgets() -> None:
    problem = replace(one_operator(), capacities=(DeviceCapacity("a", 2),), budget=Budget(8.0, 500.0, 170.0))
    assert judge_shared(problem, at(0, replicas=(2,))).feasible
    found = judge_shared(problem, at(0, replicas=(3,)))
    assert [(each.kind, each.value, each.limit) for each in found.violations] == [
        ("capacity", 3, 2),
        ("usd_per_hour", 9.0, 8.0),
        ("watts", 600.0, 500.0),
        ("gco2e_per_hour", 180.0, 170.0),
    ]
    # How much of a limit is taken is told where it holds, too: 6 of 8 $/h.
    limits = {each.kind: each.used for each in judge_shared(problem, at(0, replicas=(2,))).limits}
    assert (limits["usd_per_hour"], limits["capacity"]) == (0.75, 1.0)
    binding = judge_shared(problem, at(0, replicas=(3,))).binding()
    # 3 of 2 devices, 600 of 500 W, 9 of 8 $/h, 180 of 170 g/h; of the load 0.5 of 2.7 slots is not near.
    assert [each.kind for each in binding] == ["capacity", "watts", "usd_per_hour", "gco2e_per_hour"]
    assert judge_shared(problem, at(0, replicas=(3,))).binding(at_least=1.1)[-1].kind == "usd_per_hour"


def test_a_replica_takes_tp_devices() -> None:
    levels = (level("a", "gpu", tp=4), level("b", "gpu"))
    one = agent(levels, chain(OpNode(0)), op("o", (0, 0.1, 0.0)))
    found = judge_shared(shared(levels, one, counts=8), at(0, replicas=(2, 1)))
    assert [(each.kind, each.what, each.value) for each in found.violations] == [("capacity", "gpu", 9)]


def test_a_tenant_keeps_its_levels() -> None:
    levels = (level("a", tenant="red"),)
    for tenant, kinds in (("red", []), ("blue", ["tenant"]), (None, ["tenant"])):
        one = agent(levels, chain(OpNode(0)), op("o", (0, 0.1, 0.0)), tenant=tenant)
        assert [each.kind for each in judge_shared(shared(levels, one), at(0, replicas=(1,))).violations] == kinds


def test_a_soft_sla_costs_by_the_hour() -> None:
    found = judge_shared(one_operator(sla=Sla("mean", 1.5), penalty=0.01), at(0, replicas=(1,)))
    # 0.5 s over, at 1800 runs an hour: 3600 * 0.5 * 0.5 * 0.01 = 9 $.
    assert found.feasible
    assert found.objective_usd_per_hour == pytest.approx(3.0 + 9.0)


def choosing(kappa: float = 0.0):  # type: ignore[no-untyped-def]
    levels = (level("a"), level("b"))
    root = chain(ChooseNode(0, (chain(OpNode(0)), chain(OpNode(1)))))
    one = agent(levels, root, op("o", (0, 0.1, 0.0)), op("p", (1, 0.2, 0.0)), choices=(("x", "y"),))
    return shared(levels, one)


def test_only_the_chosen_alternative_is_load() -> None:
    found = judge_shared(choosing(), at(None, 0, replicas=(0, 1), alternative=(1,)))
    assert found.feasible
    assert [load.used for load in found.levels] == [False, True]
    assert found.agents[0].slack_s[0] is None


def test_kappa_counts_deviations_in_the_formula_and_more_in_a_fanout() -> None:
    levels = (level("a", slots=1000),)
    root = chain(OpNode(0), FanoutNode("fan", 8.0, 8, chain(OpNode(1))))
    rows = op("o", (0, 1.0, 0.5)), op("p", (0, 2.0, 0.1), visits=8.0)
    one = agent(levels, root, *rows, rate=0.1, sla=Sla("p95", 9.0))
    found = judge_shared(shared(levels, one), at(0, 0, replicas=(1,)), kappa=2.0)
    # 1 + 2 * 0.5 + 2 + 2 * sqrt(2 ln 8) * 0.1 = 4 + 0.2 * 2.0393
    assert found.agents[0].formula_s == pytest.approx(4.0 + 0.2 * math.sqrt(2 * math.log(8)), rel=1e-6)
    assert found.agents[0].latency_mean_s == pytest.approx(3.0, rel=1e-6)


def test_a_placement_that_does_not_fit_is_refused() -> None:
    problem = one_operator()
    for wrong in (at(0, replicas=()), at(0, replicas=(-1,)), at(0, 0, replicas=(1,)), at(3, replicas=(1,))):
        with pytest.raises(PlacementError):
            judge_shared(problem, wrong)


@given(small_shared(most_agents=1), st.data())
def test_without_load_and_margin_times_are_those_of_the_metered_judge(problem, data) -> None:  # type: ignore[no-untyped-def]
    (one,) = problem.agents
    idle = replace(problem, agents=(replace(one, rate_per_s=0.0),), margin=1.0)
    if any(not row.options for row in one.problem.operators):
        return
    alternative = tuple(data.draw(st.integers(0, len(names) - 1)) for names in one.problem.choices)

    metered = with_capacities(one, idle)
    prepared = prepare(metered)
    options = tuple(
        data.draw(st.integers(0, len(row.options) - 1)) if runs(prepared, index, alternative) else None
        for index, row in enumerate(one.problem.operators)
    )
    placement = Placement(options, alternative)
    expected = evaluate(metered, placement)
    found = judge_shared(idle, SharedPlacement((placement,), (1,) * len(idle.levels)))
    assert found.agents[0].latency_s == pytest.approx(expected.latency_s)
    assert found.agents[0].latency_mean_s == pytest.approx(expected.latency_mean_s)
    assert found.agents[0].latency_worst_s == pytest.approx(expected.latency_worst_s)
    assert found.agents[0].slack_s == pytest.approx(expected.slack_s)
