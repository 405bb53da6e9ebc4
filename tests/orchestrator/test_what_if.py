"""Plans under a changed fleet, price or SLA: the hand sums of the worked example, and changes that cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costmodel.errors import CostModelError
from costmodel.fleet import load_fleet
from orchestrator.agent_files import find_agent
from orchestrator.cli import invoke
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from orchestrator.what_if import Move, WhatIfError, what_if

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKED = ("plan", "examples/worked_example.py", "--fleet", "examples/fleets/hp-co.yaml")


def planned(example: str, fleet: str) -> PlanResult:
    graph = find_agent(EXAMPLES / f"{example}.py", None).graph
    return plan_agent(graph, load_fleet(EXAMPLES / f"fleets/{fleet}.yaml"), PlanRequest())


@pytest.fixture(scope="module")
def worked() -> PlanResult:
    return planned("worked_example", "hp-co")


def test_a_looser_limit_moves_all_to_the_cheap_device(worked: PlanResult) -> None:
    # 0.05 + 0.01 = 0.06 USD in 130 + 30 = 160 ms, against 0.095 in 120 ms.
    (found,) = what_if(worked, ["sla=3s"])
    assert (found.more_usd, found.more_s) == (pytest.approx(-0.035), pytest.approx(0.040))
    assert found.devices == {"cpu": 1, "co": 1}
    assert found.moves == (
        Move("answer.prefill", "hp fp16", "co fp16"),
        Move("answer_choice", "disaggregated", "colocated"),
    )


def test_a_device_taken_away(worked: PlanResult) -> None:
    # All on HP: 0.08 + 0.03 = 0.11 USD in 80 + 25 = 105 ms.
    (found,) = what_if(worked, ["-1:co"])
    assert (found.more_usd, found.more_s) == (pytest.approx(0.015), pytest.approx(-0.015))


def test_changes_with_commas_are_made_together(worked: PlanResult) -> None:
    (found,) = what_if(worked, ["-1:co, sla=110ms"])
    assert found.more_usd == pytest.approx(0.015)
    (found,) = what_if(worked, ["-1:hp,sla=110ms"])
    assert (found.result.feasible, found.more_usd, found.moves) == (False, None, ())


def test_what_changes_nothing_moves_nothing(worked: PlanResult) -> None:
    # The profile says what a call costs, so an hour's price adds nothing; a second HP is not needed.
    for found in what_if(worked, ["price:hp=7", "+1:hp"]):
        assert (found.more_usd, found.moves) == (pytest.approx(0.0), ())


def test_the_base_stays_as_it_is(worked: PlanResult) -> None:
    what_if(worked, ["+3:hp"])
    assert worked.fleet.device_class("hp").count == 1


def test_a_class_of_the_catalog_joins_the_fleet_and_a_price_moves_operators() -> None:
    base = planned("voice_agent", "paper-2025")
    added, cheap = what_if(base, ["+1:xeon_6980p", "price:b200=0"])
    assert {each.id for each in added.result.fleet.classes} - {each.id for each in base.fleet.classes} == {"xeon_6980p"}
    assert added.more_usd is not None
    assert added.more_usd <= 1e-12
    assert cheap.more_usd is not None
    assert cheap.more_usd < 0
    assert any(move.after is not None and move.after.startswith("b200") for move in cheap.moves)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("more", "no change that can be read; write it as"),
        ("-2:co", "takes 2 co away, but the fleet has 1"),
        ("price:co=cheap", "'cheap' is no price"),
        ("price:co=-1", "'-1' is no price"),
    ],
)
def test_a_change_that_cannot_be_is_refused(worked: PlanResult, change: str, message: str) -> None:
    with pytest.raises(WhatIfError, match=message):
        what_if(worked, [change])


@pytest.mark.parametrize("change", ["-1:nothing", "+1:nothing", "price:nothing=1"])
def test_an_unknown_class_is_refused(worked: PlanResult, change: str) -> None:
    with pytest.raises(CostModelError, match="nothing"):
        what_if(worked, [change])


def test_the_command_prints_each_change(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert invoke([*WORKED, "--what-if", "sla=3s", "--what-if", "sla=100ms"]) == 0
    text = capsys.readouterr().out
    assert (
        "what if sla=3s: $0.06 per run (-$0.035), gap 0.00%; worst 160 ms; mean 160 ms (+40 ms); on 1 cpu, 1 co" in text
    )
    assert "  answer.prefill: hp fp16 -> co fp16" in text
    assert "what if sla=100ms: infeasible: SLA worst 100 ms cannot be kept: the best achievable is 105 ms" in text
    assert invoke([*WORKED, "--what-if", "sla=3s", "--what-if", "sla=100ms", "--json"]) == 0
    loose, tight = json.loads(capsys.readouterr().out)["what_if"]
    assert (loose["more_usd"], loose["devices"]) == (pytest.approx(-0.035), {"cpu": 1, "co": 1})
    assert (tight["feasible"], tight["best_latency_s"]) == (False, pytest.approx(0.105))
