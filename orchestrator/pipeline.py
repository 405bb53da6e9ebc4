"""The road from a captured graph to a plan: lower, price, solve, write down.

Each step is a function of another package; here they are joined, so that the command line, the server and the tests
take the same road.
"""

from __future__ import annotations

import math
import time
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.graph import Graph
from orchestrator.objective import DEFAULT, Objective
from orchestrator.run_objective import aims_of, run_objective

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from costmodel.calibrated import Corrections
    from costmodel.fleet import Fleet
    from ir.sla import Sla
    from placement.aimed import Reached
    from placement.from_ir import Lowered
    from placement.infeasible import Infeasibility
    from placement.load import Margin
    from placement.plan import Plan
    from placement.problem import Problem
    from placement.run_aims import Aims
    from placement.solve import Solution

DEFAULT_TIME_LIMIT_S = 30.0


class PlanRequestError(OrchestratorError):
    """A value of a `PlanRequest` is outside its rule."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is asked of a plan. `sla=None`: the agent's own, or none; `batch` calls share a replica of an LLM.

    `passes` are those of `ir.pipeline.ON_REQUEST` to add, as text: `chunk-prefill{tokens=512}`.

    `calibration` corrects the roofline of text generators: `shipped`, the path of what `calibrate` wrote, or `none`.
    A catalog with devices as printed in the paper is never corrected, since the fit is to datasheets.

    `soft_usd_per_s` makes the SLA soft: each second above it costs that much. `precisions` are those that weights may
    have: a narrower one can change a model's answers, so it is offered only on request.

    `objective` is what is minimised, as `run_objective` reads it. Limits hold although every call takes `margin` times
    its estimate, or as long as the upper end of its own interval.
    """

    sla: Sla | None = None
    soft_usd_per_s: float | None = None
    batch: int = 1
    precisions: tuple[str, ...] = ("fp16",)
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    passes: str = ""
    calibration: str = "shipped"
    objective: str = DEFAULT
    margin: Margin = 1.0


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan with what it was made from, or why there is none: `plan` and `solution` are set, or `infeasible` is.

    The solution is judged in `problem`, with the margin; the plan promises the estimates. `reached` of each aim in
    turn; none where the cheapest plan was asked for.
    """

    request: PlanRequest
    graph: Graph
    fleet: Fleet
    lowered: Lowered
    solution: Solution | None
    infeasible: Infeasibility | None
    plan: Plan | None
    findings: tuple[str, ...]
    seconds: float
    reached: tuple[Reached, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether every limit holds."""
        return self.plan is not None

    @property
    def problem(self) -> Problem:
        """The table as limits see it: times with the margin."""
        from placement.held_run import hold

        return hold(self.lowered.problem, self.request.margin)

    @property
    def objective(self) -> Objective:
        """What was asked to be least."""
        return run_objective(self.request.objective)

    @property
    def aims(self) -> Aims | None:
        """The same for solvers; None: dollars."""
        return None if self.objective.is_cost else aims_of(self.objective, self.fleet, self.lowered.problem)


def lower(graph: Graph, stage: str | None = None, leave_out: Set[str] = frozenset(), added: str = "") -> ModuleOp:
    """The agent's IR after the passes up to `stage` (None: all of them), without `leave_out` and with those `added`."""
    from ir.pass_list import read_passes
    from ir.pipeline import run_passes
    from orchestrator.to_ir import to_ir

    module = to_ir(graph)
    run_passes(module, stage=stage, leave_out=leave_out, added=read_passes(added) if added else ())
    return module


def price_agent(graph: Graph, fleet: Fleet, request: PlanRequest) -> Lowered:
    """The problem table of an agent on a fleet, each call by itself. Raises as `plan_agent` does."""
    from orchestrator.forms import SHARED_PREFIXES

    return price_module(lower(graph, leave_out={SHARED_PREFIXES}, added=request.passes), graph, fleet, request)


def price_module(module: ModuleOp, graph: Graph, fleet: Fleet, request: PlanRequest) -> Lowered:
    """The problem table of an agent's IR, lowered by whatever passes. Raises as `plan_agent` does."""
    from costmodel.models import load_models
    from ir import view
    from placement.from_ir import from_ir
    from placement.pricing import Pricing

    _check(request)
    sla = request.sla or graph.sla
    if sla is None and request.soft_usd_per_s is not None:
        raise PlanRequestError(
            "a soft SLA needs an SLA, and neither the request nor the agent has one", "state its limit"
        )
    pricing = Pricing(
        fleet,
        load_models(),
        request.precisions,
        request.batch,
        _corrections(fleet, request),
        rotates=request.batch > 1,
    )
    return from_ir(view.entry(module), pricing, sla, request.soft_usd_per_s)


