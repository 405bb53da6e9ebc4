"""Samples runs of an agent under a shared placement, since percentiles of a run are in no formula.

Service times are lognormal with the given mean and deviation; a call waits with the probability of its queue, and then
for an exponential time; loops, fan-outs and branches are drawn as `placement.counts` says. Random numbers are common:
the same seed gives every placement the same draws, operator by operator and pass by pass, so that two placements differ
by what they do and not by chance. The items of a fan-out find one state of the queue and wait for each other; other
calls are drawn apart from each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ir.sla import Stat
from placement.draws import Draws, Floats, Seed
from placement.quantile import QUANTILE
from placement.sampling_visits import ByRun, Runs, at, edge_seconds, routes_of, visits_of
from placement.sampling_walk import Walk, Who, control_nodes
from placement.shared_latency import Served


@dataclass(frozen=True, slots=True)
class Sampling:
    """How many `runs`, and the numbers that fix all draws: a seed and the agent's index. `draws` are those known."""

    runs: int
    seed: int
    agent: int = 0
    draws: Draws = field(default_factory=Draws, compare=False)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Seconds of each sampled run, to the first output of those that have one, and to the first token of each call.

    `run_s` [run]; `first_output_s` [run with an output], None without that limit; `ttft_s` [call] [run that calls it].
    """

    run_s: Floats
    first_output_s: Floats | None
    ttft_s: tuple[Floats, ...]

    @property
    def mean_s(self) -> float:
        """Mean seconds of a run."""
        return statistic(self.run_s, "mean")

    @property
    def p50_s(self) -> float:
        """Half the runs take no longer."""
        return statistic(self.run_s, "p50")

    @property
    def p95_s(self) -> float:
        """95% of runs take no longer."""
        return statistic(self.run_s, "p95")

    @property
    def p99_s(self) -> float:
        """99% of runs take no longer."""
        return statistic(self.run_s, "p99")

    @property
    def longest_s(self) -> float:
        """The longest of the runs that were drawn; the structural worst case is another figure."""
        return statistic(self.run_s, "worst")


def statistic(values: Floats, stat: Stat) -> float:
    """The mean, the largest, or the smallest value that a share of at least 50, 95 or 99% does not exceed."""
    if stat == "mean":
        return float(values.mean())
    if stat == "worst":
        return float(values.max())
    rank = max(0, math.ceil(QUANTILE[stat] * len(values) - 1e-9) - 1)
    return float(np.partition(values, rank)[rank])


def sample(served: Served, sampling: Sampling) -> Sampled:
    """Samples runs. One that needs a saturated level, or one without replicas, is infinite."""
    load = served.agent.load
    runs = sampling.runs
    seed = Seed(sampling.seed, sampling.agent)
    routes = routes_of(served, seed, runs)
    ends = [(edge.src, edge.dst) for edge in load.problem.edges]
    moved = [
        edge_seconds(moves, routes.get(src), routes.get(dst))
        for (src, dst), moves in zip(ends, served.routed.moves, strict=True)
    ]
    root = served.agent.prepared.root
    sources = dict(load.first_output.sources) if load.first_output else {}
    called = {operator for call in load.calls if call.ttft for operator in (call.prefill, call.decode)}
    walk = Walk(
        visits=visits_of(served, seed, routes, sampling.draws),
        edge_s=moved,
        nodes={name: seed.generator("node", index) for index, name in enumerate(control_nodes(root))},
        alternative=served.routed.placement.alternative,
        items=sources,
        first_s={operator: np.full(runs, math.nan) for operator in sources},
        spent={operator: (np.full(runs, math.nan), np.full(runs, math.nan)) for operator in called},
    )
    end = walk.block(root, Who(np.arange(runs)), np.zeros(runs)).end
    ttft = tuple(_ttft(served, walk, index) for index in range(len(load.calls)))
    return Sampled(end, _first_output(walk) if sources else None, ttft)


def _first_output(walk: Walk) -> Floats:
    """The latest of the sources, of the runs that have one."""
    found = np.full(len(next(iter(walk.first_s.values()))), math.nan)
    for first_s in walk.first_s.values():
        found = np.fmax(found, first_s)
    return found[~np.isnan(found)]


def _ttft(served: Served, walk: Walk, index: int) -> Floats:
    call = served.agent.load.calls[index]
    if call.ttft is None:
        return np.zeros(0)
    prefill, decode = walk.spent[call.prefill], walk.spent[call.decode]
    between: ByRun = 0.0
    runs: Runs = np.arange(len(prefill[0]))
    for edge, moved in zip(served.agent.load.problem.edges, walk.edge_s, strict=True):
        if (edge.src, edge.dst, edge.by) == (call.prefill, call.decode, "kv_place"):
            between = np.maximum(between, at(moved, runs))
    found = prefill[0] + prefill[1] + between + decode[0] + decode[1] / call.tokens
    return found[~np.isnan(found)]
