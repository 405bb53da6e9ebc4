"""Our solver beside two published formulations, written from their papers and solved with PuLP and CBC in the same run.

The SkyPilot form (Yang et al., NSDI 2023): a binary for each task and resource, and one for each pair of resources at
the two ends of an edge, so that products are linear; it minimises cost or time. Here time is bounded by the SLA, which
it does not know. Melange's problem (Griggs et al., arXiv 2404.14527): buckets of request sizes, cut into slices, go to
kinds of GPU that they load by a known share, and whole GPUs are bought. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pulp
from bench_placement import generate

from placement.evaluate import evaluate
from placement.prepared import Prepared, Step, prepare
from placement.problem import Block, DeviceCapacity, LoopNode, Operator, OpNode, Option, Placement, Pool, Problem
from placement.shared_problem import AgentLoad, Level, Service, SharedProblem
from placement.shared_solve import Effort, solve_shared
from placement.solve import solve

EQUAL = 1e-5
"""Two optima that differ by this share or less, beside the gaps that were allowed, are equal."""


def cbc(gap: float, time_limit_s: float) -> pulp.LpSolver:
    """CBC as PuLP ships it, on one thread."""
    return pulp.PULP_CBC_CMD(msg=False, gapRel=gap, timeLimit=time_limit_s, threads=1)


@dataclass(frozen=True)
class Task:
    """A node of a flat graph: its operator, how often it is passed in the worst case, and what it waits for."""

    operator: int
    factor: float
    waits: tuple[int, ...]
    wrapped: bool


def tasks(prepared: Prepared) -> list[Task]:
    """The nodes of `bench_placement.generate`, each of which has one operator, bare or in a loop or a branch."""
    found: list[Task] = []
    repeats = prepared.countings[prepared.stat].repeats
    for step, waits in zip(prepared.root.steps, prepared.problem.root.waits_for, strict=True):
        factor = repeats[step.node.id] if isinstance(step.node, LoopNode) else 1.0
        found.append(Task(_operator(step), factor, waits, not isinstance(step.node, OpNode)))
    return found


def _operator(step: Step) -> int:
    if isinstance(step.node, OpNode):
        return step.node.operator
    return next(_operator(inner) for block in step.blocks for inner in block.steps)


def skypilot(problem: Problem) -> tuple[pulp.LpProblem, list[list[pulp.LpVariable]]]:
    """The program, and its binaries [operator][option]."""
    prepared = prepare(problem)
    program = pulp.LpProblem("skypilot_form", pulp.LpMinimize)
    chosen = [
        [pulp.LpVariable(f"c_{index}_{option}", cat="Binary") for option in range(len(row.options))]
        for index, row in enumerate(problem.operators)
    ]
    cost = [
        row.visits * option.cost_usd * column
        for row, columns in zip(problem.operators, chosen, strict=True)
        for option, column in zip(row.options, columns, strict=True)
    ]
    for columns in chosen:
        program += pulp.lpSum(columns) == 1
    egress: dict[tuple[int, int], pulp.LpAffineExpression] = {}
    for number, edge in enumerate(problem.edges):
        src, dst = problem.operators[edge.src].options, problem.operators[edge.dst].options
        pairs = [
            [pulp.LpVariable(f"e_{number}_{a}_{b}", cat="Binary") for b in range(len(dst))] for a in range(len(src))
        ]
        for a, column in enumerate(chosen[edge.src]):
            program += pulp.lpSum(pairs[a]) == column
        for b, column in enumerate(chosen[edge.dst]):
            program += pulp.lpSum(row[b] for row in pairs) == column
        moves = [
            (pairs[a][b], edge.table[problem.pools[one.pool].place, problem.pools[other.pool].place])
            for a, one in enumerate(src)
            for b, other in enumerate(dst)
        ]
        cost += [edge.visits * move.cost_usd * column for column, move in moves]
        egress[edge.src, edge.dst] = pulp.lpSum(move.latency_s * column for column, move in moves)
    program.setObjective(pulp.lpSum(cost))
    assert problem.sla is not None
    finish = [pulp.LpVariable(f"f_{index}", 0, problem.sla.limit_s) for index in range(len(problem.operators))]
    flat = tasks(prepared)
    for task in flat:
        rows = zip(problem.operators[task.operator].options, chosen[task.operator], strict=True)
        own = pulp.lpSum(task.factor * option.latency_s * column for option, column in rows)
        before = [flat[position].operator for position in task.waits]
        moved = pulp.LpVariable(f"m_{task.operator}", 0) if task.wrapped and before else None
        for source in before:
            if moved is not None:
                program += moved >= egress[source, task.operator]
            extra = egress[source, task.operator] if moved is None else task.factor * moved
            program += finish[task.operator] >= finish[source] + extra + own
        if not before:
            program += finish[task.operator] >= own
    return program, chosen


@dataclass(frozen=True)
class Pair:
    """One instance: seconds and costs of both."""

    operators: int
    seed: int
    ours_s: float
    ours_gap: float
    theirs_s: float
    theirs_solver_s: float
    cost_ratio: float
    equal: bool

    def __str__(self) -> str:
        return (
            f"{self.operators:9} {self.seed:4} {self.ours_s:7.2f} {self.ours_gap:8.3%} {self.theirs_s:8.2f} "
            f"{self.theirs_solver_s:6.2f} {self.theirs_s / self.ours_s:11.1f} "
            f"{self.theirs_solver_s / self.ours_s:8.1f} {self.cost_ratio:11.4f}"
        )


def beside_skypilot(operators: int, seed: int, gap: float, time_limit_s: float) -> Pair:
    """Solves one instance both ways, each from the problem to the placement."""
    problem = generate(operators, seed, capped=False)
    began = time.perf_counter()
    ours = solve(problem, gap=gap, time_limit_s=time_limit_s)
    ours_s = time.perf_counter() - began
    began = time.perf_counter()
    program, chosen = skypilot(problem)
    solving = time.perf_counter()
    program.solve(cbc(gap, time_limit_s))
    ended = time.perf_counter()
    option = tuple(max(range(len(row)), key=lambda k, r=row: r[k].value() or 0.0) for row in chosen)
    theirs = solve_cost(problem, option)
    ratio = theirs / ours.evaluation.cost_usd
    equal = pulp.LpStatus[program.status] != "Optimal" or abs(ratio - 1.0) <= 2.0 * gap + EQUAL
    return Pair(operators, seed, ours_s, ours.gap, ended - began, ended - solving, ratio, equal)


def solve_cost(problem: Problem, option: tuple[int, ...]) -> float:
    """What our judge says that a placement costs; infinite where it breaks a limit by more than CBC's tolerance."""
    found = evaluate(problem, Placement(option, ()))
    over = [one for one in found.violations if one.value > one.limit * (1.0 + 1e-5)]
    return math.inf if over else found.cost_usd


