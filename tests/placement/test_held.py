from dataclasses import replace

import pytest

from ir.sla import Sla
from placement.held import held_at_most
from placement.problem import Block, OpNode, Placement
from placement.shared_evaluate import judge_shared
from placement.shared_problem import Service, SharedPlacement, SharedProblem
from placement.shared_surrogate import Aim, surrogate
from tests.placement.shared_problems import agent, level, op, shared


def problem(factor: float | None, margin: float = 1.25, slot_s: float = 0.2, sd_s: float = 0.1) -> SharedProblem:
    """One operator of 0.2 s and one of 0.1 s, one after the other on a level of two slots, once a second."""
    levels = (level("gpu", slots=2),)
    root = Block((OpNode(0), OpNode(1)), ((), (0,)))
    one = agent(levels, root, op("a", (0, slot_s, sd_s)), op("b", (0, 0.1, 0.0)), sla=Sla("mean", 9.0))
    rows = (replace(one.services[0][0], factor=factor),), one.services[1]
    return shared(levels, replace(one, services=rows), margin=margin)


TAKEN = SharedPlacement((Placement((0, 0), ()),), (1,))


def test_a_service_is_held_at_its_own_factor_or_at_the_margin() -> None:
    assert Service(0.2, 0.1, 0.4).held(1.25) == Service(0.25, 0.125, 0.5, 1.0)
    own = Service(0.2, 0.1, 0.4, 3.0)
    assert own.factor_at(1.25) == 3.0
    assert own.held(1.25) == Service(pytest.approx(0.6), pytest.approx(0.3), pytest.approx(1.2), 1.0)  # pyright: ignore[reportArgumentType]
    assert own.held(1.25).held(1.25) == own.held(1.25)


def test_the_judge_takes_each_time_at_its_own_factor() -> None:
    found = judge_shared(problem(3.0), TAKEN)
    # 0.2 x 3 + 0.1 x 1.25 = 0.725 busy slots of 2, once a second
    assert found.levels[0].busy_slots == pytest.approx(0.725)
    waited = sum(found.agents[0].waiting_s)
    assert found.agents[0].latency_s == pytest.approx(0.725 + waited)


@pytest.mark.parametrize("samples", [0, 500])
def test_a_factor_is_the_same_as_a_longer_estimate_for_judge_and_samples(samples: int) -> None:
    held = judge_shared(problem(3.0), TAKEN, samples=samples)
    # 0.2 s and 0.1 s of deviation, three times, are 0.48 s and 0.24 s with the margin of 1.25
    longer = judge_shared(problem(None, slot_s=0.48, sd_s=0.24), TAKEN, samples=samples)
    assert held.agents[0].latency_s == pytest.approx(longer.agents[0].latency_s)
    assert held.levels[0].utilisation == pytest.approx(longer.levels[0].utilisation)


def test_the_surrogate_sees_the_same_times() -> None:
    held, longer = (surrogate(each, (1.0,), Aim()) for each in (problem(3.0), problem(None, slot_s=0.48, sd_s=0.24)))
    assert held.shares == tuple(tuple(tuple(map(pytest.approx, row)) for row in rows) for rows in longer.shares)
    times = [[each.options[0].latency_s for each in one.agents[0].problem.operators] for one in (held, longer)]
    assert times[0] == pytest.approx(times[1])


def test_without_factors_of_their_own_all_have_the_margin() -> None:
    (rows,) = held_at_most(problem(None).agents, 1.25)
    assert [each.slot_s for services in rows for each in services] == [pytest.approx(0.25), pytest.approx(0.125)]
