"""How long the placement engine takes and how near to its bound it ends, with shared pools and without.

With pools the time is that of one solve at fixed kappa, and the time with the percentile loop stands beside it. Every
number is measured or computed in this run; instances come from `instances.py` and `bench_placement.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench_placement import generate
from instances import LOADS, Shape, describe, shared

from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError
from placement.kappa import FIRST_KAPPA
from placement.shared_fixed import solve_fixed
from placement.shared_greedy import shared_greedy
from placement.shared_presolve import presolve_shared
from placement.shared_problem import SharedProblem
from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared
from placement.shared_surrogate import Aim, surrogate
from placement.solve import solve


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the targets: its instance, the gap and the seconds asked for."""

    name: str
    gap: float
    seconds: float
    shape: Shape | None = None
    operators: int = 0
    capped: bool = False


CASES = {
    case.name: case
    for case in (
        Case("200", 0.01, 2.0, operators=200),
        Case("200-capped", 0.01, 5.0, operators=200, capped=True),
        Case("1000", 0.01, 20.0, operators=1000),
        Case("1x20", 0.01, 1.0, Shape(1, options=15)),
        Case("1x20-heavy", 0.01, 1.0, Shape(1, options=15, rate_per_s=LOADS["heavy"])),
        Case("5x20-15", 0.01, 20.0, Shape(5, options=15)),
        Case("5x20-15-heavy", 0.01, 20.0, Shape(5, options=15, rate_per_s=LOADS["heavy"])),
        Case("5x20-30", 0.05, 30.0, Shape(5, options=30)),
        Case("5x20-30-heavy", 0.05, 30.0, Shape(5, options=30, rate_per_s=LOADS["heavy"])),
        Case("20x20-15", 0.05, 60.0, Shape(20, options=15)),
    )
}
SHORT = ("200", "1x20", "1x20-heavy")


def metered(case: Case, seed: int) -> tuple[str, bool]:
    """A line for an agent that pays by use, and whether the answer is sound."""
    problem = generate(case.operators, seed, capped=case.capped)
    began = time.perf_counter()
    try:
        found = solve(problem, time_limit_s=case.seconds, gap=case.gap, threads=1)
    except (InfeasibleError, UndecidedError) as error:
        return f"{case.name:14} {seed:4}  no answer in {case.seconds:g} s: {type(error).__name__}", True
    seconds = time.perf_counter() - began
    hit = "met" if found.gap <= case.gap and seconds <= case.seconds else "MISSED"
    text = f"{case.name:14} {seed:4} {found.gap:8.3%} {seconds:8.2f}"
    return f"{text}  {hit} ({case.gap:.0%} in {case.seconds:g} s), {found.bound_scope}", found.evaluation.feasible


def pooled(case: Case, shape: Shape, seed: int, *, loop: bool) -> tuple[str, bool]:
    """A line for agents that share pools: heuristic, one solve at the first kappa, and the percentile loop."""
    problem = shared(shape, seed)
    began = time.perf_counter()
    table = surrogate(problem, [FIRST_KAPPA] * len(problem.agents), Aim())
    answer = shared_greedy(presolve_shared(table).table)
    heuristic_s = time.perf_counter() - began
    began = time.perf_counter()
    table = surrogate(problem, [FIRST_KAPPA] * len(problem.agents), Aim())
    found = solve_fixed(table, Limits(case.seconds - (time.perf_counter() - began), case.gap))
    seconds = time.perf_counter() - began
    if found.score is None:
        return f"{case.name:14} {seed:4}  no answer in {case.seconds:g} s", True
    near = (
        "none" if answer is None or not answer.score.feasible else f"{answer.score.objective / found.bound - 1.0:.2%}"
    )
    hit = "met" if found.gap <= case.gap and seconds <= 1.02 * case.seconds else "MISSED"
    line = f"{case.name:14} {seed:4} {found.gap:8.3%} {seconds:8.2f}  {hit} ({case.gap:.0%} in {case.seconds:g} s)"
    line += f", heuristic {near} over the bound in {heuristic_s:.2f} s"
    sound = found.bound <= found.score.objective * (1.0 + 1e-6)
    if loop:
        text, accepted = _looped(problem, case)
        return f"{line}; {text}\n{'':20}{describe(problem)}", sound and accepted
    return f"{line}\n{'':20}{describe(problem)}", sound


def _looped(problem: SharedProblem, case: Case) -> tuple[str, bool]:
    began = time.perf_counter()
    try:
        solution = solve_shared(problem, effort=Effort(time_limit_s=8.0 * case.seconds, gap=case.gap))
    except (SharedInfeasibleError, SharedUndecidedError) as error:
        return f"percentile loop: {type(error).__name__}", True
    kappas = "/".join(f"{kappa:.2f}" for kappa in solution.kappas[:5])
    text = (
        f"percentile loop {time.perf_counter() - began:.2f} s in {solution.spent.solves} solves, gap {solution.gap:.2%}"
    )
    return f"{text} ({solution.bound_scope}, kappa {kappas})", solution.evaluation.feasible


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where an answer breaks a limit or lies below its bound."""
    parser = argparse.ArgumentParser(description="Times the placement engine against its targets.")
    parser.add_argument("--cases", nargs="+", choices=sorted(CASES), default=list(SHORT))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--no-loop", action="store_true", help="leave the percentile loop out")
    wanted = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, load {load:.1f} at the start, each instance solved once; gaps with pools are of the"
    )
    print(f"surrogate at kappa {FIRST_KAPPA:g} (bound_scope surrogate); 10,000 sampled runs in the percentile loop")
    print(f"{'case':14} seed      gap  seconds  target")
    for name in wanted.cases:
        case = CASES[name]
        for seed in range(wanted.seeds):
            if case.shape:
                line, sound = pooled(case, case.shape, seed, loop=not wanted.no_loop)
            else:
                line, sound = metered(case, seed)
            print(line, flush=True)
            if not sound:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