GPUS = {"small": (0.8, 1.0), "middle": (1.6, 2.6), "large": (3.7, 6.0), "largest": (6.2, 11.0)}
"""Kinds of GPU of the Melange instances: dollars an hour, and relative speed with middling requests."""

SLICES = 8
CAP = 0.9


def melange(buckets: int, seed: int) -> SharedProblem:
    """An agent of one call for each slice of a bucket; a level for each kind of GPU; no SLA beside the load's cap.

    Larger requests gain more from larger GPUs, and the largest do not fit the smallest kind at all.
    """
    rng = random.Random(seed)
    levels = tuple(
        Level(Pool(name, name, "site", 1, "model", None, name, name), 1, CAP, usd) for name, (usd, _) in GPUS.items()
    )
    agents: list[AgentLoad] = []
    for bucket in range(buckets):
        size = (bucket + 1) / buckets
        rate = rng.lognormvariate(0.0, 1.0) / size
        kinds = [(kind, speed) for kind, (_, speed) in enumerate(GPUS.values()) if kind > 0 or size <= 0.5]
        seconds = {kind: 0.4 * size / speed ** (0.7 + 0.5 * size) * rng.uniform(0.9, 1.1) for kind, speed in kinds}
        options = tuple(Option(kind, slot_s, 0.0) for kind, slot_s in seconds.items())
        services = (tuple(Service(slot_s, 0.0) for slot_s in seconds.values()),)
        for part in range(SLICES):
            name = f"bucket{bucket}.{part}"
            call = Operator("call", "op", 1.0, options)
            table = Problem(name, (call,), tuple(one.pool for one in levels), (), (), Block((OpNode(0),), ((),)))
            agents.append(AgentLoad(table, rate / SLICES, services))
    return SharedProblem(
        "melange", levels, tuple(agents), tuple(DeviceCapacity(level.pool.device, 1000) for level in levels)
    )


