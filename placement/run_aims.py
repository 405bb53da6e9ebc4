"""What is best of one agent's run beside the cheapest: least joules, grams of CO2 equivalent, seconds, or a sum.

An aim without seconds is a sum over options and moves, as dollars are. So the table in that aim's points instead of
dollars is an ordinary problem, and every solver and the judge take it as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from placement.evaluate import score
from placement.prepared import prepare
from placement.problem import Edge, Operator, Option, Placement, Problem, Transfer


class AimError(ValueError):
    """An aim that a problem does not say enough for."""


@dataclass(frozen=True, slots=True)
class PerSecond:
    """What one device of a class uses in a second in use: joules at the meter, and grams of CO2 equivalent of these and
    of making it."""

    joules: float
    gco2e: float


Uses = Mapping[str, PerSecond]
"""By device class."""


@dataclass(frozen=True, slots=True)
class RunAim:
    """What a run adds up to: weights of its US dollars, joules, grams, and of the seconds of the SLA's statistic."""

    usd: float = 0.0
    joules: float = 0.0
    gco2e: float = 0.0
    seconds: float = 0.0

    @property
    def is_latency(self) -> bool:
        """Whether nothing but seconds counts."""
        return self.seconds > 0.0 and not (self.usd or self.joules or self.gco2e)


@dataclass(frozen=True, slots=True)
class Aims:
    """Aims one after another: each among the placements within `tolerance` of the best for those before it."""

    uses: Uses
    aims: tuple[RunAim, ...]
    tolerance: float = 0.01


def in_points(problem: Problem, uses: Uses, aim: RunAim) -> Problem:
    """The problem with an aim's points for dollars, seconds left out. Moves of data cost dollars, and nothing else.

    Raises `AimError` where an option does not say for how long it holds devices, or nobody what these use.
    """
    return replace(
        problem,
        operators=tuple(_operator(problem, uses, aim, each) for each in problem.operators),
        edges=tuple(_edge(edge, aim.usd) for edge in problem.edges),
        penalty_usd_per_s=None if problem.penalty_usd_per_s is None else aim.usd * problem.penalty_usd_per_s,
    )


def _operator(problem: Problem, uses: Uses, aim: RunAim, operator: Operator) -> Operator:
    rows = (replace(row, cost_usd=_points(problem, uses, aim, operator.id, row)) for row in operator.options)
    return replace(operator, options=tuple(rows))


def _points(problem: Problem, uses: Uses, aim: RunAim, operator: str, row: Option) -> float:
    dollars = aim.usd * row.cost_usd
    if not aim.joules and not aim.gco2e:
        return dollars
    device = problem.pools[row.pool].device
    used = uses.get(device)
    if used is None or row.device_s is None:
        what = "what a device of it uses" if used is None else "for how long a call holds it"
        raise AimError(f"{operator} may run on {device}, and nobody says {what}; minimise cost or latency")
    return dollars + (aim.joules * used.joules + aim.gco2e * used.gco2e) * row.device_s


def _edge(edge: Edge, usd: float) -> Edge:
    table = {pair: Transfer(one.latency_s, usd * one.cost_usd, one.overlapped) for pair, one in edge.table.items()}
    return replace(edge, table=table)


def amount(problem: Problem, uses: Uses, aim: RunAim, placement: Placement) -> float:
    """What a placement reaches of an aim, a soft SLA's penalty among its dollars."""
    found = score(prepare(in_points(problem, uses, aim)), placement)
    return found.objective_usd + aim.seconds * found.latency_s