def _corrections(fleet: Fleet, request: PlanRequest) -> Corrections | None:
    from costmodel.calibrated import Corrections
    from costmodel.calibration import load_calibration

    if request.calibration == "none" or fleet.catalog.name == "paper-2025":
        return None
    return Corrections(load_calibration(None if request.calibration == "shipped" else Path(request.calibration)))


def plan_agent(graph: Graph, fleet: Fleet, request: PlanRequest) -> PlanResult:
    """The best placement that keeps the limits, as a plan; or which limit binds.

    Raises `PlanRequestError`, or the packages' own errors, for what cannot be planned at all: an unknown model, a
    missing cost, a fleet that this version cannot plan for, a bad graph.
    """
    from costmodel.errors import CostError
    from orchestrator.forms import SHARED_PREFIXES, better, shares_prefixes

    module = lower(graph, added=request.passes)
    if not shares_prefixes(module):
        return plan_module(module, graph, fleet, request)
    alone = plan_module(lower(graph, leave_out={SHARED_PREFIXES}, added=request.passes), graph, fleet, request)
    try:
        return better(plan_module(module, graph, fleet, request), alone)
    except CostError as error:
        return replace(alone, findings=(*alone.findings, f"no prefix is shared: {error}"))


def plan_module(module: ModuleOp, graph: Graph, fleet: Fleet, request: PlanRequest) -> PlanResult:
    """As `plan_agent`, of the agent's IR as other passes than the default ones left it: operators with demand."""
    from orchestrator.findings import find
    from orchestrator.provenance import heading
    from placement.evaluate import evaluate
    from placement.infeasible import InfeasibleError
    from placement.plan_from_ir import plan_from_ir

    began = time.perf_counter()
    lowered = price_module(module, graph, fleet, request)
    asked = PlanResult(request, graph, fleet, lowered, None, None, None, (), 0.0)
    try:
        solution, reached = _solve(asked)
    except InfeasibleError as error:
        return replace(asked, infeasible=error.report, seconds=time.perf_counter() - began)
    promised = solution
    if request.margin != 1.0:
        promised = replace(solution, evaluation=evaluate(lowered.problem, solution.placement))
    document = plan_from_ir(lowered, promised, heading(graph, lowered, solution, request.margin))
    is_cheapest = asked.aims is None and request.margin == 1.0
    findings = find(graph, fleet, request, (lowered, solution) if is_cheapest else None)
    seconds = time.perf_counter() - began
    return replace(asked, solution=solution, plan=document, findings=findings, seconds=seconds, reached=reached)


def _solve(asked: PlanResult) -> tuple[Solution, tuple[Reached, ...]]:
    """The best placement, and what it reaches of each aim but dollars alone."""
    from placement.settle import settle
    from placement.solve import solve

    problem, time_limit_s = asked.problem, asked.request.time_limit_s
    if (aims := asked.aims) is None:
        return settle(asked.lowered, solve(problem, time_limit_s=time_limit_s), problem), ()
    from placement.aimed import solve_aims

    aimed = solve_aims(problem, aims, time_limit_s=time_limit_s)
    solution = settle(asked.lowered, aimed.solution, problem, aims)
    return solution, aimed.again(problem, aims, solution.placement)


def _check(request: PlanRequest) -> None:
    from costmodel.precision import BYTES_PER_VALUE

    soft, known = request.soft_usd_per_s, ", ".join(BYTES_PER_VALUE)
    rules = (
        (request.batch >= 1, f"batch={request.batch}", "at least 1 request shares a replica"),
        (0 < request.time_limit_s < math.inf, f"time_limit_s={request.time_limit_s}", "give the solver some seconds"),
        (soft is None or 0 <= soft < math.inf, f"soft_usd_per_s={soft}", "a second above the SLA costs 0 or more"),
        (len(request.precisions) > 0, "precisions=()", f"offer at least one of {known}"),
        *((each in BYTES_PER_VALUE, f"precision {each!r}", f"use one of {known}") for each in request.precisions),
    )
    for holds, value, remedy in rules:
        if not holds:
            raise PlanRequestError(f"a plan cannot be made with {value}", remedy)
