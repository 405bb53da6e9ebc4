"""The claim that a voice agent's non-LLM parts land on CPU, planned under each cost basis.

It is a claim about a placement, so the planner is asked, with the example agent and the paper's fleet.
"""

from __future__ import annotations

from pathlib import Path

from ir.sla import parse_sla
from orchestrator.agent_files import find_agent
from orchestrator.findings import on_cpu
from orchestrator.pipeline import PlanRequest
from orchestrator.reproduction.verdict import Verdict

CLAIM = "non-LLM parts of the voice agent land on CPU"
AGENT = Path("examples/voice_agent.py")
FLEET = Path("examples/fleets/paper-2025.yaml")
SLA = "4s"
COMMAND = f"orchestrator plan {AGENT} --fleet {FLEET} --sla {SLA}"

ABSENT = f"not tested: {AGENT} is not in this folder; run in a checkout of the project"


def verdicts() -> dict[str, str]:
    """What the planner says under each cost basis; empty where the example is not at hand."""
    from costmodel.fleet import load_fleet

    if not AGENT.is_file() or not FLEET.is_file():
        return {}
    graph = find_agent(AGENT, None).graph
    return on_cpu(graph, load_fleet(FLEET), PlanRequest(sla=parse_sla(SLA)))


def overall(found: dict[str, str]) -> Verdict | None:
    """The verdict over the cost bases; None where nothing was tested."""
    if not found:
        return None
    true = [basis for basis, said in found.items() if said == "it holds"]
    word = "holds" if len(true) == len(found) else f"holds {'; '.join(true)}" if true else "does not hold"
    return Verdict(word, len(true), len(found))
