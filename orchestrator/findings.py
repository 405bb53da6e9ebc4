"""What a plan shows about claims of the paper whose prices the fleet uses.

The claim that a voice agent's non-LLM parts belong on CPUs (arXiv 2507.19635, section 5) depends on how devices are
priced, so it is tested under each cost basis and never asserted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.graph import Graph, ModelTask, walk

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from orchestrator.pipeline import PlanRequest

PAPER_CATALOG = "paper-2025"
_COLUMNS = {"operating": "operating column (power and interest)", "full": "full cost (with principal)"}


def find(graph: Graph, fleet: Fleet, request: PlanRequest) -> tuple[str, ...]:
    """One sentence for each claim that this agent and fleet can test; none for other fleets."""
    models = [task for task in walk(graph.body) if isinstance(task, ModelTask)]
    if fleet.catalog.name != PAPER_CATALOG or not models:
        return ()
    verdicts = [_verdict(graph, fleet, request, column) for column in _COLUMNS]
    return (f"paper's claim 'non-LLM parts on CPU': {'; '.join(verdicts)}",)


def _verdict(graph: Graph, fleet: Fleet, request: PlanRequest, column: str) -> str:
    from orchestrator.pipeline import price_agent
    from placement.infeasible import InfeasibleError
    from placement.solve import solve

    priced = replace(fleet, finance=replace(fleet.finance, kind="paper", column=column))
    lowered = price_agent(graph, priced, request)
    basis = f"under the {_COLUMNS[column]}"
    try:
        solution = solve(lowered.problem, time_limit_s=request.time_limit_s)
    except InfeasibleError:
        return f"{basis} no plan keeps the limits"
    kinds = {each.id: each.device.kind if each.device else "other" for each in fleet.classes}
    elsewhere: list[str] = []
    for operator, option in zip(lowered.problem.operators, solution.placement.option, strict=True):
        if option is None or operator.op.startswith(("llm.prefill", "llm.decode")):
            continue
        device = lowered.problem.pools[operator.options[option].pool].device
        if kinds[device] != "cpu":
            elsewhere.append(f"{operator.id} on {device}")
    return f"{basis} it does not hold ({', '.join(elsewhere)})" if elsewhere else f"{basis} it holds"
