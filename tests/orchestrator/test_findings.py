import re
from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.catalog import load_catalog
from costmodel.fleet import Fleet, load_fleet
from ir.sla import Sla, parse_sla
from orchestrator.agent_files import find_agent
from orchestrator.findings import find
from orchestrator.graph import Graph
from orchestrator.pipeline import PlanRequest, plan_agent
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, fleet, h100, row

REQUEST = PlanRequest(sla=parse_sla("4s"))
OPERATING = "under the operating column (power and interest)"
FULL = "under the full cost (with principal)"
FREE_CORES = "under the full cost with CPU cores at no charge (there beside the accelerators)"


@pytest.fixture
def voice(project: Path, monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.chdir(project)
    return find_agent(Path("examples/voice_agent.py"), None).graph


@pytest.fixture
def paper(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/paper-2025.yaml")


def verdicts(sentence: str) -> dict[str, str]:
    """What a finding says under each cost basis."""
    parts = re.split(r"(?:^|; )(under the [^)]+\))", sentence.removeprefix("paper's claim 'non-LLM parts on CPU': "))
    return {basis: verdict.strip() for basis, verdict in zip(parts[1::2], parts[2::2], strict=True)}


def speech_elsewhere(graph: Graph, of: Fleet, column: str) -> list[str]:
    """The speech steps that the plan itself puts on an accelerator when the fleet is priced by this column."""
    priced = replace(of, finance=replace(of.finance, kind="paper", column=column))
    plan = plan_agent(graph, priced, REQUEST).plan
    assert plan is not None
    pools = {pool.id: pool.device for pool in plan.pools}
    places = {
        operator.id: pools[operator.routes[0].pool] for operator in plan.operators if operator.op.startswith("model.")
    }
    return [f"{name} on {device}" for name, device in places.items() if device != "xeon_8480p"]


def test_the_claim_about_the_voice_agent_is_told_for_each_cost_basis(voice: Graph, paper: Fleet) -> None:
    (sentence,) = find(voice, paper, REQUEST)
    found = verdicts(sentence)
    assert list(found) == [OPERATING, FULL, FREE_CORES]
    assert found[FREE_CORES] == "it holds"
    for basis, column in ((OPERATING, "operating"), (FULL, "full")):
        elsewhere = ", ".join(speech_elsewhere(voice, paper, column))
        shape = (
            rf"it does not hold: {elsewhere}; with them on CPU a run costs \d+\.\d% more" if elsewhere else "it holds"
        )
        assert re.fullmatch(shape, found[basis]), found[basis]


def test_the_plan_carries_the_finding(voice: Graph, paper: Fleet) -> None:
    assert plan_agent(voice, paper, REQUEST).findings == find(voice, paper, REQUEST)


def test_other_fleets_and_agents_without_speech_have_no_finding(voice: Graph, paper: Fleet, project: Path) -> None:
    assert find(voice, load_fleet(project / "examples/fleets/mixed.yaml"), REQUEST) == ()
    assert find(agents.answer_agent.trace(), paper, REQUEST) == ()


def priced_speech(on_core_usd: float, on_h100_usd: float, seconds: float = 1.0) -> Fleet:
    """A fleet of the paper's catalog whose measured costs of speech do not depend on the cost basis."""
    rows = (
        row("transcribe.run", "xeon_8480p", seconds, on_core_usd),
        row("transcribe.run", "h100_sxm", 1.0, on_h100_usd),
    )
    return replace(fleet(cores(usd_per_hour=0.0), h100(), rows=rows), catalog=load_catalog("paper-2025"))


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (priced_speech(1.0, 2.0), "it holds"),
        # 3 USD instead of 2, beside a function that costs nothing
        (priced_speech(3.0, 2.0), "it does not hold: transcribe on h100_sxm; with them on CPU a run costs 50.0% more"),
        (priced_speech(3.0, 0.0), "it does not hold: transcribe on h100_sxm; with them on CPU a run costs 3 USD more"),
        (
            priced_speech(1.0, 2.0, seconds=9.0),
            "it does not hold: transcribe on h100_sxm; with them on CPU no plan keeps the limits",
        ),
    ],
)
def test_what_each_verdict_says(of: Fleet, expected: str) -> None:
    (sentence,) = find(agents.speech_agent.trace(), of, REQUEST)
    assert set(verdicts(sentence).values()) == {expected}


def test_a_limit_that_nothing_keeps_under_one_basis_is_said() -> None:
    (sentence,) = find(agents.speech_agent.trace(), priced_speech(1.0, 2.0), PlanRequest(sla=Sla("worst", 0.5)))
    assert set(verdicts(sentence).values()) == {"no plan keeps the limits"}
