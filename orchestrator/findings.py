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
    from placement.from_ir import Lowered
    from placement.problem import Operator, Option, Problem
    from placement.solve import Solution

PAPER_CATALOG = "paper-2025"
_LLM_OPS = ("llm.prefix_prefill", "llm.prefill", "llm.decode", "llm.decode_attention", "llm.decode_linear")


Cheapest = tuple["Lowered", "Solution"]
"""A problem table with its cheapest placement."""


def find(graph: Graph, fleet: Fleet, request: PlanRequest, known: Cheapest | None = None) -> tuple[str, ...]:
    """One sentence for each claim that this agent and fleet can test; none for other fleets.

    `known`: the answer for the fleet as it is, where there is one.
    """
    verdicts = [f"{basis} {verdict}" for basis, verdict in on_cpu(graph, fleet, request, known).items()]
    return (f"paper's claim 'non-LLM parts on CPU': {'; '.join(verdicts)}",) if verdicts else ()


def on_cpu(graph: Graph, fleet: Fleet, request: PlanRequest, known: Cheapest | None = None) -> dict[str, str]:
    """The verdict on 'non-LLM parts land on CPU' by cost basis; empty where agent or fleet cannot test it."""
    models = [task for task in walk(graph.body) if isinstance(task, ModelTask)]
    if fleet.catalog.name != PAPER_CATALOG or not models:
        return {}
    from orchestrator.forms import SHARED_PREFIXES
    from orchestrator.pipeline import lower, price_module

    module = lower(graph, leave_out={SHARED_PREFIXES}, added=request.passes)

    def verdict(priced: Fleet) -> str:
        if known is not None and priced == fleet:
            return _verdict(*known, request)
        lowered = price_module(module, graph, priced, request)
        best = _solved(lowered.problem, request)
        return best if isinstance(best, str) else _verdict(lowered, best, request)

    return {basis: verdict(priced) for basis, priced in _bases(fleet).items()}


def _bases(fleet: Fleet) -> dict[str, Fleet]:
    """The fleet under each cost basis. The paper prints operating cost; a host's cores are there in any case."""
    paper = replace(fleet.finance, kind="paper")
    full = replace(fleet, finance=replace(paper, column="full"))
    classes = [
        replace(each, usd_per_hour=0.0) if each.device is not None and each.device.kind == "cpu" else each
        for each in fleet.classes
    ]
    return {
        "under the operating column (power and interest)": replace(fleet, finance=replace(paper, column="operating")),
        "under the full cost (with principal)": full,
        "under the full cost with CPU cores at no charge (there beside the accelerators)": replace(
            full, classes=tuple(classes)
        ),
    }


def _verdict(lowered: Lowered, best: Solution, request: PlanRequest) -> str:
    elsewhere = [
        f"{operator.id.split(' (')[0]} on {lowered.problem.pools[option.pool].device}"
        for operator, option in _taken(lowered.problem, best)
        if operator.op not in _LLM_OPS and not _is_on_cpu(lowered, option)
    ]
    if not elsewhere:
        return "it holds"
    return f"it does not hold: {', '.join(elsewhere)}; {_on_cpu(lowered, best, request)}"


def _on_cpu(lowered: Lowered, best: Solution, request: PlanRequest) -> str:
    """What it takes to make the claim true."""
    operators = [
        operator if operator.op in _LLM_OPS else replace(operator, options=_cpu_options(lowered, operator))
        for operator in lowered.problem.operators
    ]
    kept = _solved(replace(lowered.problem, operators=tuple(operators)), request)
    if isinstance(kept, str):
        return f"with them on CPU {kept}"
    if best.evaluation.cost_usd == 0.0:
        return f"with them on CPU a run costs {kept.evaluation.cost_usd:.3g} USD more"
    more = kept.evaluation.cost_usd / best.evaluation.cost_usd - 1.0
    return f"with them on CPU a run costs {more:.1%} more"


def _solved(problem: Problem, request: PlanRequest) -> Solution | str:
    """The cheapest placement, or why there is none."""
    from placement.infeasible import InfeasibleError, UndecidedError
    from placement.solve import solve

    try:
        return solve(problem, time_limit_s=request.time_limit_s)
    except InfeasibleError:
        return "no plan keeps the limits"
    except UndecidedError:
        return "nothing was decided within the time limit"


def _taken(problem: Problem, solution: Solution) -> list[tuple[Operator, Option]]:
    pairs = zip(problem.operators, solution.placement.option, strict=True)
    return [(operator, operator.options[option]) for operator, option in pairs if option is not None]


def _cpu_options(lowered: Lowered, operator: Operator) -> tuple[Option, ...]:
    return tuple(option for option in operator.options if _is_on_cpu(lowered, option))


def _is_on_cpu(lowered: Lowered, option: Option) -> bool:
    from placement.pricing import runs_functions

    pool = lowered.problem.pools[option.pool]
    return runs_functions(lowered.pricing.fleet.device_class(pool.device))
