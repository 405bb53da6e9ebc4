"""Planning again near the levels in use: what is kept, when it ends, and that it makes a real load's plan cheaper."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from costmodel.fleet import load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_all
from orchestrator.fleet_pipeline import FleetRequest, plan_fleet
from orchestrator.fleet_refine import MOST_ROUNDS, Planner, Refined, refine
from orchestrator.objective import hourly, parse_objective
from placement.load_document import load_load
from placement.offer import Named

AGENTS = (
    "voice_agent",
    "research_assistant",
    "patterns/rag_two_retrievals",
    "patterns/single_agent_with_tools",
    "patterns/supervisor",
)


def table(*levels: str) -> Any:
    return SimpleNamespace(
        problem=SimpleNamespace(levels=[SimpleNamespace(pool=SimpleNamespace(id=i)) for i in levels])
    )


def plan(dollars: float, *replicas: int, watts: float = 0.0, unmoved: tuple[int, ...] = ()) -> Any:
    evaluation = SimpleNamespace(objective_usd_per_hour=dollars, watts=watts, gco2e_per_hour=0.0)
    before = SimpleNamespace(replicas=unmoved) if unmoved else None
    return SimpleNamespace(evaluation=evaluation, placement=SimpleNamespace(replicas=replicas), unmoved=before)


def usd(found: Refined) -> float:
    return found.solution.evaluation.objective_usd_per_hour


FIRST = Refined(table("d/m/tp1/fp16/serve/b8/u0.5", "d/m/tp1/fp16/serve/b32/u0.9"), plan(10.0, 1, 0), 2, 0)


class Scripted:
    """Gives one table and plan after another, and keeps what was asked."""

    def __init__(self, *answers: tuple[Any, Any]) -> None:
        self.answers: Iterator[tuple[Any, Any]] = iter(answers)
        self.named: list[Named] = []
        self.told: list[float] = []
        self.next: Any = None

    def planner(self) -> Planner:
        return Planner(self.price, lambda shared, left_s: self.next, self.better)

    def price(self, named: Named) -> Any:
        self.named.append(named)
        shared, self.next = next(self.answers)
        return shared

    def better(self, solution: Any) -> None:
        self.told.append(solution.evaluation.objective_usd_per_hour)


def test_it_ends_where_nothing_is_gained_and_then_plans_with_all_levels() -> None:
    near, last, whole = table("x"), table("y"), table("x", "z")
    script = Scripted((near, plan(8.0, 1)), (last, plan(8.0, 1)), (whole, plan(8.0, 1, 0)))
    found = refine(FIRST, script.planner(), 60.0)
    assert (found.shared, usd(found), found.levels, found.rounds) == (whole, 8.0, 4, 2)
    assert [named.only for named in script.named] == [True, True, False]
    assert "d/m/tp1/fp16/serve/b8/u0.7" in script.named[0].ids
    assert not any("/b32/" in one for one in script.named[0].ids)
    assert script.named[2].ids == {"x"}
    assert script.told == [8.0]


@pytest.mark.parametrize("missed", [None, plan(9.0, 1, 0)])
def test_the_small_table_stays_where_the_large_one_hides_the_plan(missed: Any) -> None:
    near = table("x")
    script = Scripted((near, plan(8.0, 1)), (near, None), (table("x", "z"), missed))
    found = refine(FIRST, script.planner(), 60.0)
    assert (found.shared, usd(found)) == (near, 8.0)


def test_it_looks_around_the_plan_before_moves_and_keeps_what_the_moves_found() -> None:
    first = replace(FIRST, solution=plan(10.0, 1, 0, unmoved=(0, 1)))
    near, whole = table("x", "y"), table("x", "y", "z")
    script = Scripted((near, plan(8.0, 1, 0, unmoved=(0, 1))), (near, None), (whole, plan(8.0, 1, 0, 0)))
    assert refine(first, script.planner(), 60.0).shared is whole
    assert "d/m/tp1/fp16/serve/b32/u0.7" in script.named[0].ids
    assert [named.ids for named in script.named[1:]] == [{"y"}, {"x"}]


def test_the_first_plan_stays_where_no_other_is_cheaper() -> None:
    script = Scripted((table("x"), plan(11.0, 1)))
    found = refine(FIRST, script.planner(), 60.0)
    assert (found.shared, found.solution, found.rounds) == (FIRST.shared, FIRST.solution, 1)


def test_levels_that_were_seen_are_not_planned_again() -> None:
    script = Scripted((FIRST.shared, None))
    assert refine(FIRST, script.planner(), 60.0) == FIRST


def test_rounds_have_an_end() -> None:
    answers = [(table(f"x{k}"), plan(9.0 * 0.9**k, 1)) for k in range(MOST_ROUNDS)]
    script = Scripted(*answers, (table("whole"), None))
    assert refine(FIRST, script.planner(), 60.0).rounds == MOST_ROUNDS


def test_another_aim_than_cost_is_what_must_fall() -> None:
    # The next table is dearer, and draws 80 W for 100: for less energy it is taken, and the one after it is not.
    first = replace(FIRST, solution=plan(10.0, 1, 0, watts=100.0))
    near, whole = table("near"), table("near", "d/m/tp1/fp16/serve/b8/u0.5")
    script = Scripted((near, plan(12.0, 1, watts=80.0)), (near, None), (whole, plan(1.0, 1, 0, watts=90.0)))
    planner = replace(script.planner(), value=hourly(parse_objective("energy")))
    assert refine(first, planner, 60.0).solution.evaluation.watts == 80.0


def test_without_time_nothing_is_planned() -> None:
    script = Scripted((table("x"), plan(1.0, 1)))
    assert refine(FIRST, script.planner(), 0.0) == FIRST


def test_five_agents_with_traced_tokens_become_cheaper() -> None:
    graphs = find_all([Path(f"examples/{name}.py") for name in AGENTS])
    load = load_load(Path("examples/loads/traced-agents.yaml"))
    slas = {each.agent: cast("Sla", each.sla or graphs[each.agent].sla) for each in load.agents}
    looser = [
        replace(each, sla=replace(slas[each.agent], limit_s=2 * slas[each.agent].limit_s)) for each in load.agents
    ]
    told: list[str] = []
    found = plan_fleet(
        graphs,
        load_fleet(Path("examples/fleets/provisioned.yaml")),
        replace(load, agents=tuple(looser)),
        FleetRequest(),
        told.append,
    )
    assert found.feasible
    assert found.refined is not None
    costs = [float(line.split("$")[1].split()[0]) for line in told if "$" in line]
    assert costs == sorted(costs, reverse=True), "each answer that is told is at least as good as the one before"
    assert usd(found.refined) < 0.9 * costs[0]
    assert any(line.startswith("near the levels of that plan") for line in told)
