"""`plan --load --explain AGENT.OP`: every option of an operator on shared pools, and why it was not taken."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.explain_text import UnknownOperatorError
from orchestrator.commands.text import table, usd
from orchestrator.fleet_pipeline import FleetPlan, Tell
from orchestrator.pipeline import DEFAULT_TIME_LIMIT_S
from orchestrator.route_rows import route_rows
from placement.problem import Operator, Option
from placement.shared_again import Held
from placement.shared_from_ir import SharedLowered
from placement.shared_plans import Answer, call_usd
from placement.shared_problem import Level
from placement.shared_reasons import Place, SharedReason, shared_option_reasons
from placement.taken import taken_by

HEADER = ("", "pool", "visit", "cost/call", "replica", "source", "why not", "notes")
NUMBERS = ("visit", "cost/call", "replica")

Position = tuple[int, int]
"""An agent and one of its operators, by index."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for the reasons of an operator, in all its alternatives; `tell` is told each verdict, in one line."""

    time_s: float = DEFAULT_TIME_LIMIT_S
    tell: Tell | None = None


DEFAULT = Patience()


def fleet_explain_text(plan: FleetPlan, name: str, patience: Patience = DEFAULT) -> str:
    """Every option of an operator, the cheapest calls first, in each alternative that has it."""
    texts = ["\n".join(_explanation(plan, at, reasons)) for at, reasons in _explained(plan, name, patience)]
    return "\n\n".join([*texts, *([] if plan.feasible else [f"infeasible: {plan.why}"])])


def fleet_explain_json(plan: FleetPlan, name: str, patience: Patience = DEFAULT) -> list[dict[str, Any]]:
    """The same as documents, one for each alternative that has the operator; dollars an hour of all replicas."""
    return [_document(plan, at, reasons) for at, reasons in _explained(plan, name, patience)]


def _explained(
    plan: FleetPlan, name: str, patience: Patience
) -> Iterator[tuple[Position, Sequence[SharedReason | None]]]:
    """Each alternative of the operator with the verdicts on its options; all that is left of the time is shared."""
    end = time.monotonic() + patience.time_s
    found = positions(plan.shared, name)
    for done, at in enumerate(found):
        yield at, _reasons(plan, at, Patience((end - time.monotonic()) / (len(found) - done), patience.tell))


def positions(shared: SharedLowered, name: str) -> list[Position]:
    """(agent, operator) of `AGENT.OP`, or of an `OP` that one agent alone has. Raises `UnknownOperatorError`."""
    every = [
        (agent, index, lowered.problem.name, spec.id)
        for agent, lowered in enumerate(shared.agents)
        for index, spec in enumerate(lowered.specs)
    ]
    found = [(agent, index) for agent, index, whose, id_ in every if name == f"{whose}.{id_}"]
    if found:
        return found
    found = [(agent, index) for agent, index, _, id_ in every if name == id_]
    if len({agent for agent, _ in found}) == 1:
        return found
    near = [f"{whose}.{id_}" for _, _, whose, id_ in every if name in (id_, whose)]
    known = list(dict.fromkeys(near or (f"{whose}.{id_}" for _, _, whose, id_ in every)))
    what = f"{name!r} is of several agents" if found else f"there is no operator {name!r}"
    raise UnknownOperatorError(what, f"use one of {', '.join(known)}")


def _reasons(plan: FleetPlan, at: Position, patience: Patience) -> Sequence[SharedReason | None]:
    (agent, index), answer = at, plan.answer
    if answer is None:
        return [None] * len(plan.shared.agents[agent].problem.operators[index].options)
    chosen = answer.placement.agents[agent].option[index]
    alone = {} if chosen is None else {chosen: 1.0}
    place = Place(agent, index, frozenset(answer.placement.routes.get((agent, index), alone)))
    return shared_option_reasons(
        plan.shared.problem, held_of(answer), place, patience.time_s, _teller(plan, at, patience.tell)
    )


def _teller(plan: FleetPlan, at: Position, tell: Tell | None) -> Callable[[int, SharedReason], None] | None:
    """Says of each option that it is decided, and how many are."""
    if tell is None:
        return None
    problem, (agent, index) = plan.shared.problem, at
    operator = problem.agents[agent].problem.operators[index]
    decided: list[int] = []

    def told(option: int, reason: SharedReason) -> None:
        decided.append(option)
        level = problem.levels[operator.options[option].pool].pool.id
        why = _why(reason, operator.options, problem.levels) or reason.verdict
        tell(f"{operator.id}, {len(decided)} of {len(operator.options)} options: {level}: {why}")

    return told


def held_of(answer: Answer) -> Held:
    """The plan, as answers are held against it; one that splits traffic by the gap of the plan that it was made from.

    Its own gap is to the load alone, which says nothing of what limits cost.
    """
    found = answer.evaluation
    placement = answer.placement
    gap = answer.gap
    if placement.routes:
        gap = 0.0 if answer.unsplit is None else answer.unsplit.gap
    return Held(found.objective_usd_per_hour, gap, answer.kappas, bool(placement.routes), placement)


def _explanation(plan: FleetPlan, at: Position, reasons: Sequence[SharedReason | None]) -> Iterator[str]:
    problem, answer, (agent, index) = plan.shared.problem, plan.answer, at
    operator = problem.agents[agent].problem.operators[index]
    yield f"{problem.agents[agent].name}.{operator.id} ({operator.op}), {operator.visits:.4g} calls per run"
    yield from _state(answer, agent, index)
    yield from _routes(plan, agent, index)
    costs = [call_at_cap_usd(plan, agent, index, option) for option in range(len(operator.options))]
    rows = [
        _row(operator, option, problem.levels, costs[option], reasons[option])
        for option in sorted(range(len(operator.options)), key=lambda at: costs[at])
    ]
    yield table(HEADER, rows, NUMBERS)
    yield from (f"not possible: {reason}" for reason in operator.rejected)


