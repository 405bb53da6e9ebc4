"""Traffic that is split over levels: where it is strictly cheaper, where it is the only plan, and never worse."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.brute_force import TooManyPlacementsError
from placement.problem import ChooseNode, DeviceCapacity, OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedProblem
from placement.shared_routes import load_bound, solve_routed
from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared
from placement.shared_surrogate import Aim, surrogate
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, busy_problems, level, op, shared, small_shared

QUICK = Effort(time_limit_s=20.0, gap=0.0, samples=500)
PAIR = (level("big", cap=0.8, usd=10.0), level("small", cap=0.8, usd=3.0))


def flow(busy: float, counts: int = 100, sla: Sla | None = None, small_s: float = 2.0) -> SharedProblem:
    """One operator that keeps `busy` slots of `big` busy, and `small_s` times as many of `small`."""
    row = op("o", (0, 1.0, 0.0), (1, small_s, 0.0))
    return shared(PAIR, agent(PAIR, chain(OpNode(0)), row, rate=busy, sla=sla), counts=counts)


def test_a_split_is_strictly_cheaper_and_found() -> None:
    # 1 busy slot: big takes 1 / 0.8 = 1.25, so 2 replicas: 20 $; small takes 2 / 0.8 = 2.5, so 3: 9 $. With only two
    # small ones the cheapest plan without a split is two big ones. One big one does 0.8 of the calls, and the 0.2 left
    # fill 0.4 slots of a small one, half of what it may: 10 + 3 = 13 $. No big one would take three small ones.
    problem = flow(1.0, counts=2)
    assert brute_force_shared(problem).best is not None
    assert solve_shared(problem, effort=QUICK).evaluation.usd_per_hour == 20.0
    found = solve_routed(problem, effort=QUICK)
    assert found.evaluation.usd_per_hour == pytest.approx(13.0)
    assert found.placement.replicas == (1, 1)
    (shares,) = found.placement.routes.values()
    assert 0.2 <= shares[1] <= 0.4
    assert math.fsum(shares.values()) == pytest.approx(1.0)
    assert found.bound <= found.objective
    # No plan does a call for less than on small ones: 2.5 replicas of 3 $.
    assert (found.bound, found.bound_scope) == (pytest.approx(7.5), "load alone")


def test_a_fraction_of_a_replica_goes_where_there_is_room() -> None:
    # 3 small ones are full up to 3 x 0.8 / 2 = 1.2 calls a second. At 1.3 the fourth is a quarter full: 12 $. Another
    # agent has a big one of its own, of which it fills 0.4: the 0.1 left over go there, and one small one is saved.
    row, other = op("o", (0, 1.0, 0.0), (1, 2.0, 0.0)), op("p", (0, 1.0, 0.0))
    problem = shared(
        PAIR,
        agent(PAIR, chain(OpNode(0)), row, rate=1.3, name="one"),
        agent(PAIR, chain(OpNode(0)), other, rate=0.4, name="two"),
    )
    whole = solve_shared(problem, effort=QUICK)
    found = solve_routed(problem, effort=QUICK)
    assert (whole.evaluation.usd_per_hour, whole.placement.replicas) == (22.0, (1, 4))
    assert (found.evaluation.usd_per_hour, found.placement.replicas) == (19.0, (1, 3))


def test_where_every_class_has_too_few_devices_a_split_is_the_only_plan() -> None:
    # 1.5 busy slots take 1.875 big ones or 3.75 small ones; there is one big and three small. One big one does 0.8, and
    # the 0.7 left take 1.4 / 0.8 = 1.75 small ones.
    problem = flow(1.5)
    few = (DeviceCapacity("big", 1), DeviceCapacity("small", 3))
    problem = SharedProblem("few", problem.levels, problem.agents, few)
    assert brute_force_shared(problem).best is None
    with pytest.raises(SharedInfeasibleError):
        solve_shared(problem, effort=QUICK)
    found = solve_routed(problem, effort=QUICK)
    assert found.placement.replicas == (1, 2)
    assert found.evaluation.feasible
    # 1 x 0.8 + 3 x 0.4 = 2 calls a second is the most: not 2.1.
    hopeless = SharedProblem("hopeless", problem.levels, flow(2.1).agents, few)
    with pytest.raises((SharedInfeasibleError, SharedUndecidedError)):
        solve_routed(hopeless, effort=QUICK)


def test_a_split_that_breaks_the_sla_is_not_taken() -> None:
    # 0.85 busy slots are over one big one's cap. The 0.05 left keep 0.5 of a small one busy, at 10 s a call: 13 $. But
    # 6% of the calls then take 10 s, and the slowest 1% of all must not take 8 s.
    free = solve_routed(flow(0.85, small_s=10.0), effort=QUICK)
    assert (free.placement.replicas, len(free.placement.routes)) == ((1, 1), 1)
    held = solve_routed(flow(0.85, small_s=10.0, sla=Sla("p99", 8.0)), effort=QUICK)
    assert (held.placement.replicas, held.placement.routes) == ((2, 0), {})


def test_no_run_is_sent_where_it_is_always_late() -> None:
    # The 0.01 calls over one big one's cap are 1% of all: at 10 s each they are within what a p95 of 9.5 s allows, but
    # each of them would be late.
    problem = flow(0.81, small_s=10.0, sla=Sla("p95", 9.5))
    late = at(0, replicas=(1, 1))
    late = replace(late, routes={(0, 0): {0: 0.8 / 0.81, 1: 0.01 / 0.81}})
    assert judge_shared(problem, late, samples=10_000).feasible
    held = solve_routed(problem, effort=QUICK)
    assert (held.placement.replicas, held.placement.routes) == ((2, 0), {})
    assert solve_routed(flow(0.81, small_s=10.0, sla=Sla("p95", 30.0)), effort=QUICK).placement.replicas == (1, 1)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(small_shared(), busy_problems()))
def test_splitting_never_makes_a_plan_worse(problem: SharedProblem) -> None:
    try:
        whole = solve_shared(problem, effort=QUICK)
    except (SharedInfeasibleError, SharedUndecidedError):
        whole = None
    try:
        found = solve_routed(problem, effort=QUICK)
    except (SharedInfeasibleError, SharedUndecidedError):
        assert whole is None
        return
    verdict = judge_shared(problem, found.placement, samples=QUICK.samples, seed=QUICK.seed)
    assert verdict.violations == ()
    assert 0.0 <= found.gap <= 1.0
    if whole is not None:
        usd = verdict.objective_usd_per_hour
        assert usd <= whole.evaluation.objective_usd_per_hour * (1.0 + 1e-9)
        if found.placement.routes:
            assert usd < whole.evaluation.objective_usd_per_hour


def test_an_alternative_that_nothing_can_run_does_no_work_for_nothing() -> None:
    node = ChooseNode(0, (chain(OpNode(0)), chain(OpNode(1))))
    rows = op("o", (0, 1.0, 0.0), (1, 2.0, 0.0)), op("closed")
    problem = shared(PAIR, agent(PAIR, chain(node), *rows, rate=1.0, choices=(("open", "closed"),)))
    # As above: 2 / 0.8 = 2.5 of the small ones at 3 $.
    assert load_bound(surrogate(problem, [0.0], Aim())) == pytest.approx(7.5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(small_shared())
def test_no_plan_is_below_the_bound_of_its_load(problem: SharedProblem) -> None:
    try:
        best = brute_force_shared(problem, most=5_000).best
    except TooManyPlacementsError:
        return
    if best is not None:
        bound = load_bound(surrogate(problem, [0.0] * len(problem.agents), Aim()))
        assert bound <= best[1].usd_per_hour * (1.0 + 1e-9)
