"""How much dearer plans of shared pools are than the cheapest plan that the judge accepts, where that can be told.

The program knows waiting only as a bound, so that its plans may be dearer than need be. On tiny instances every plan
that costs less is judged, sampled percentiles and their confidence included. Every number is computed in this run.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from instances import Shape, shared

from placement.confidence import surely_hold
from placement.kappa import LEAST_KAPPA
from placement.shared_cheapest import Asked, cheapest_judged
from placement.shared_problem import SharedProblem
from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared
from placement.shared_surrogate import Aim, surrogate

SHAPES = {
    "1x3": Shape(1, operators=3, options=8),
    "1x5": Shape(1, operators=5, options=4),
    "2x3": Shape(2, operators=3, options=4),
    "2x4": Shape(2, operators=4, options=3),
}
RATES_PER_S = (0.05, 0.5, 2.0)
VERDICTS = 20_000
ENOUGH_S = 60.0
SAMPLES = 2000
SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Found:
    """Dollars an hour of a plan and of the cheapest that the judge surely accepts; seconds of the search.

    None: no plan, or only one that its samples just keep.
    """

    usd: float | None
    cheapest: float
    seconds: float

    @property
    def dearer(self) -> float:
        """By which share the plan costs more."""
        return self.usd / self.cheapest - 1.0 if self.usd is not None else 0.0


def cheapest(problem: SharedProblem, effort: Effort) -> float | None:
    """Dollars an hour of the cheapest plan that the judge surely accepts; None where that could not be told."""
    table = surrogate(problem, [LEAST_KAPPA] * len(problem.agents), Aim())
    asked = Asked(math.inf, effort.samples, effort.seed, VERDICTS, time.monotonic() + ENOUGH_S)
    judged = cheapest_judged(table, asked)
    return judged.best.worth if judged.best is not None and judged.is_proven else None


def found(problem: SharedProblem, least: float, effort: Effort) -> Found:
    """What a search finds."""
    began = time.perf_counter()
    try:
        verdict = solve_shared(problem, effort=effort).evaluation
        usd = verdict.usd_per_hour if all(surely_hold(problem, verdict)) else None
    except (SharedInfeasibleError, SharedUndecidedError):
        usd = None
    return Found(usd, least, time.perf_counter() - began)


def line(name: str, rate: float, way: str, rows: Sequence[Found]) -> str:
    """One line of the table."""
    dearer = sorted(row.dearer for row in rows if row.dearer > SAME)
    none = sum(row.usd is None for row in rows)
    text = f"{name:6} {rate:6g} {way:10} {len(rows):6} {len(rows) - none - len(dearer):9} {len(dearer):7} {none:5}"
    middle, most = (statistics.median(dearer), dearer[-1]) if dearer else (0.0, 0.0)
    seconds = max((row.seconds for row in rows), default=0.0)
    return f"{text} {middle:8.1%} {most:8.1%} {seconds:8.2f}"


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where a plan costs less than the cheapest, which would be a mistake."""
    parser = argparse.ArgumentParser(description="Holds plans against the cheapest that the judge accepts.")
    parser.add_argument("--shapes", nargs="+", choices=sorted(SHAPES), default=sorted(SHAPES))
    parser.add_argument("--rates", nargs="+", type=float, default=list(RATES_PER_S))
    parser.add_argument("--seeds", type=int, default=20)
    wanted = parser.parse_args(arguments)
    effort = Effort(time_limit_s=8.0, gap=0.0, samples=SAMPLES)
    ways = {"program": replace(effort, few=0, neighbours=0), "moves": replace(effort, few=0), "all": effort}
    print(
        f"{wanted.seeds} seeds each, those with a plan; {SAMPLES:,} sampled runs; median and most: of the dearer plans"
    )
    print("shape  runs/s search      plans  cheapest  dearer  none   median     most  seconds")
    for name, rate in product(wanted.shapes, wanted.rates):
        shape = replace(SHAPES[name], rate_per_s=rate)
        problems = [shared(shape, seed) for seed in range(wanted.seeds)]
        rows = [(problem, least) for problem in problems if (least := cheapest(problem, effort)) is not None]
        for way, tried in ways.items():
            answers = [found(problem, least, tried) for problem, least in rows]
            print(line(name, rate, way, answers), flush=True)
            if any(row.dearer < -SAME for row in answers):
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
