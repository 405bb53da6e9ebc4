"""Single fixes of infeasible agents, more devices than the fleet has included."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.fleet import load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_agent
from orchestrator.commands.plan_text import plan_text
from orchestrator.pipeline import PlanRequest, plan_agent
from orchestrator.relaxed import relaxed
from orchestrator.report import plan_json
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, fleet, h100

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_worked_example_below_its_fastest() -> None:
    graph = find_agent(EXAMPLES / "worked_example.py", None).graph
    result = plan_agent(graph, load_fleet(EXAMPLES / "fleets/hp-co.yaml"), PlanRequest(sla=Sla("worst", 0.1)))
    lines = plan_text(result).splitlines()
    # all on HP: 80 + 25 = 105 ms for 0.08 + 0.03 USD
    assert lines[1:3] == [
        "these cannot hold together: SLA worst 100 ms",
        "fix: SLA worst 100 ms -> 105 ms; a run then costs $0.11",
    ]
    document = plan_json(result)
    assert document["conflict"] == {"limits": ["SLA worst 100 ms"], "is_irreducible": True}
    (fix,) = document["fixes"]
    assert (fix["kind"], fix["after"], fix["cost_usd"]) == ("sla", pytest.approx(0.105), pytest.approx(0.11))


def test_a_class_that_the_fleet_has_none_of_is_a_fix() -> None:
    result = plan_agent(agents.answer_agent.trace(), fleet(cores(1), h100(0)), PlanRequest())
    found = relaxed(result)
    # Eight cores together could hold the model's weights too, but one core cannot.
    assert found.conflict.limits == ("1 xeon_8480p", "0 h100_sxm")
    assert "+1 h100_sxm" in [fix.text for fix in found.fixes]


def test_more_devices_together_are_faster_than_any_that_the_fleet_has() -> None:
    graph = agents.answer_agent.trace()
    one = plan_agent(graph, fleet(cores(1), h100(1)), PlanRequest(sla=Sla("worst", 1e-3)))
    assert one.infeasible is not None
    between = plan_agent(graph, fleet(cores(1), h100(1)), PlanRequest(sla=Sla("worst", one.infeasible.value * 0.8)))
    found = relaxed(between)
    assert found.conflict.limits[-1] == "1 h100_sxm"
    assert found.conflict.limits[0].startswith("SLA worst")
    devices = [fix for fix in found.fixes if fix.kind == "devices"]
    assert [fix.what for fix in devices] == ["h100_sxm"]
    more = round(devices[0].after)
    assert plan_agent(graph, fleet(cores(1), h100(more)), between.request).feasible
    assert not plan_agent(graph, fleet(cores(1), h100(more - 1)), between.request).feasible
