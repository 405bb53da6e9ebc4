"""Why each option of an operator was not taken: dominated, over the SLA, over a capacity, or dearer, and by how much.

Each option that no other dominates is fixed in turn and all else placed anew, so that a verdict compares best plans and
not single moves. The reduced cost of the linear relaxation stands beside it: by how much its own optimum rises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from placement.evaluate import judge
from placement.highs import Limits, Relaxation
from placement.kernel import relaxation
from placement.milp import Program, formulate
from placement.milp_columns import Form, seconds_unit
from placement.optimise import Found, optimise_program
from placement.prepared import Prepared, prepare
from placement.presolve import dominates, facts_of
from placement.problem import Problem
from placement.restrict import enough, with_counts
from placement.solve import Solution

TIME_S = 5.0
"""Seconds for all options of one operator."""

Verdict = Literal["taken", "dominated", "equal", "dearer", "sla", "capacity", "links", "unknown"]

_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class OptionReason:
    """The verdict on an option. `better`: the option that dominates it. `more_usd`: what a run of the best plan with it
    costs more. `over_s`: by how much the fastest plan with it misses the SLA. `reduced_cost_usd`: what the relaxation
    rises by at the least with it, None where it was not solved.

    `capacity`: no plan with it fits the fleet's devices. `links`: it parts a group, or data cannot reach it or leave
    it. `unknown`: time ended the search.
    """

    verdict: Verdict
    better: int | None = None
    more_usd: float | None = None
    over_s: float | None = None
    reduced_cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """What all options of an operator are judged against: the plan's objective and the programs that it solves.

    `roomy` are counts of devices with which every pool fits.
    """

    prepared: Prepared
    form: Form
    program: Program
    relaxed: Relaxation | None
    best_usd: float
    roomy: Mapping[str, int]
    end: float


def option_reasons(
    problem: Problem, solution: Solution, operator: int, time_s: float = TIME_S
) -> tuple[OptionReason, ...]:
    """[option] the verdict. An operator whose alternative is not taken is judged as if it were."""
    prepared = prepare(problem)
    best = solution.evaluation.objective_usd
    form = Form("cost", usd=best / 1000.0 or 1.0, seconds=seconds_unit(prepared))
    end = time.monotonic() + time_s
    program = formulate(prepared, form)
    roomy = {row.device: enough(problem, row.device) for row in problem.capacities}
    asked = _Question(prepared, form, program, relaxation(program, time_s), best, roomy, end)
    taken = solution.placement.option[operator]
    better = _dominators(prepared, operator)
    return tuple(
        OptionReason("taken", reduced_cost_usd=_reduced(asked, operator, option))
        if option == taken
        else _reason(asked, operator, option, better[option])
        for option in range(len(problem.operators[operator].options))
    )


def _dominators(prepared: Prepared, operator: int) -> list[int | None]:
    """[option] the first option, by time and cost, that is no worse wherever the neighbours are."""
    facts = facts_of(prepared)
    options = prepared.problem.operators[operator].options
    order = sorted(range(len(options)), key=lambda one: (options[one].latency_s, options[one].cost_usd, one))
    found: list[int | None] = [None] * len(options)
    for place, worse in enumerate(order):
        kept = (one for one in order[:place] if found[one] is None)
        found[worse] = next((one for one in kept if dominates(facts, operator, options[one], options[worse])), None)
    return found


def _reason(asked: _Question, operator: int, option: int, better: int | None) -> OptionReason:
    reduced = _reduced(asked, operator, option)
    if better is not None:
        return OptionReason("dominated", better, reduced_cost_usd=reduced)
    column = asked.program.options[operator][option]
    found = _fixed(asked, asked.program, asked.form, column)
    if found.placement is not None:
        more = judge(asked.prepared, found.placement).objective_usd - asked.best_usd
        equal = abs(more) <= _EQUAL * asked.best_usd
        return OptionReason("equal" if equal else "dearer", more_usd=more, reduced_cost_usd=reduced)
    if found.status == "time_limit":
        return OptionReason("unknown", reduced_cost_usd=reduced)
    return _infeasible(asked, column, reduced)


def _infeasible(asked: _Question, column: int, reduced: float | None) -> OptionReason:
    """By how much the SLA is missed at the least; or that devices, or else groups and links, stand in the way."""
    form = Form("latency", keep_sla=False, seconds=asked.form.seconds)
    found = _fixed(asked, formulate(asked.prepared, form), form, column)
    sla = asked.prepared.problem.sla
    if found.placement is not None and sla is not None:
        over = judge(asked.prepared, found.placement).latency_s - sla.limit_s
        return OptionReason("sla", over_s=max(over, 0.0), reduced_cost_usd=reduced)
    if found.status == "time_limit":
        return OptionReason("unknown", reduced_cost_usd=reduced)
    form = replace(form, keep_capacity=False)
    roomy = prepare(with_counts(asked.prepared.problem, asked.roomy))
    found = _fixed(replace(asked, prepared=roomy), formulate(roomy, form), form, column)
    verdict: Verdict = "links" if found.status == "infeasible" else "capacity" if found.placement else "unknown"
    return OptionReason(verdict, reduced_cost_usd=reduced)


def _fixed(asked: _Question, program: Program, form: Form, column: int) -> Found:
    """The best plan with the option at that column; the alternative that it stands in comes with it."""
    lower: Sequence[float] = program.model.lower
    model = replace(program.model, lower=[1.0 if at == column else low for at, low in enumerate(lower)])
    limits = Limits(max(0.0, asked.end - time.monotonic()), 1e-6)
    return optimise_program(replace(program, model=model), asked.prepared, form, limits, None)


def _reduced(asked: _Question, operator: int, option: int) -> float | None:
    if asked.relaxed is None:
        return None
    return asked.relaxed.reduced_costs[asked.program.options[operator][option]] * asked.form.usd
