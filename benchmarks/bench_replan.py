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
from instances import CPU, Shape, shared

from placement.infeasible import InfeasibleError
from placement.problem import Placement, Problem
from placement.replan import MovePrice, Replan, replan
from placement.replan_change import change
from placement.replan_shared import replan_shared
from placement.shared_solve import Effort, solve_shared
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


def pooled(seed: int, time_limit_s: float) -> tuple[str, bool]:
    """One agent of 20 operators on shared pools that loses a device it uses, with a price on moves; and its verdict."""
    before = shared(Shape(agents=1), seed)
    running = solve_shared(before, effort=Effort(time_limit_s=time_limit_s)).placement
    used: Counter[str] = Counter()
    for level, count in zip(before.levels, running.replicas, strict=True):
        used[level.pool.device] += count * level.pool.tp
    lost = next(device for device, _ in used.most_common() if device != CPU.name)
    rest = (replace(row, count=used[lost] - 1 if row.device == lost else row.count) for row in before.capacities)
    began = time.process_time()
    found = replan_shared(before, running, replace(before, capacities=tuple(rest)), MovePrice(0.5))
    cpu_s = time.process_time() - began
    text = (
        f"       20   pools {seed:4} {found.seconds:9.3f} {cpu_s:9.3f} {len(found.moved):5} {len(found.forced):6} "
        f"{found.gap:8.2%}  ${found.before.usd_per_hour:.3f} -> ${found.after.usd_per_hour:.3f} an hour"
    )
    return text, found.after.feasible


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where an answer breaks a limit."""
    parser = argparse.ArgumentParser(description="Times replanning after the loss of a device.")
    parser.add_argument("--operators", type=int, nargs="+", default=[20])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--time-limit-s", type=float, default=2.0, help="for each plan made before and anew")
    parser.add_argument("--pooled-seeds", type=int, default=3)
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
    print("one agent of instances.py on shared pools, $0.50 an hour for a move, 10,000 samples for each verdict, once:")
    print("operators  pools seed  replan_s     cpu_s moved forced      gap")
    for seed in range(wanted.pooled_seeds):
        text, feasible = pooled(seed, wanted.time_limit_s)
        print(text)
        if not feasible:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
