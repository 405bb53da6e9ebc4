"""What a plan minimises, as text: `cost`, `cost,carbon`, `cost+0.5*carbon`, `throughput`.

Cost stands for cost per hour and cost per run: at rates that are given the one is the other times runs per hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from placement.shared_evaluate import SharedEvaluation
    from placement.shared_problem import SharedProblem
    from placement.shared_solve import Effort, SharedSolution
    from placement.shared_surrogate import Aim
    from placement.shared_throughput import Throughput

UNITS: Mapping[str, str] = {"cost": "$/h", "latency": "s", "energy": "W", "carbon": "gCO2e/h"}
THROUGHPUT = "throughput"
DEFAULT = "cost"
NAMES = f"{', '.join(UNITS)} or {THROUGHPUT}"
WITHIN = 0.01
"""How much of an earlier aim a later one may give up."""


class ObjectiveError(OrchestratorError):
    """An objective that does not say what to minimise."""


@dataclass(frozen=True, slots=True)
class Objective:
    """`aims` one after another, each the weights of `units`; none: throughput."""

    text: str
    aims: tuple[Mapping[str, float], ...]
    units: Mapping[str, str] = field(default_factory=lambda: UNITS)

    @property
    def is_cost(self) -> bool:
        """Whether dollars alone are minimised, so that a bound is one of dollars."""
        return self.aims == ({"cost": 1.0},)

    @property
    def is_summed(self) -> bool:
        """Whether one aim alone is minimised, of amounts that the judge knows: all but latency."""
        return len(self.aims) == 1 and "latency" not in self.aims[0]

    @property
    def meaning(self) -> str:
        """In words."""
        if not self.aims:
            return "most throughput: by what factor all rates can grow"
        first, *later = [f"least {self.told(aim)}" for aim in self.aims]
        return first + "".join(f", then {part} within {WITHIN:.0%} of it" for part in later)

    @property
    def unit(self) -> str:
        """Of what the last aim reaches; empty for a sum of several."""
        *_, last = self.aims or ({},)
        return self.units[next(iter(last))] if len(last) == 1 else ""

    def told(self, aim: Mapping[str, float]) -> str:
        """One aim in words: `cost ($/h) + 0.5 x carbon (gCO2e/h)`."""
        rows = ((f"{name} ({self.units[name]})", weight) for name, weight in aim.items())
        return " + ".join(text if weight == 1.0 else f"{weight:g} x {text}" for text, weight in rows)


def parse_objective(text: str) -> Objective:
    """Reads an objective. Raises `ObjectiveError`."""
    parts = [part.strip() for part in text.split(",")]
    if parts == [THROUGHPUT]:
        return Objective(text, ())
    aims = tuple(_aim(part, text) for part in parts)
    if len(aims) > 1 and any(len(aim) > 1 or set(aim.values()) != {1.0} for aim in aims):
        raise ObjectiveError(
            f"the objective {text!r} has both an order and weights", "write cost,carbon or cost+0.5*carbon, not both"
        )
    if len({tuple(aim) for aim in aims}) < len(aims):
        raise ObjectiveError(f"the objective {text!r} names an aim twice", "name each once")
    return Objective(text, aims)


def _aim(part: str, text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for term in part.split("+"):
        *weights, name = (word.strip() for word in term.split("*"))
        if name == THROUGHPUT:
            raise ObjectiveError(f"the objective {text!r} joins throughput with another", "ask for throughput alone")
        if name not in UNITS:
            raise ObjectiveError(f"the objective {text!r} names {name!r}", f"use {NAMES}")
        if name in found:
            raise ObjectiveError(f"the objective {text!r} names {name!r} twice", "give it one weight")
        found[name] = _weight(weights, text)
    return found


def _weight(words: Sequence[str], text: str) -> float:
    if not words:
        return 1.0
    try:
        weight = math.prod(float(word) for word in words)
    except ValueError:
        weight = math.nan
    if not 0.0 < weight < math.inf:
        raise ObjectiveError(
            f"the objective {text!r} has the weight {'*'.join(words)!r}", "a weight is a number over 0"
        )
    return weight


def hourly(objective: Objective) -> Callable[[SharedEvaluation], float]:
    """What a judged plan of a load comes to in an hour, of an objective that is summed."""
    aim = objective.aims[0]

    def value(found: SharedEvaluation) -> float:
        amounts = {"cost": found.objective_usd_per_hour, "energy": found.watts, "carbon": found.gco2e_per_hour}
        return math.fsum(weight * amounts[name] for name, weight in aim.items())

    return value


def aim_of(weights: Mapping[str, float]) -> Aim:
    """The weights as the solver's aim."""
    from placement.shared_surrogate import Aim

    return Aim(
        usd=weights.get("cost", 0.0),
        watts=weights.get("energy", 0.0),
        gco2e=weights.get("carbon", 0.0),
        latency=weights.get("latency", 0.0),
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """What was reached: the problem with its rates as planned, its solution, and for throughput the factor.

    `throughput` has the factor with its bounds.
    """

    problem: SharedProblem
    solution: SharedSolution
    throughput: Throughput | None = None


def reach(
    objective: Objective,
    problem: SharedProblem,
    effort: Effort,
    on_better: Callable[[SharedSolution], None],
    *,
    split: bool = True,
) -> Reached:
    """Solves for an objective; with `split` one aim alone may split traffic. Raises as `solve_shared`."""
    from placement.shared_objectives import lexicographic
    from placement.shared_routes import solve_routed
    from placement.shared_solve import solve_shared
    from placement.shared_throughput import most_throughput, scaled

    if not objective.aims:
        found = most_throughput(problem, effort, split=split)
        return Reached(scaled(problem, found.factor), found.solution, found)
    aims = [aim_of(weights) for weights in objective.aims]
    if len(aims) == 1:
        solve = solve_routed if split else solve_shared
        return Reached(problem, solve(problem, aims[0], effort, on_better))
    return Reached(problem, lexicographic(problem, aims, effort, WITHIN))
