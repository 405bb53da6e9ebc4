"""How long the placement solver takes, and how far from optimal it ends, on random agents of 20 to 200 operators.

Instances come from a seeded generator with 8 device classes and a hard limit on the worst case; every number is
measured or computed in this run. `solve/lp` compares with the linear relaxation of the same program in the same run.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ir.sla import Sla
from placement.evaluate import evaluate
from placement.highs import Limits, minimise
from placement.milp import formulate
from placement.milp_columns import Form
from placement.prepared import prepare
from placement.problem import (
    Block,
    BranchNode,
    DeviceCapacity,
    Edge,
    LoopNode,
    Node,
    Operator,
    OpNode,
    Option,
    Placement,
    Pool,
    Problem,
    Transfer,
)
from placement.solve import Solution, solve

CLASSES = 8
MODELS = 2
TIGHTNESS = 0.35
"""Where the SLA lies between the latency of the fastest options (0) and that of the cheapest (1)."""

Table = dict[tuple[str, str], Transfer]


@dataclass(frozen=True)
class Line:
    """One instance: its size, the seconds of the solve and of the linear relaxation, and the solution."""

    operators: int
    capped: bool
    seed: int
    columns: int
    seconds: float
    relaxation_s: float
    solution: Solution

    def __str__(self) -> str:
        heuristic, bound = self.solution.heuristic_cost_usd, self.solution.bound_usd
        ratio = f"{heuristic / bound:15.4f}" if heuristic and bound else f"{'none':>15}"
        return (
            f"{self.operators:9} {'yes' if self.capped else 'no':>6} {self.seed:4} {self.columns:7} "
            f"{self.seconds:7.2f} {self.seconds / self.relaxation_s:8.1f} "
            f"{self.solution.gap:8.4%} {ratio}  {self.solution.status}"
        )


def generate(operators: int, seed: int, *, capped: bool) -> Problem:
    """Stages of one to three parallel operators, a tenth of them in a loop or a branch, each tied to one of 2 models.

    Faster classes cost more, also for the same work. Capped: each class has one device, so room for one model.
    """
    rng = random.Random(seed)
    speeds = [1.5**index for index in range(CLASSES)]
    prices = [speed ** rng.uniform(1.1, 1.6) for speed in speeds]
    places = [f"class{index}" for index in range(CLASSES)]
    pools = tuple(
        Pool(f"{place}/model{model}", place, "site", 1, f"model{model}", None, place, place)
        for place in places
        for model in range(MODELS)
    )
    table = _transfers(rng, places)
    rows = tuple(_operator(rng, index, speeds, prices) for index in range(operators))
    root, edges = _structure(rng, operators, table)
    capacities = tuple(DeviceCapacity(place, 1 if capped else MODELS) for place in places)
    problem = Problem(f"random-{operators}-{seed}", rows, pools, capacities, edges, root)
    return replace(problem, sla=Sla("worst", _limit_s(problem)))


def _transfers(rng: random.Random, places: Sequence[str]) -> Table:
    table = {(place, place): Transfer(0.0, 0.0) for place in places}
    pairs = ((src, dst) for src in places for dst in places if src != dst)
    return table | {pair: Transfer(rng.uniform(0.005, 0.02), rng.uniform(0.0, 0.002)) for pair in pairs}


def _operator(rng: random.Random, index: int, speeds: Sequence[float], prices: Sequence[float]) -> Operator:
    work, model = rng.lognormvariate(-1.0, 1.0), rng.randrange(MODELS)
    options: list[Option] = []
    for device, (speed, price) in enumerate(zip(speeds, prices, strict=True)):
        latency_s = work / speed * rng.uniform(0.7, 1.4)
        options.append(Option(device * MODELS + model, latency_s, latency_s * price * 0.01))
    return Operator(f"op{index}", "op", 1.0, tuple(options))


def _structure(rng: random.Random, operators: int, table: Table) -> tuple[Block, tuple[Edge, ...]]:
    nodes: list[Node] = []
    waits: list[tuple[int, ...]] = []
    edges: list[Edge] = []
    before: list[int] = []
    while len(nodes) < operators:
        stage = list(range(len(nodes), min(operators, len(nodes) + rng.choice([1, 1, 2, 3]))))
        for operator in stage:
            edges += [Edge(src, operator, "place", 1.0, 1.0, table) for src in before]
            nodes.append(_node(rng.random(), operator))
            waits.append(tuple(before))  # one node for each operator, so positions are operators
        before = stage
    return Block(tuple(nodes), tuple(waits)), tuple(edges)


def _node(kind: float, operator: int) -> Node:
    inner = Block((OpNode(operator),), ((),))
    if kind < 0.05:
        return LoopNode(f"loop{operator}", 1.5, 3, inner)
    if kind < 0.10:
        return BranchNode(f"branch{operator}", (0.5, 0.5), (inner, Block((), ())))
    return OpNode(operator)


def _limit_s(problem: Problem) -> float:
    def of(options: Sequence[int]) -> float:
        return evaluate(problem, Placement(tuple(options), ())).latency_worst_s

    rows = [range(len(operator.options)) for operator in problem.operators]
    pairs = list(zip(problem.operators, rows, strict=True))
    fastest = of([min(row, key=lambda k, o=operator: o.options[k].latency_s) for operator, row in pairs])
    cheapest = of([min(row, key=lambda k, o=operator: o.options[k].cost_usd) for operator, row in pairs])
    return fastest + TIGHTNESS * (cheapest - fastest)


def measure(operators: int, seed: int, *, capped: bool, time_limit_s: float) -> Line:
    """Solves one instance, and the linear relaxation of its program."""
    problem = generate(operators, seed, capped=capped)
    limit_s = problem.sla.limit_s if problem.sla else 1.0
    program = formulate(prepare(problem), Form("cost", usd=0.001, seconds=limit_s / 1000))
    relaxed = replace(program.model, integer=[False] * len(program.model.integer))
    began = time.perf_counter()
    minimise(relaxed, Limits(time_limit_s))
    relaxation_s = time.perf_counter() - began
    began = time.perf_counter()
    solution = solve(problem, time_limit_s=time_limit_s)
    seconds = time.perf_counter() - began
    return Line(operators, capped, seed, len(program.model.cost), seconds, relaxation_s, solution)


def main(arguments: Sequence[str]) -> int:
    """Prints the table; 1 where an answer breaks a limit or lies below its bound."""
    parser = argparse.ArgumentParser(description="Times the placement solver on random agents.")
    parser.add_argument("--operators", type=int, nargs="+", default=[20, 100, 200])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--time-limit-s", type=float, default=4.0)
    wanted = parser.parse_args(arguments)
    print(
        f"generator of this file, {CLASSES} classes x {MODELS} models, SLA {TIGHTNESS} between fastest and cheapest, "
        f"time limit {wanted.time_limit_s:g} s, {os.cpu_count()} cores, each instance solved once"
    )
    print("operators capped seed columns solve_s solve/lp      gap heuristic/bound  status")
    for operators in wanted.operators:
        for capped in (False, True):
            lines = [
                measure(operators, seed, capped=capped, time_limit_s=wanted.time_limit_s)
                for seed in range(wanted.seeds)
            ]
            print(*lines, sep="\n")
            print(f"{operators:9} {'yes' if capped else 'no':>6}  median gap {_median_gap(lines):.4%}")
            if any(not line.solution.evaluation.feasible or line.solution.gap < 0.0 for line in lines):
                return 1
    return 0


def _median_gap(lines: Sequence[Line]) -> float:
    return statistics.median(line.solution.gap for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