def shares(problem: SharedProblem, agent: AgentLoad) -> dict[int, float]:
    """By option, the share of one GPU that a slice keeps busy, over the cap."""
    rows = zip(agent.problem.operators[0].options, agent.services[0], strict=True)
    return {
        index: agent.rate_per_s * service.slot_s / (problem.levels[option.pool].cap * problem.levels[option.pool].slots)
        for index, (option, service) in enumerate(rows)
    }


def melange_ours(problem: SharedProblem, gap: float, time_limit_s: float) -> tuple[float, float]:
    """Dollars an hour by our solver of shared plans, which the judge has accepted; and the bound."""
    found = solve_shared(problem, effort=Effort(time_limit_s, gap, samples=0))
    return found.evaluation.usd_per_hour, found.bound


def melange_pulp(problem: SharedProblem, gap: float, time_limit_s: float) -> float:
    """Dollars an hour by the paper's program: A[slice, GPU] binary, B[GPU] whole, load <= B."""
    program = pulp.LpProblem("melange", pulp.LpMinimize)
    bought = [pulp.LpVariable(f"b_{index}", 0, cat="Integer") for index in range(len(problem.levels))]
    program.setObjective(
        pulp.lpSum(one.usd_per_hour * count for one, count in zip(problem.levels, bought, strict=True))
    )
    loads: list[list[pulp.LpAffineExpression]] = [[] for _ in bought]
    for index, agent in enumerate(problem.agents):
        assigned = {option: pulp.LpVariable(f"a_{index}_{option}", cat="Binary") for option in shares(problem, agent)}
        program += pulp.lpSum(assigned.values()) == 1
        for option, share in shares(problem, agent).items():
            loads[agent.problem.operators[0].options[option].pool].append(share * assigned[option])
    for load, count in zip(loads, bought, strict=True):
        program += pulp.lpSum(load) <= count
    program.solve(cbc(gap, time_limit_s))
    return float(pulp.value(program.objective))


def main(arguments: Sequence[str]) -> int:
    """Prints both tables; 1 where two optima differ."""
    parser = argparse.ArgumentParser(description="Our solver beside published formulations, solved with PuLP and CBC.")
    parser.add_argument("--operators", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--buckets", type=int, nargs="+", default=[10, 20])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--time-limit-s", type=float, default=20.0)
    wanted = parser.parse_args(arguments)
    same = True
    print(
        f"the SkyPilot form with the SLA as a bound, PuLP {pulp.__version__} with its CBC, beside ours: generator of "
        f"bench_placement.py without binding capacity, gap {wanted.gap:g}, {os.cpu_count()} cores, each solved once"
    )
    print("operators seed  ours_s ours_gap theirs_s  cbc_s theirs/ours cbc/ours theirs_cost")
    for operators in wanted.operators:
        pairs = [beside_skypilot(operators, seed, wanted.gap, wanted.time_limit_s) for seed in range(wanted.seeds)]
        print(*pairs, sep="\n")
        print(
            f"{operators:9}  median theirs/ours {statistics.median(one.theirs_s / one.ours_s for one in pairs):.1f}, "
            f"without building the program {statistics.median(one.theirs_solver_s / one.ours_s for one in pairs):.1f}"
        )
        same = same and all(one.equal for one in pairs)
    print(f"Melange's problem, seeded, {len(GPUS)} kinds of GPU, {SLICES} slices a bucket, gap 0, as a shared problem")
    print("buckets seed ours_usd_h    bound theirs_usd_h  ours_s theirs_s")
    for buckets in wanted.buckets:
        for seed in range(wanted.seeds):
            problem = melange(buckets, seed)
            began = time.perf_counter()
            ours, bound = melange_ours(problem, 0.0, wanted.time_limit_s)
            between = time.perf_counter()
            theirs = melange_pulp(problem, 0.0, wanted.time_limit_s)
            ended = time.perf_counter()
            print(
                f"{buckets:7} {seed:4} {ours:10.3f} {bound:8.3f} {theirs:12.3f} "
                f"{between - began:7.2f} {ended - between:8.2f}"
            )
            same = same and abs(ours - theirs) <= EQUAL * ours
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
