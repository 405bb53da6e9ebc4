"""Which limits of a shared plan bind, and what loosening each is worth an hour: by planning again with a little more.

Every comparison is of whole plans through the sampled judge, since replicas come whole: the dual of the relaxation,
which stands beside it, may split them and counts waiting as a constant.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ir.sla import Sla
from placement.highs import Relaxation, relax
from placement.milp import SLA_ROW
from placement.milp_columns import seconds_unit
from placement.shared_again import PLENTY, Held, again, with_agent, with_counts, without_calls
from placement.shared_milp import BUDGETS, SharedProgram, formulate_shared
from placement.shared_problem import Budget, SharedProblem
from placement.shared_solve import SharedSolution
from placement.shared_surrogate import Aim, surrogate

TIME_S = 120.0
"""Seconds for all limits."""

SHARES = (0.01, 0.05, 0.2, 0.5, 1.0)
"""By which share of itself a limit is loosened, until a plan is cheaper; then halved between the last two."""

HALVINGS = 3
DEVICES = (1, 2, 4, 8)
"""How many devices more are tried, until a plan is cheaper: a pool may need several."""

_EQUAL = 2e-3
"""Plans whose costs differ by this share or less cost the same: about what they are proven to."""

Kind = Literal["sla", "calls", "devices", "budget"]


@dataclass(frozen=True, slots=True)
class SharedPrice:
    """A limit that binds: all replicas cost `saves_usd` an hour less with `step` more of it (seconds, devices, units of
    the budget), and `free_usd` less without it.

    `calls`: all limits of an agent on first outputs and calls; only `free_usd` is looked for. `step` 0: no step that
    was tried saves anything. `dual_usd`: what one more unit saves an hour by the relaxation's dual, None where it was
    not solved. `what` is the agent, the device class, or the unit of the budget.
    """

    kind: Kind
    what: str
    limit: float
    dual_usd: float | None
    step: float
    saves_usd: float
    free_usd: float

    @property
    def unit_usd(self) -> float | None:
        """Dollars an hour that a unit of the step saves, by plans."""
        return self.saves_usd / self.step if self.step else None


@dataclass(frozen=True, slots=True)
class SharedPrices:
    """The limits that bind; `is_complete` is False where time ended the search, so that more may."""

    prices: tuple[SharedPrice, ...]
    is_complete: bool


_Cost = Callable[[SharedProblem], float]


def shared_prices(problem: SharedProblem, held: Held, time_s: float = TIME_S) -> SharedPrices:
    """The limits without which the plan would cost less an hour by more than its own gap."""
    end, best_usd = time.monotonic() + time_s, held.usd_per_hour
    most = best_usd * (1.0 - max(_EQUAL, held.gap))
    is_complete = True

    def cost(loosened: SharedProblem) -> float:
        """Of the best plan of a loosened problem, the same as before where it is not cheaper by more than rounding."""
        nonlocal is_complete
        found = again(loosened, end - time.monotonic(), splits=held.splits)
        if not isinstance(found, SharedSolution):
            is_complete = is_complete and time.monotonic() < end
            return best_usd
        usd = found.evaluation.objective_usd_per_hour
        return usd if usd < most else best_usd

    duals = _duals(problem, best_usd, held.kappas)
    prices = (*_of_agents(problem, best_usd, duals, cost), *_of_devices(problem, best_usd, duals, cost))
    prices = (*prices, *_of_budgets(problem, best_usd, duals, cost))
    return SharedPrices(prices, is_complete)


def _of_agents(
    problem: SharedProblem, best: float, duals: Mapping[tuple[str, str], float], cost: _Cost
) -> Iterator[SharedPrice]:
    free = replace(
        without_calls(problem),
        agents=tuple(replace(each, problem=replace(each.problem, sla=None)) for each in without_calls(problem).agents),
    )
    if cost(free) >= best:
        return
    for index, load in enumerate(problem.agents):
        sla = load.problem.sla
        if sla is not None and load.problem.penalty_usd_per_s is None:

            def limited(limit_s: float | None, index: int = index, stat: Sla = sla) -> SharedProblem:
                one = problem.agents[index]
                changed = None if limit_s is None else Sla(stat.stat, limit_s)
                return with_agent(problem, index, replace(one, problem=replace(one.problem, sla=changed)))

            dual = duals.get(("sla", load.name))
            yield from _price(("sla", load.name, sla.limit_s), (best, dual), limited, cost)
        if load.calls or load.first_output is not None:
            saved = best - cost(with_agent(problem, index, replace(load, calls=(), first_output=None)))
            if saved > 0.0:
                yield SharedPrice("calls", load.name, 0.0, None, 0.0, 0.0, saved)


def _of_devices(
    problem: SharedProblem, best: float, duals: Mapping[tuple[str, str], float], cost: _Cost
) -> Iterator[SharedPrice]:
    everything = {row.device: PLENTY for row in problem.capacities}
    if cost(with_counts(problem, everything)) >= best:
        return
    for row in problem.capacities:
        saved = best - cost(with_counts(problem, {row.device: PLENTY}))
        if saved <= 0.0:
            continue
        step, saves = 0, 0.0
        for more in DEVICES:
            saves = best - cost(with_counts(problem, {row.device: row.count + more}))
            if saves > 0.0:
                step = more
                break
        dual = duals.get(("devices", row.device))
        yield SharedPrice("devices", row.device, float(row.count), dual, float(step), saves, saved)


def _of_budgets(
    problem: SharedProblem, best: float, duals: Mapping[tuple[str, str], float], cost: _Cost
) -> Iterator[SharedPrice]:
    for name in BUDGETS:
        limit: float | None = getattr(problem.budget, name)
        if limit is None:
            continue

        def limited(amount: float | None, name: str = name) -> SharedProblem:
            values = {each: getattr(problem.budget, each) for each in BUDGETS}
            return replace(problem, budget=Budget(**{**values, name: amount}))

        yield from _price(("budget", name, limit), (best, duals.get(("budget", name))), limited, cost)


def _price(
    which: tuple[Kind, str, float],
    known: tuple[float, float | None],
    limited: Callable[[float | None], SharedProblem],
    cost: _Cost,
) -> Iterator[SharedPrice]:
    """The price of a limit of a size, where it binds: the smallest step found that makes a plan cheaper."""
    (kind, what, limit), (best, dual) = which, known
    free = best - cost(limited(None))
    if free <= 0.0:
        return
    low, high, saves = 0.0, 0.0, 0.0
    for share in SHARES:
        saves = best - cost(limited(limit * (1.0 + share)))
        if saves > 0.0:
            high = share
            break
        low = share
    for _ in range(HALVINGS if high > SHARES[0] else 0):
        middle = (low + high) / 2.0
        saved = best - cost(limited(limit * (1.0 + middle)))
        low, high, saves = (middle, high, saves) if saved <= 0.0 else (low, middle, saved)
    yield SharedPrice(kind, what, limit, dual, limit * high, saves if high else 0.0, free)


def _duals(problem: SharedProblem, best: float, kappas: Sequence[float]) -> dict[tuple[str, str], float]:
    """By kind and what, the dollars an hour that one unit more saves in the linear relaxation at these kappas."""
    if not kappas:
        return {}
    table = surrogate(problem, kappas, Aim())
    usd = best / 1000.0 or 1.0
    program = formulate_shared(table, usd)
    relaxed = relax(program.model, TIME_S)
    if relaxed is None:
        return {}
    prices = relaxed.row_prices
    found: dict[tuple[str, str], float] = {}
    for load, prepared, one in zip(problem.agents, table.agents, program.agents, strict=True):
        if SLA_ROW in one.rows:
            found["sla", load.name] = max(0.0, -prices[one.rows[SLA_ROW]]) * usd / seconds_unit(prepared)
    for name in BUDGETS:
        if name in program.rows:
            saved = max(0.0, -prices[program.rows[name]]) * usd
            found["budget", name] = saved / (getattr(problem.budget, name) or 1.0)
    for row in problem.capacities:
        found["devices", row.device] = _of_class(problem, row.device, program, relaxed) * usd
    return found


def _of_class(problem: SharedProblem, device: str, program: SharedProgram, relaxed: Relaxation) -> float:
    """What a device more saves: it loosens the row of its class, and the most replicas that each of its levels has."""
    levels = zip(problem.levels, program.replicas, strict=True)
    of_class = ((level.pool.tp, column) for level, column in levels if level.pool.device == device)
    saved = sum(max(0.0, -relaxed.reduced_costs[column]) / tp for tp, column in of_class if column is not None)
    row = program.rows.get(device)
    return saved if row is None else saved + max(0.0, -relaxed.row_prices[row])
