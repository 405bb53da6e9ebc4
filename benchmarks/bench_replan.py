"""How long it takes to replan a running agent after losing a device, and what that costs beside planning anew.

Instances are those of `bench_placement.py`; the lost device is one of the class with the most operators, and classes
have no spare. Every number is measured or computed in this run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench_placement import generate

from placement.infeasible import InfeasibleError
from placement.problem import Placement, Problem
from placement.replan import Replan, replan
from placement.replan_change import change
from placement.solve import solve

REPEATS = 3


@dataclass(frozen=True)
class Line:
    """One instance: the answer, its seconds (least of the repetitions), and a plan made anew under the same limits."""

    operators: int
    capped: bool
    seed: int
    concerned: int
    answer: Replan
    seconds: float
    anew_s: float
    anew_usd: float
    anew_moves: int

    def __str__(self) -> str:
        return (
            f"{self.operators:9} {'yes' if self.capped else 'no':>6} {self.seed:4} {self.seconds:9.3f} "
            f"{self.concerned:9} {len(self.answer.moved):5} {len(self.answer.forced):6} {self.answer.gap:8.2%} "
            f"{self.answer.after.cost_usd / self.anew_usd:9.3f} {self.anew_moves:10} {self.anew_s / self.seconds:12.1f}"
        )


def lose_one(problem: Problem, running: Placement) -> Problem:
    """The problem with one device fewer of the class that most operators use."""
    rows = zip(problem.operators, running.option, strict=True)
    used = Counter(problem.pools[row.options[option].pool].device for row, option in rows if option is not None)
    lost = used.most_common(1)[0][0]
    rest = (replace(row, count=row.count - (row.device == lost)) for row in problem.capacities)
    return replace(problem, capacities=tuple(rest))


def measure(operators: int, seed: int, *, capped: bool, time_limit_s: float) -> Line | None:
    """Plans, loses a device, replans and plans anew; None where no placement is left."""
    before = generate(operators, seed, capped=capped)
    running = solve(before, time_limit_s=time_limit_s).placement
    after = lose_one(before, running)
    seconds: list[float] = []
    try:
        for _ in range(REPEATS):
            began = time.perf_counter()
            answer = replan(before, running, after)
            seconds.append(time.perf_counter() - began)
    except InfeasibleError:
        return None
    anew = solve(after, time_limit_s=time_limit_s)
    return Line(
        operators=operators,
        capped=capped,
        seed=seed,
        concerned=len(change(before, running, after).concerned),
        answer=answer,
        seconds=min(seconds),
        anew_s=anew.seconds,
        anew_usd=anew.evaluation.cost_usd,
        anew_moves=sum(one != other for one, other in zip(anew.placement.option, running.option, strict=True)),
    )


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where an answer breaks a limit."""
    parser = argparse.ArgumentParser(description="Times replanning after the loss of a device.")
    parser.add_argument("--operators", type=int, nargs="+", default=[20])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--time-limit-s", type=float, default=2.0, help="for each plan made before and anew")
    wanted = parser.parse_args(arguments)
    print(
        f"generator of bench_placement.py, one device of the busiest class lost; least of {REPEATS} repetitions, "
        f"plans anew in at most {wanted.time_limit_s:g} s; {os.cpu_count()} cores"
    )
    print("operators capped seed  replan_s concerned moved forced      gap cost/anew anew_moves anew_s/replan")
    for operators in wanted.operators:
        lines: list[Line] = []
        for capped in (False, True):
            for seed in range(wanted.seeds):
                line = measure(operators, seed, capped=capped, time_limit_s=wanted.time_limit_s)
                if line is None:
                    print(f"{operators:9} {'yes' if capped else 'no':>6} {seed:4}  no placement is left")
                    continue
                print(line)
                lines.append(line)
                if not line.answer.after.feasible:
                    return 1
        seconds = [line.seconds for line in lines]
        print(f"{operators:9} median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
