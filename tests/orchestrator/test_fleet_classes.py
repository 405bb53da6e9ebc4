"""Plans of one accelerator class beside a load's plan: the cheaper of all takes the plan's place."""

from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.fleet import load_fleet
from orchestrator.agent_files import find_all
from orchestrator.fleet_classes import with_classes
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, plan_fleet
from orchestrator.objective import parse_objective
from placement.load_document import load_load


@pytest.fixture(scope="module")
def planned() -> FleetPlan:
    graphs = find_all([Path("examples/voice_agent.py")])
    load = load_load(Path("examples/loads/voice.yaml"))
    return plan_fleet(graphs, load_fleet(Path("examples/fleets/provisioned.yaml")), load, FleetRequest())


def that_fit(plan: FleetPlan) -> list[float]:
    costs = [row.usd_per_hour for row in plan.homogeneous if row.devices <= row.had]
    return [usd for usd in costs if usd is not None]


def test_a_plan_that_no_class_beats_stays(planned: FleetPlan) -> None:
    found = with_classes(planned, 30.0)
    assert found.answer is not None
    assert replace(found, homogeneous=()) == planned
    assert found.answer.evaluation.usd_per_hour <= min(that_fit(found)) * (1.0 + 1e-6)


def test_a_cheaper_class_takes_its_place_and_the_bound_stays(planned: FleetPlan) -> None:
    assert planned.answer is not None
    verdict = planned.answer.evaluation
    dear = replace(verdict, usd_per_hour=10.0, objective_usd_per_hour=10.0)
    before = replace(planned, answer=replace(planned.answer, evaluation=dear, gap=0.99))
    found = with_classes(before, 30.0)
    assert found.answer is not None
    usd = found.answer.evaluation.usd_per_hour
    assert usd == min(that_fit(found)) < 10.0
    assert found.answer.evaluation.feasible
    # 10 $/h with a gap of 99% is a bound of 0.1 $/h.
    assert usd * (1.0 - found.answer.gap) == pytest.approx(0.1)
    accelerators = {pool.device for plan in found.plans for pool in plan.pools} - {"xeon_8480p"}
    assert len(accelerators) == 1


def test_another_aim_than_cost_keeps_its_plan(planned: FleetPlan) -> None:
    assert planned.answer is not None
    dear = replace(planned.answer.evaluation, usd_per_hour=10.0, objective_usd_per_hour=10.0)
    before = replace(
        planned,
        answer=replace(planned.answer, evaluation=dear),
        objective=parse_objective("energy"),
    )
    assert with_classes(before, 30.0).answer == before.answer