def _state(answer: Answer | None, agent: int, index: int) -> Iterator[str]:
    if answer is None:
        return
    verdict = answer.evaluation.agents[agent]
    if answer.placement.agents[agent].option[index] is None:
        yield "not in the plan, which uses another alternative"
        return
    where = "on the critical path" if index in verdict.critical_path else "not on the critical path"
    waiting = f"a call waits {format_duration(verdict.waiting_s[index])} on average"
    yield f"{where}; {waiting}; {slack_text(verdict.slack_s[index])}"


def _routes(plan: FleetPlan, agent: int, index: int) -> Iterator[str]:
    """A line for each pool of an operator whose traffic is split, the largest share first."""
    answer = plan.answer
    if answer is None or (agent, index) not in answer.placement.routes:
        return
    ways = taken_by(plan.shared, agent, answer.placement)[index]
    lowered = plan.shared.agents[agent]
    rows = [
        row
        for row in route_rows(plan.shared, answer)
        if (row.agent, row.operator) == (lowered.problem.name, lowered.specs[index].id)
    ]
    for way, row in zip(ways, rows, strict=True):
        where = "critical" if row.critical else "not critical"
        times = f"{format_duration(row.time_s)}, of which {format_duration(row.waiting_s)} of waiting"
        cost = usd(call_usd(plan.shared, answer, way))
        yield f"  {row.share:.1%} of runs at {row.pool}: {times}, {cost} a call; {where}, {slack_text(row.slack_s)}"


def slack_text(slack_s: float | None) -> str:
    """How much longer a call may take."""
    if slack_s is None or math.isinf(slack_s):
        return "the SLA's statistic does not count it"
    return f"it may take {format_duration(max(0.0, slack_s))} longer"


def call_at_cap_usd(plan: FleetPlan, agent: int, operator: int, option: int) -> float:
    """What a call costs at a level that is as busy as its cap allows: its fee and its part of a replica's hour."""
    load = plan.shared.problem.agents[agent]
    row = load.problem.operators[operator].options[option]
    level = plan.shared.problem.levels[row.pool]
    slot_s = load.services[operator][option].held(plan.shared.problem.margin).slot_s
    return row.cost_usd + slot_s * level.usd_per_hour / (3600.0 * level.cap * level.slots)


def _row(
    operator: Operator, option: int, levels: Sequence[Level], cost_usd: float, reason: SharedReason | None
) -> tuple[str, ...]:
    row = operator.options[option]
    return (
        "->" if reason is not None and reason.verdict == "taken" else "",
        levels[row.pool].pool.id,
        format_duration(row.latency_s),
        usd(cost_usd),
        usd(levels[row.pool].usd_per_hour),
        row.source,
        _why(reason, operator.options, levels),
        "; ".join(row.notes),
    )


def _why(reason: SharedReason | None, options: Sequence[Option], levels: Sequence[Level]) -> str:
    if reason is not None and reason.whole is not None:
        return f"all runs here: {_why(reason.whole, options, levels)}"
    if reason is None or reason.verdict == "taken":
        return ""
    if reason.verdict == "dominated" and reason.better is not None:
        return f"dominated by {levels[options[reason.better].pool].pool.id}: no faster, no cheaper"
    if reason.verdict == "sla" and reason.over_s is not None:
        return f"misses an SLA by {format_duration(reason.over_s)} in the best plan found with it"
    more = usd(float(f"{abs(reason.more_usd or 0.0):.4g}"))
    texts = {
        "equal": "as cheap",
        "dearer": f"{more} an hour dearer, all else planned anew{_reduced(reason)}",
        "most": f"at most {more} an hour dearer, with all else as it is{_reduced(reason)}",
        "cheaper": f"{more} an hour cheaper: the plan is only proven to its gap",
        "calls": "no plan with it keeps the limits of calls",
        "capacity": "no plan with it fits the fleet's devices",
        "budget": "no plan with it keeps the budget",
        "links": "no link leads there, or it parts operators that share a pool",
    }
    return texts.get(reason.verdict, f"not decided in time{_reduced(reason)}")


def _reduced(reason: SharedReason) -> str:
    if reason.reduced_cost_usd is None:
        return ""
    return f" (reduced cost {usd(float(f'{max(0.0, reason.reduced_cost_usd):.3g}'))})"


def _document(plan: FleetPlan, at: Position, reasons: Sequence[SharedReason | None]) -> dict[str, Any]:
    problem, answer, (agent, index) = plan.shared.problem, plan.answer, at
    operator = problem.agents[agent].problem.operators[index]
    return {
        "agent": problem.agents[agent].name,
        "operator": operator.id,
        "visits": operator.visits,
        "taken": None if answer is None else answer.placement.agents[agent].option[index],
        "options": [
            {
                "pool": problem.levels[row.pool].pool.id,
                "latency_s": row.latency_s,
                "cost_usd": call_at_cap_usd(plan, agent, index, option),
                "replica_usd_per_hour": problem.levels[row.pool].usd_per_hour,
                **({} if reason is None else asdict(reason)),
            }
            for option, (row, reason) in enumerate(zip(operator.options, reasons, strict=True))
        ],
        "rejected": list(operator.rejected),
    }
