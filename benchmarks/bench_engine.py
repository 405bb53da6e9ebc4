"""How long the placement engine takes and how near to its bound it ends, with shared pools and without.

With pools the time is that of one solve at fixed kappa, and the time with the percentile loop stands beside it. Every
number is measured or computed in this run; instances come from `instances.py` and `bench_placement.py`.
"""

from __future__ import annotations

import argparse
import os
import statistics
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
TARGETS = {
    "200": 10,
    "200-capped": 10,
    "1000": 2,
    "1x20": 10,
    "1x20-heavy": 10,
    "5x20-15": 10,
    "5x20-15-heavy": 10,
    "5x20-30": 3,
    "5x20-30-heavy": 3,
    "20x20-15": 2,
}
"""Seeds of each case when all targets are measured, which takes at most 12 minutes."""

HEURISTIC_GAP = 0.02
HEURISTIC_S = 0.2
REFERENCE_S = 5.0
"""The heuristic's aim for one agent, and seconds for a bound to hold it against: the solve ends at its own aim."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is printed of an instance, and whether it is sound. `hit` and `quick`: the aim is met, by the heuristic."""

    text: str
    sound: bool
    gap: float
    seconds: float
    hit: bool
    quick: bool | None = None


def metered(case: Case, seed: int) -> Line:
    """An agent that pays by use."""
    problem = generate(case.operators, seed, capped=case.capped)
    began = time.perf_counter()
    try:
        found = solve(problem, time_limit_s=case.seconds, gap=case.gap, threads=1)
    except (InfeasibleError, UndecidedError) as error:
        text = f"{case.name:14} {seed:4}  no answer in {case.seconds:g} s: {type(error).__name__}"
        return Line(text, True, 1.0, case.seconds, False)
    seconds = time.perf_counter() - began
    hit = found.gap <= case.gap and seconds <= case.seconds
    text = f"{case.name:14} {seed:4} {found.gap:8.3%} {seconds:8.2f}  {_verdict(case, hit)}, {found.bound_scope}"
    return Line(text, found.evaluation.feasible, found.gap, seconds, hit)


def _verdict(case: Case, hit: bool) -> str:
    return f"{'met' if hit else 'MISSED'} ({case.gap:.0%} in {case.seconds:g} s)"


def pooled(case: Case, shape: Shape, seed: int, *, loop: bool) -> Line:
    """Agents that share pools: heuristic, one solve at the first kappa, and the percentile loop."""
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
        text = f"{case.name:14} {seed:4}  no answer in {case.seconds:g} s"
        return Line(text, True, 1.0, seconds, False)
    bound, quick = found.bound, None
    if shape.agents == 1:
        bound = max(bound, solve_fixed(table, Limits(REFERENCE_S, 1e-4), found.placements).bound)
    near = answer.score.objective / bound - 1.0 if answer and answer.score.feasible else None
    if shape.agents == 1:
        quick = near is not None and near <= HEURISTIC_GAP and heuristic_s <= HEURISTIC_S
    hit = found.gap <= case.gap and seconds <= 1.02 * case.seconds
    text = f"{case.name:14} {seed:4} {found.gap:8.3%} {seconds:8.2f}  {_verdict(case, hit)}"
    text += f", heuristic {'none' if near is None else f'{near:.2%}'} over the bound in {heuristic_s:.2f} s"
    sound = found.bound <= found.score.objective * (1.0 + 1e-6)
    if loop:
        told, accepted = _looped(problem, case)
        text, sound = f"{text}; {told}", sound and accepted
    return Line(f"{text}\n{'':20}{describe(problem)}", sound, found.gap, seconds, hit, quick)


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


def summary(case: Case, lines: Sequence[Line]) -> str:
    """How many seeds of a case met its target, with the worst and the median."""
    gaps, seconds = [line.gap for line in lines], [line.seconds for line in lines]
    text = (
        f"{case.name:14} {sum(line.hit for line in lines)} of {len(lines)} met {case.gap:.0%} in {case.seconds:g} s: "
    )
    text += f"gap {statistics.median(gaps):.2%} in the median, {max(gaps):.2%} at most; "
    text += f"{statistics.median(seconds):.2f} s in the median, {max(seconds):.2f} s at most"
    quick = [line.quick for line in lines if line.quick is not None]
    if quick:
        text += f"; heuristic alone {sum(quick)} of {len(quick)} within {HEURISTIC_GAP:.0%} in {HEURISTIC_S:g} s"
    return text


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where an answer breaks a limit or lies below its bound."""
    parser = argparse.ArgumentParser(description="Times the placement engine against its targets.")
    parser.add_argument("--cases", nargs="+", choices=sorted(CASES), default=list(SHORT))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--no-loop", action="store_true", help="leave the percentile loop out")
    parser.add_argument(
        "--targets", action="store_true", help="every case with its own seeds, and the loop for one agent: 12 minutes"
    )
    wanted = parser.parse_args(arguments)
    seeds = TARGETS if wanted.targets else dict.fromkeys(wanted.cases, wanted.seeds)
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, load {load:.1f} at the start, each instance solved once; gaps with pools are of the"
    )
    print(f"surrogate at kappa {FIRST_KAPPA:g} (bound_scope surrogate); 10,000 sampled runs in the percentile loop")
    print(f"{'case':14} seed      gap  seconds  target")
    told: list[str] = []
    for name, count in seeds.items():
        lines = [_print(_line(CASES[name], seed, wanted)) for seed in range(count)]
        if not all(line.sound for line in lines):
            return 1
        told.append(summary(CASES[name], lines))
    if wanted.targets:
        print(*told, sep="\n")
    return 0


def _print(line: Line) -> Line:
    print(line.text, flush=True)
    return line


def _line(case: Case, seed: int, wanted: argparse.Namespace) -> Line:
    if not case.shape:
        return metered(case, seed)
    loop = case.shape.agents == 1 if wanted.targets else not wanted.no_loop
    return pooled(case, case.shape, seed, loop=loop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
