"""What an operator's pool is worth: the best plan without it, everything else placed anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.fleet import Link, load_fleet
from ir.sla import parse_sla
from orchestrator.agent_files import find_agent
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from orchestrator.report import plan_rows
from placement.rival import Rival, rival
from tests.gains.measure import simulated_cores
from tests.gains.test_offload_attention import ROWS, asker
from tests.placement.sample_agents import described, fleet

EXAMPLES = Path(__file__).parents[2] / "examples"


def worked(sla: str) -> PlanResult:
    graph = find_agent(EXAMPLES / "worked_example.py", None).graph
    return plan_agent(graph, load_fleet(EXAMPLES / "fleets/hp-co.yaml"), PlanRequest(sla=parse_sla(sla)))


def rival_of(result: PlanResult, name: str) -> Rival | None:
    assert result.solution is not None
    twins = [index for index, spec in enumerate(result.lowered.specs) if spec.id == name]
    return rival(result.lowered.problem, result.solution, twins)


@pytest.fixture
def halves() -> PlanResult:
    """A call whose attention is on a class of its own."""
    ends = [("xeon_8480p", "hp"), ("xeon_8480p", "co"), ("hp", "xeon_8480p"), ("co", "xeon_8480p")]
    links = tuple(Link(source, target, None, 0.0, 0.0) for source, target in ends)
    devices = fleet(simulated_cores(), described("hp", 0.0), described("co", 0.0), links=links, rows=ROWS)
    return plan_agent(asker.trace(), devices, PlanRequest())


def test_a_rival_may_take_another_alternative() -> None:
    # Without CO, decode is on HP beside its prefill: 0.08 + 0.03 instead of 0.095, all co-located.
    found = rival_of(worked("120ms"), "answer.decode")
    assert found is not None
    assert found.instead == "hp/llama3.1-8b/tp1/fp16"
    assert found.more_usd == pytest.approx(0.015)


def test_a_place_without_which_no_plan_keeps_the_limit_has_no_rival() -> None:
    # Prefill on CO takes 130 ms of the 120.
    assert rival_of(worked("120ms"), "answer.prefill") == Rival(None, None)


def test_an_operator_with_one_pool_has_no_rival() -> None:
    assert rival_of(worked("120ms"), "answer.render") is None


def test_the_rival_of_a_part_may_be_the_whole(halves: PlanResult) -> None:
    # Only CO can run the attention; without it all is on CO: 0.070 USD, where the halves take 0.058.
    found = rival_of(halves, "answer.decode_attention")
    assert found is not None
    assert (found.instead, found.more_usd) == ("colocated", pytest.approx(0.012))


def test_rows_name_the_rival() -> None:
    texts = {row.name: row.runner_up for row in plan_rows(worked("120ms"))}
    assert texts == {
        "answer.render": "",
        "answer.prefill": "none: no other plan keeps the limits",
        "answer.decode": "hp/llama3.1-8b/tp1/fp16: $0.015 dearer",
        "answer.parse": "",
    }
